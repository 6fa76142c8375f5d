"""Asks for one line of text."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from polyspec.tui.bindings import bind
from polyspec.tui.breathing import Breathing


class AskScreen(Breathing, ModalScreen[str | None]):
    """A question with one line for the answer, which may be empty; None for none."""

    BINDINGS = [bind("escape", "cancel", "Close", "Change nothing", "ask.close")]
    HELP = "Type the answer and press enter, or leave with escape."

    def __init__(self, question: str, hint: str, answer: str = "") -> None:
        super().__init__()
        self._question = question
        self._hint = hint
        self._answer = answer

    def compose(self) -> ComposeResult:
        with Vertical(id="ask") as box:
            box.border_title = self._question
            box.border_subtitle = "enter takes · esc closes"
            yield Input(self._answer, placeholder=self._hint, compact=True)

    @on(Input.Submitted)
    def take(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value.strip())

    def action_cancel(self) -> None:
        self.dismiss(None)
