"""Picks a language by typing a part of its name."""

from collections.abc import Sequence

from rapidfuzz import fuzz, process
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from polyspec.errors import UsageError
from polyspec.languages import Language, find_language, known_languages
from polyspec.tui.bindings import bind
from polyspec.tui.breathing import Breathing

DETECT = "detect"
"""Picked where the text itself is to tell its language."""
_LIMIT = 40


class LanguagePicker(Breathing, ModalScreen[Language | str | None]):
    """A list of languages: the latest first, then all, or those that match.

    Gives the language, `DETECT`, or None where nothing is to change.
    """

    BINDINGS = [
        bind("escape", "cancel", "Close", "Change nothing", "picker.close"),
        bind(
            "down,ctrl+j",
            "move(1)",
            "Next",
            "Mark the next",
            "picker.next",
            priority=True,
        ),
        bind(
            "ctrl+d",
            "detect",
            "Detect",
            "Tell it from the text",
            "picker.detect",
            priority=True,
        ),
        bind(
            "up,ctrl+k",
            "move(-1)",
            "Previous",
            "Mark the last",
            "picker.previous",
            priority=True,
        ),
    ]
    HELP = (
        "Type a part of a language's name, in English or in the language itself, or "
        "its code (fr, fra, pt-BR). Enter takes the marked one."
    )

    def __init__(
        self,
        title: str,
        recent: Sequence[Language],
        current: str,
        *,
        offers_detection: bool = False,
    ) -> None:
        super().__init__()
        self._title = title
        self._recent = tuple(recent)
        self._current = current
        self._offers_detection = offers_detection
        self._shown: list[Language] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="picker") as box:
            box.border_title = self._title
            box.border_subtitle = "enter takes · esc closes"
            if self._offers_detection:
                box.border_subtitle = "enter takes · ctrl+d detects · esc closes"
            yield Input(placeholder="name or code", compact=True, id="query")
            yield OptionList(id="languages", compact=True)

    def on_mount(self) -> None:
        self._show(self._all())

    @on(Input.Changed)
    def search(self, event: Input.Changed) -> None:
        event.stop()
        query = event.value.strip()
        if not query:
            self._show(self._all())
            return
        found = match_languages(query)
        self._show(found)
        if len(query) > 1:
            self._look_further(query, found)

    @on(Input.Submitted)
    def take(self, event: Input.Submitted) -> None:
        event.stop()
        index = self.query_one(OptionList).highlighted
        if index is not None and index < len(self._shown):
            self.dismiss(self._shown[index])

    @on(OptionList.OptionSelected)
    def pick(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._shown[event.option_index])

    def action_cancel(self) -> None:
        self.dismiss(None)

    def action_detect(self) -> None:
        """Have the language told from the text."""
        self.dismiss(DETECT)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer detection for source texts alone."""
        return self._offers_detection if action == "detect" else True

    def action_move(self, by: int) -> None:
        options = self.query_one(OptionList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    @work(thread=True, exclusive=True)
    def _look_further(self, query: str, found: list[Language]) -> None:
        """Look among all languages of the world, which takes a library."""
        try:
            language = find_language(query)
        except UsageError:
            return
        self.app.call_from_thread(self._add, query, language, found)

    def _add(self, query: str, language: Language, found: list[Language]) -> None:
        if self.query_one(Input).value.strip() != query:
            return
        others = [other for other in found if other.tag != language.tag]
        self._show([language, *others])

    def _all(self) -> list[Language]:
        recent = list(self._recent)
        tags = {language.tag for language in recent}
        others = sorted(known_languages(), key=lambda known: known.name)
        return recent + [known for known in others if known.tag not in tags]

    def _show(self, languages: list[Language]) -> None:
        self._shown = languages
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(Option(self._row(language)) for language in languages)
        if languages:
            options.highlighted = 0

    def _row(self, language: Language) -> Content:
        is_recent = language.tag in {recent.tag for recent in self._recent}
        mark = "✓" if language.tag == self._current else "·" if is_recent else " "
        return Content.assemble(
            (f"{mark} ", "$accent"),
            language.native_name,
            (f"  {language.name}", "$muted"),
            (f"  {language.tag}", "$faint"),
        )


def match_languages(query: str) -> list[Language]:
    """The languages whose name, own name or code resembles the query, best first."""
    folded = query.casefold()
    scores: dict[str, float] = {}
    known = {language.tag: language for language in known_languages()}
    for language in known.values():
        names = (language.name, language.native_name, language.tag, language.code)
        if any(name.casefold().startswith(folded) for name in names):
            scores[language.tag] = 101.0
            continue
        near = process.extractOne(
            folded,
            [language.name.casefold(), language.native_name.casefold()],
            scorer=fuzz.partial_ratio,
            score_cutoff=80,
        )
        if near is not None:
            scores[language.tag] = near[1]
    best = sorted(scores, key=lambda tag: (-scores[tag], known[tag].name))
    return [known[tag] for tag in best[:_LIMIT]]
