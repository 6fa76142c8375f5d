"""A trial load in another process, since llama.cpp may abort on what it cannot take.

The header check refuses files that are damaged. What is left, such as a sound file with
senseless sizes, can still end the process inside the library; so each file is loaded
once by a child that may die in our place.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from polyspec.engine.bindings import llama
from polyspec.errors import ModelError, PolySpecError

_TIMEOUT_S = 600
_KILLED = 9
"""SIGKILL, which no program sends itself."""
_CHILD_FAILED = 76
"""Unlike the status of an abort, which is 3 on Windows, or of a Python error."""


def require_loadable(
    path: Path, seal_folder: Path, adapter: Path | None = None
) -> None:
    """Load a model in a child process, unless that went well before.

    Args:
        path: The GGUF file.
        seal_folder: Where a note is left for each file that went well.
        adapter: An adapter to load with it.

    Raises:
        ModelError: The child could not load or evaluate the model, or died of it.
    """
    if not path.is_file():
        raise ModelError(
            f"{path} cannot be loaded",
            cause="there is no such file",
            remedy="polyspec models list",
        )
    files = [path] if adapter is None else [path, adapter]
    seal = seal_folder / f"{_identity(files)}.ok"
    if seal.exists():
        return
    try:
        child = subprocess.run(
            [sys.executable, "-m", "polyspec.engine.guard", *map(str, files)],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ModelError(
            f"{path} cannot be loaded",
            cause=f"a trial load took longer than {_TIMEOUT_S} s",
            remedy="use a smaller model, or free memory",
        ) from None
    if child.returncode:
        raise _child_error(files[-1], child.returncode, child.stdout)
    try:
        seal.parent.mkdir(parents=True, exist_ok=True)
        seal.touch()
    except OSError:
        return


def _child_error(path: Path, code: int, stdout: str) -> ModelError:
    remedy = "check the file with polyspec models verify, or use another model"
    if code == _CHILD_FAILED:
        report = json.loads(stdout.strip().splitlines()[-1])
        return ModelError(
            report["problem"], cause=report["cause"], remedy=report["remedy"] or remedy
        )
    if code == -_KILLED:
        return ModelError(
            f"{path} cannot be loaded",
            cause="the system ended a trial load, mostly for want of memory",
            remedy="close programs, or use a smaller model",
        )
    how = f"signal {-code}" if code < 0 else f"status {code}"
    return ModelError(
        f"{path} cannot be loaded",
        cause=f"llama.cpp ended a trial load with {how}",
        remedy=remedy,
    )


def _identity(files: Sequence[Path]) -> str:
    parts: list[object] = []
    for path in files:
        status = path.stat()
        parts += str(path.resolve()), status.st_size, status.st_mtime_ns
    parts.append(llama().__file__ or "")
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _try_load(path: Path, adapter: Path | None) -> None:
    from polyspec.decoding.interfaces import Chunk
    from polyspec.engine.model import Model
    from polyspec.engine.target import ContextOptions, LlamaTarget

    with Model(path, adapter=adapter, gpu_layers=0) as model:
        if not model.can_write:
            raise ModelError(
                f"{path} cannot write text",
                cause="it is an encoder or a diffusion model",
                remedy="use a model that completes text",
            )
        target = LlamaTarget(
            model, ContextOptions(num_sequences=1, context_size=64, max_outputs=1)
        )
        logits = target.evaluate([Chunk(0, 0, [0], 1)])
        is_sound = not np.isnan(logits).any()
        target.close()
    if not is_sound:
        raise ModelError(
            f"{path} cannot be used",
            cause="its logits are no numbers",
            remedy="check the file with polyspec models verify, or use another model",
        )


def _main(path: Path, adapter: Path | None = None) -> int:
    try:
        _try_load(path, adapter)
    except PolySpecError as err:
        report = {"problem": err.problem, "cause": err.cause, "remedy": err.remedy}
        sys.stdout.write(json.dumps(report) + "\n")
        return _CHILD_FAILED
    return 0


if __name__ == "__main__":
    raise SystemExit(_main(*map(Path, sys.argv[1:])))
