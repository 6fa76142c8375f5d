"""The first run: no model is there, and one key fetches the one that suits."""

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widgets import Static

from polyspec.errors import PolySpecError
from polyspec.tui.amounts import format_bytes
from polyspec.tui.bindings import bind
from polyspec.tui.breathing import Breathing
from polyspec.tui.facts import lay_out
from polyspec.tui.shelf import Suggestion, suggest_model
from polyspec.tui.widgets.fitted import Fitted


class SuggestionText(Fitted):
    """The model to fetch, once it is known."""

    found: reactive[Suggestion | str] = reactive(
        "looking at this machine …", layout=True
    )
    """A model, or what there is to say instead."""

    def render(self) -> Content:
        if isinstance(self.found, str):
            return Content(self.found)
        return _describe(self.found, self.size.width)


class WelcomeScreen(Breathing, ModalScreen[str | None]):
    """Explains what is missing; gives the model to fetch, `models`, or None."""

    BINDINGS = [
        bind("enter", "fetch", "Fetch", "Download this model", "welcome.fetch"),
        bind("m", "choose", "Others", "See all models", "welcome.choose"),
        bind("escape", "later", "Later", "Look around first", "welcome.later"),
    ]
    HELP = (
        "PolySpec translates with a model on your own machine. Nothing is sent "
        "anywhere; only this download uses the network."
    )

    def __init__(self) -> None:
        super().__init__()
        self._suggestion: Suggestion | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="welcome") as box:
            box.border_title = "Welcome to PolySpec"
            box.border_subtitle = "enter fetches · m shows others · esc later"
            yield Static(
                "It translates and writes stories on your own machine, offline. One "
                "thing is missing: a model. It is fetched once, checked, and kept.",
                markup=False,
            )
            yield SuggestionText(id="suggestion")

    def on_mount(self) -> None:
        self._suggest()

    def action_fetch(self) -> None:
        if self._suggestion is not None:
            self.dismiss(self._suggestion.name)

    def action_choose(self) -> None:
        self.dismiss("models")

    def action_later(self) -> None:
        self.dismiss(None)

    @work(thread=True)
    def _suggest(self) -> None:
        try:
            suggestion = suggest_model()
        except PolySpecError as error:
            text = f"{error.problem}\n{error.cause}\n→ {error.remedy}"
            self.app.call_from_thread(self._show, text)
        else:
            self.app.call_from_thread(self._show, suggestion)

    def _show(self, found: Suggestion | str) -> None:
        self._suggestion = None if isinstance(found, str) else found
        self.query_one(SuggestionText).found = found


def _describe(suggestion: Suggestion, width: int) -> Content:
    facts = [
        ("model", suggestion.name),
        ("download", format_bytes(suggestion.size_bytes)),
        ("licence", suggestion.licence),
        ("", suggestion.licence_notice),
        ("languages", suggestion.languages),
    ]
    reason = Content.styled(suggestion.reason, "$muted")
    return Content("\n").join([lay_out(facts, width), Content(""), reason])
