"""Finds a file by walking through folders."""

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import DirectoryTree

from polyspec.tui.bindings import bind
from polyspec.tui.breathing import Breathing


class BrowseScreen(Breathing, ModalScreen[str | None]):
    """A tree of folders; enter takes the marked file."""

    BINDINGS = [
        bind("escape", "cancel", "Close", "Take no file", "browse.close"),
        bind("backspace", "up", "Up", "Go to the folder above", "browse.up"),
    ]
    HELP = "Folders open with enter; a file is taken with enter."

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def compose(self) -> ComposeResult:
        with Vertical(id="browse") as box:
            box.border_title = "Add a file"
            box.border_subtitle = "enter takes · backspace goes up · esc closes"
            yield DirectoryTree(self._folder, id="tree")

    @on(DirectoryTree.FileSelected)
    def take(self, event: DirectoryTree.FileSelected) -> None:
        event.stop()
        self.dismiss(str(event.path))

    def action_cancel(self) -> None:
        self.dismiss(None)

    def action_up(self) -> None:
        """Show the folder above."""
        self._folder = self._folder.parent
        self.query_one(DirectoryTree).path = self._folder
