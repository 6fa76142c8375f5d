"""The only writer of standard error: notes, errors and progress."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from polyspec.errors import PolySpecError

_BOLD_RED, _DIM, _RESET = "\x1b[1;31m", "\x1b[2m", "\x1b[0m"
_state = {"is_quiet": False}


class Progress(Protocol):
    """Tells how far a long piece of work has come."""

    def update(self, done: int) -> None:
        """Say how much is done in all, in the unit of the whole."""

    def stage(self, text: str) -> None:
        """Name what is being done now."""

    def resume(self, done: int) -> None:
        """Say how much had been done before, which is no part of how fast it goes."""


def set_quiet(is_quiet: bool) -> None:
    """Show errors only, or notes and progress as well."""
    _state["is_quiet"] = is_quiet


def note(text: str) -> None:
    """Tell something that does not stop the work."""
    if not _state["is_quiet"]:
        _write(f"{_paint('polyspec:', _DIM)} {_printable(text)}\n")


def show_cursor(is_shown: bool) -> None:
    """Give the terminal its cursor back while the work is paused, or take it away."""
    if _is_terminal():
        _write("\x1b[?25h\n" if is_shown else "\x1b[?25l")


def start_line() -> None:
    """Go to a new line on a terminal, where half a sentence may stand."""
    if _is_terminal():
        _write("\n")


def print_error(error: PolySpecError, as_json: bool = False) -> None:
    """Show problem, cause and remedy in one line."""
    if as_json:
        _write(json.dumps(_as_fields(error)) + "\n")
        return
    text = error.problem
    if error.cause:
        text += f": {error.cause}"
    if error.remedy:
        text += f"; {error.remedy}"
    _write(f"{_paint('polyspec:', _BOLD_RED)} {_printable(text)}\n")


def print_traceback(error: BaseException) -> None:
    """Show where an error came from, for whoever mends it."""
    import traceback

    _write("".join(traceback.format_exception(error)))


@contextlib.contextmanager
def progress(
    label: str,
    total: int | None,
    unit: str = "B",
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Progress]:
    """Show a bar on a terminal, and two lines where there is none.

    Args:
        label: What is being done.
        total: The whole in `unit`, or None where it is not known.
        unit: `B` for bytes, which are scaled; anything else is counted.
        clock: Gives the seconds by which the time left is reckoned.
    """
    if _state["is_quiet"]:
        yield SILENT
    elif _is_terminal():
        from polyspec.cli.progress_bar import show_bar

        with show_bar(label, total, unit, clock, use_colour=_has_colour()) as bar:
            yield bar
    else:
        note(label if total is None else f"{label}: {format_amount(total, unit)}")
        started_s = time.monotonic()
        yield _Lines(label)
        note(f"{label}: done in {time.monotonic() - started_s:.1f} s")


def progress_if_terminal(
    label: str, total: int | None, unit: str, clock: Callable[[], float]
) -> contextlib.AbstractContextManager[Progress]:
    """The same on a terminal, and nothing elsewhere."""
    if _is_terminal():
        return progress(label, total, unit, clock)
    return contextlib.nullcontext(SILENT)


def format_amount(amount: int, unit: str = "B") -> str:
    """An amount as people read it, for example `1.1 GB` or `12 segments`."""
    if unit != "B":
        return f"{amount} {unit}"
    for power, name in ((9, "GB"), (6, "MB"), (3, "kB")):
        if amount >= 10**power:
            return f"{amount / 10**power:.1f} {name}"
    return f"{amount} B"


class _Silent:
    def update(self, done: int) -> None:
        pass

    def stage(self, text: str) -> None:
        pass

    def resume(self, done: int) -> None:
        pass


SILENT: Progress = _Silent()
"""Shows nothing."""


class _Lines:
    def __init__(self, label: str) -> None:
        self._label = label

    def update(self, done: int) -> None:
        pass

    def stage(self, text: str) -> None:
        note(f"{self._label}: {text}")

    def resume(self, done: int) -> None:
        pass


def _as_fields(error: PolySpecError) -> dict[str, object]:
    return {
        "problem": error.problem,
        "cause": error.cause,
        "remedy": error.remedy,
        "exit_code": error.exit_code,
    }


def _is_terminal() -> bool:
    if sys.stderr is None or os.environ.get("TERM") == "dumb":
        return False
    with contextlib.suppress(ValueError):
        return sys.stderr.isatty()
    return False


def _has_colour() -> bool:
    return _is_terminal() and not os.environ.get("NO_COLOR")


def _paint(text: str, colour: str) -> str:
    return f"{colour}{text}{_RESET}" if _has_colour() else text


def _printable(text: str) -> str:
    """One line without control characters, whatever a file was called."""
    words = " ".join(text.splitlines())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in words)


def _write(text: str) -> None:
    # Nobody is left to tell when standard error itself cannot be written.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text)
        sys.stderr.flush()
