"""Reads what a terminal sends, also where that is no text.

Textual's own reader ends the program at the first byte that is not UTF-8, for example
in a binary file that was pasted. This one puts a replacement character in its place.
"""

import codecs
import os
import selectors
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.driver import Driver


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
            with selectors.DefaultSelector() as selector:
                selector.register(self.fileno, selectors.EVENT_READ)
                while not self.exit_event.is_set():
                    if selector.select(0.1):
                        try:
                            data = os.read(self.fileno, 4096)
                        except OSError:  # the terminal is gone; a signal tells so too
                            return
                        for message in parser.feed(decode(data)):
                            self.process_message(message)
                    for message in parser.tick():
                        self.process_message(message)

    return TolerantDriver
