"""Time without pauses: Ctrl-Z stops the work, `fg` goes on with it."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType

from polyspec.cli import diagnostics


class ActiveClock:
    """Seconds that the process was not paused."""

    def __init__(self) -> None:
        self._paused_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() - self._paused_s

    @contextlib.contextmanager
    def notice_pauses(self) -> Iterator[None]:
        """Leave out, until the block ends, the time between Ctrl-Z and `fg`."""
        number = getattr(signal, "SIGTSTP", None)
        if number is None or signal.getsignal(number) is not signal.SIG_DFL:
            yield
            return
        try:
            signal.signal(number, self._pause)
        except ValueError:  # not in the main thread
            yield
            return
        try:
            yield
        finally:
            signal.signal(number, signal.SIG_DFL)

    def _pause(self, _number: int, _frame: FrameType | None) -> None:
        if sys.platform == "win32":
            return
        started_s = time.monotonic()
        diagnostics.show_cursor(True)
        os.kill(os.getpid(), signal.SIGSTOP)
        diagnostics.show_cursor(False)
        self._paused_s += time.monotonic() - started_s
