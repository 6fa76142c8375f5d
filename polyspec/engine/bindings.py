"""The door to llama.cpp: loading the library, its log, and its return codes.

llama.cpp's own names are kept here and in this package's calls.
"""

import ctypes
import os
from collections import deque
from functools import lru_cache
from typing import Any

from polyspec.errors import EngineError, PolySpecError

_LOG_LEVEL_WARN, _LOG_LEVEL_ERROR, _LOG_LEVEL_CONTINUED = 3, 4, 5
_BUSY_PERCENT = 25.0

DECODE_RETURN_CODES: dict[int, tuple[str, str]] = {
    1: (
        "no room is left in the KV cache",
        "pass a larger --ctx or fewer segments side by side with --parallel",
    ),
    2: ("the evaluation was aborted", "run the command again"),
    -1: ("the batch is invalid", "report this with the output of polyspec doctor"),
    -2: (
        "memory for the evaluation could not be allocated",
        "free memory, or pass a smaller --ctx or fewer --gpu-layers",
    ),
    -3: (
        "the device failed to compute",
        "run the command again, or pass --gpu-layers 0 to use the processor",
    ),
}
"""What `llama_decode` returns other than 0: the cause and the remedy."""

_recent_errors: deque[str] = deque(maxlen=8)
_last_level = 0


@lru_cache(maxsize=1)
def llama() -> Any:
    """Load llama.cpp once and return its low-level functions.

    Raises:
        EngineError: llama-cpp-python is not installed or its library does not load.
    """
    _choose_wait_policy()
    try:
        import llama_cpp.llama_cpp as library
    except (ImportError, OSError, RuntimeError) as err:
        raise EngineError(
            "llama.cpp cannot be loaded",
            cause=str(err).splitlines()[0] if str(err) else type(err).__name__,
            remedy="pip install --force-reinstall llama-cpp-python",
        ) from err
    library.llama_log_set(_make_log_callback(library), ctypes.c_void_p(0))
    library.llama_backend_init()
    return library


def _choose_wait_policy() -> None:
    """Let OpenMP's threads sleep instead of spin when the machine is busy.

    Spinning is fastest on an idle machine, and ruinous when another process wants the
    same cores: a step then waits for threads that are not running. OpenMP reads the
    variable once, when its library is loaded.
    """
    if "OMP_WAIT_POLICY" in os.environ or "GOMP_SPINCOUNT" in os.environ:
        return
    import psutil

    if psutil.cpu_percent(interval=0.05) >= _BUSY_PERCENT:
        os.environ["OMP_WAIT_POLICY"] = "passive"


def wait_policy() -> str:
    """How idle threads wait: `active` (spinning) or `passive` (sleeping)."""
    return os.environ.get("OMP_WAIT_POLICY", "active").lower()


_log_callback: Any = None


def _make_log_callback(library: Any) -> Any:
    """Keep llama.cpp's complaints for our errors, and the terminal clean."""

    def keep(level: int, text: bytes, _: object) -> None:
        global _last_level  # noqa: PLW0603 - llama.cpp continues lines across calls
        if level != _LOG_LEVEL_CONTINUED:
            _last_level = level
        line = text.decode("utf-8", "replace").strip()
        if _last_level >= _LOG_LEVEL_ERROR and line:
            _recent_errors.append(line)

    global _log_callback  # noqa: PLW0603 - must outlive every call of llama.cpp
    _log_callback = library.llama_log_callback(keep)
    return _log_callback


def forget_log() -> None:
    """Drop what llama.cpp complained of so far."""
    _recent_errors.clear()


def last_complaint(default: str) -> str:
    """The first error llama.cpp logged since `forget_log`, or a default."""
    return _recent_errors[0].replace("\n", " ") if _recent_errors else default


def decode_error(code: int) -> PolySpecError:
    """Return the error of a return code of `llama_decode`."""
    cause, remedy = DECODE_RETURN_CODES.get(
        code, (f"llama_decode returned {code}", DECODE_RETURN_CODES[-3][1])
    )
    return EngineError(
        "the model could not be evaluated",
        cause=last_complaint(cause) if code not in DECODE_RETURN_CODES else cause,
        remedy=remedy,
    )
