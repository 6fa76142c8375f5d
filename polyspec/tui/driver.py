"""Reads what a terminal sends, also where that is no text.

Textual's own reader ends the program at the first byte that is not UTF-8, for example
in a binary file that was pasted, and takes what follows an escape character in a paste
for keys, of which one may leave the program. This one does neither.
"""

import codecs
import os
import selectors
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.driver import Driver

_START, _END = "\x1b[200~", "\x1b[201~"
_ESCAPE, _HARMLESS = "\x1b", "\a"


class PasteGuard:
    """Makes pastes harmless, in a stream that comes in parts of any size."""

    def __init__(self) -> None:
        self._is_inside = False
        self._tail = ""
        """Outside: the end of what went before. Inside: what may begin the end."""

    def guard(self, text: str) -> str:
        """The text with no escape characters in pastes but those that end them."""
        parts = []
        while text:
            part, text = self._end(text) if self._is_inside else self._begin(text)
            parts.append(part)
        return "".join(parts)

    def _begin(self, text: str) -> tuple[str, str]:
        """Pass all up to the beginning of a paste; returns that and what is left."""
        seen = self._tail + text
        found = seen.find(_START)
        if found < 0:
            self._tail = seen[1 - len(_START) :]
            return text, ""
        place = found + len(_START) - len(self._tail)
        self._is_inside, self._tail = True, ""
        return text[:place], text[place:]

    def _end(self, text: str) -> tuple[str, str]:
        """Pass all up to the end of a paste, as far as it is known to be inside."""
        text, self._tail = self._tail + text, ""
        inside, end, rest = text.partition(_END)
        if end:
            self._is_inside = False
        else:
            last = text.rfind(_ESCAPE)
            if last >= 0 and _END.startswith(text[last:]):
                inside, self._tail = text[:last], text[last:]
        return inside.replace(_ESCAPE, _HARMLESS) + end, rest


def choose_driver() -> "type[Driver] | None":
    """The driver for this system; None leaves the choice to Textual."""
    if sys.platform == "win32" or os.environ.get("TEXTUAL_DRIVER"):
        return None
    from textual._xterm_parser import XTermParser
    from textual.drivers.linux_driver import LinuxDriver

    class TolerantDriver(LinuxDriver):
        """Draws and listens as Textual does, and never stumbles over a byte."""

        def run_input_thread(self) -> None:
            parser = XTermParser(self._debug)
            decode = codecs.getincrementaldecoder("utf-8")("replace").decode
            pastes = PasteGuard()
            with selectors.DefaultSelector() as selector:
                selector.register(self.fileno, selectors.EVENT_READ)
                while not self.exit_event.is_set():
                    if selector.select(0.1):
                        try:
                            data = os.read(self.fileno, 4096)
                        except OSError:  # the terminal is gone; a signal tells so too
                            return
                        for message in parser.feed(pastes.guard(decode(data))):
                            self.process_message(message)
                    for message in parser.tick():
                        self.process_message(message)

    return TolerantDriver
