"""The line above the keys: what happens, and how fast."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.reactive import reactive
from textual.widgets import Label


class StatusLine(Horizontal):
    """A message at the left, figures at the right."""

    message = reactive("")
    figures = reactive("")

    def compose(self) -> ComposeResult:
        yield Label(self.message, id="message", markup=False)
        yield Label(self.figures, id="figures", markup=False)

    def watch_message(self, message: str) -> None:
        if self.is_mounted:
            self.query_one("#message", Label).update(message)

    def watch_figures(self, figures: str) -> None:
        if self.is_mounted:
            self.query_one("#figures", Label).update(figures)

    def show_problem(self, text: str) -> None:
        """Say that something went wrong."""
        self.message = text
        self.add_class("-problem")

    def show(self, text: str) -> None:
        """Say what happens."""
        self.message = text
        self.remove_class("-problem")
