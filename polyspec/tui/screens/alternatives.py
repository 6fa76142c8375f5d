"""Other translations of one sentence, to choose from."""

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from polyspec.tui.bindings import bind
from polyspec.tui.breathing import Breathing
from polyspec.tui.suggesting import SuggestionFound, SuggestionsEnded, SuggestJob

if TYPE_CHECKING:
    from polyspec.tui.worker import ModelWorker


class AlternativesScreen(Breathing, ModalScreen[str | None]):
    """A list that grows while the model draws; gives the chosen text, or None."""

    BINDINGS = [
        bind("escape", "cancel", "Close", "Keep what is there", "alternatives.close")
    ]
    HELP = (
        "Other translations of the sentence, drawn by the model. Enter puts the marked "
        "one in its place."
    )

    def __init__(
        self, worker: "ModelWorker", source: str, known: str, pair: tuple[str, str]
    ) -> None:
        """Ask for other translations.

        Args:
            worker: Owns the model.
            source: The sentence.
            known: Its translation that is there.
            pair: Tags of the languages, of the sentence first.
        """
        super().__init__()
        self._worker = worker
        self._source = source
        self._job = SuggestJob(self.post_message, source, *pair, known)
        self.texts: list[str] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="alternatives") as box:
            box.border_title = "Other translations"
            box.border_subtitle = "enter takes · esc closes"
            yield Static(self._source, id="sentence", markup=False)
            yield OptionList(id="ways", compact=True)
            yield Static("drawing …", id="state", markup=False)

    def on_mount(self) -> None:
        self._worker.submit(self._job)

    def on_suggestion_found(self, event: SuggestionFound) -> None:
        event.stop()
        self.texts.append(event.text)
        ways = self.query_one(OptionList)
        ways.add_option(Option(Content(event.text)))
        if ways.highlighted is None:
            ways.highlighted = 0

    def on_suggestions_ended(self, event: SuggestionsEnded) -> None:
        event.stop()
        state = self.query_one("#state", Static)
        if event.error is not None:
            state.update(f"{event.error.problem}: {event.error.cause}")
        elif self.texts:
            state.display = False
        else:
            state.update("the model always says the same")

    @on(OptionList.OptionSelected)
    def take(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._job.cancel()
        self.dismiss(self.texts[event.option_index])

    def action_cancel(self) -> None:
        self._job.cancel()
        self.dismiss(None)
