"""How the program ends: when asked, when the terminal closes, when it goes wrong."""

import asyncio
import contextlib
import signal
from functools import cached_property
from typing import TYPE_CHECKING

from textual import work
from textual.app import App

from polyspec.errors import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from textual.driver import Driver

    from polyspec.tui.rescue import TextKeeper

_KEEP_S = 2.0
"""So often texts are put aside, if they changed."""


class EndingApp(App[int]):
    """Puts the user's text aside before it ends unasked."""

    def __init__(self, driver: "type[Driver] | None" = None) -> None:
        super().__init__(driver_class=driver)
        self.farewell: list[str] = []
        """Lines to print when the terminal is free again."""
        self._kept: dict[str, str] = {}

    @cached_property
    def keeper(self) -> "TextKeeper":
        """Keeps what is written, should the program be ended."""
        from polyspec.tui.rescue import TextKeeper

        return TextKeeper()

    def texts_to_keep(self) -> dict[str, str]:
        """What would be lost, by where it stands."""
        return {}

    def is_private(self) -> bool:
        """Whether the user wants nothing to be kept; called in any thread."""
        return False

    def keep_texts_from_now_on(self) -> None:
        """Put texts aside while they are written, for whatever may end the program."""
        self.set_interval(_KEEP_S, self._keep_changed)

    def forget_texts(self) -> None:
        """Leave nothing behind: the user ended the program."""
        self.keeper.forget()

    def _keep_changed(self) -> None:
        texts = self.texts_to_keep()
        if texts != self._kept:
            self._kept = texts
            self._keep_now(texts)

    @work(thread=True, group="keeping")
    def _keep_now(self, texts: dict[str, str]) -> None:
        if not self.is_private():
            self.keeper.keep(texts)

    def heed_signals(self) -> None:
        """Leave properly when the terminal closes or the system asks."""
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            # Neither Windows nor a thread other than the main one has them.
            with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
                if number is not None:
                    loop.add_signal_handler(number, self._leave_in_haste)

    def _leave_in_haste(self) -> None:
        self._rescue_text()
        self.exit(EXIT_INTERRUPTED)

    def _rescue_text(self) -> None:
        if not self.is_private() and self.keeper.keep(self.texts_to_keep()):
            self.farewell.append("your text is kept and comes back at the next start")

    def _fatal_error(self) -> None:
        """End after a mistake of the program, with a report but without the text."""
        from polyspec.tui.rescue import write_report

        error = self._exception
        report = write_report(error) if error is not None else None
        with contextlib.suppress(Exception):  # whatever is broken, go on to the end
            self._rescue_text()
        kind = type(error).__name__
        self.farewell.insert(0, f"internal error: {kind}")
        if report is not None:
            self.farewell.append(f"a report without your text is in {report}")
        self._return_code = 1
        self._close_messages_no_wait()
