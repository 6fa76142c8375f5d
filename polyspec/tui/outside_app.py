"""Texts that come from outside: files, what is dropped, and the user's editor."""

from collections.abc import Callable
from pathlib import Path

from textual.reactive import reactive

from polyspec.errors import PolySpecError
from polyspec.tui.language_app import LanguageApp


class OutsideApp(LanguageApp):
    """Brings in texts, and hands those that are too long to the Files screen."""

    files_waiting: reactive[tuple[Path, ...]] = reactive(())
    """Files that the Files screen is to take over."""

    def ask_for_text(self, then: Callable[[str], object]) -> None:
        """Ask for a text file and hand on what is in it."""
        from polyspec.tui.outside import read_text_file
        from polyspec.tui.screens.ask import AskScreen

        def read(path: str | None) -> None:
            if path:
                try:
                    then(read_text_file(path))
                except PolySpecError as error:
                    self.explain(error)

        self.push_screen(AskScreen("Open a text file", "path of the file"), read)

    def take_dropped(self, pasted: str, then: Callable[[str], object]) -> bool:
        """Hand on the text of a file that was dropped, or queue it as a document.

        Returns:
            Whether what was pasted is the path of a file.
        """
        from polyspec.tui.file_queue import read_path
        from polyspec.tui.outside import read_text_file

        try:
            path = read_path(pasted)
        except PolySpecError:
            return False
        try:
            then(read_text_file(str(path)))
        except PolySpecError:  # too long for a pane, or no plain text
            self.files_waiting = (*self.files_waiting, path)
            self.action_go("files")
        return True

    def queue_long_text(self, text: str) -> None:
        """Put a text that is too long for a pane among the files."""
        from polyspec.tui.outside import keep_pasted

        try:
            self.files_waiting = (*self.files_waiting, keep_pasted(text))
        except PolySpecError as error:
            self.explain(error)
        else:
            self.action_go("files")

    def edit_outside(self, text: str) -> str | None:
        """Let the user's editor change a text; None where that did not work."""
        from polyspec.tui.outside import edit_text

        try:
            return edit_text(self, text)
        except PolySpecError as error:
            self.explain(error)
            return None

    def action_go(self, room: str) -> None:
        """Show another screen."""
        raise NotImplementedError
