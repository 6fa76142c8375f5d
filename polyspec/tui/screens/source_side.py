"""What is shown of a source text while it is typed: the terms of the glossary."""

from pathlib import Path

from textual import on, work
from textual.timer import Timer

from polyspec.errors import PolySpecError
from polyspec.tui.screens.target_side import TargetSide
from polyspec.tui.widgets.marked import Mark
from polyspec.tui.widgets.source.pane import SourcePane

_PAUSE_S = 0.2
"""So long nothing is typed before terms are sought."""


class SourceSide(TargetSide):
    """Underlines the terms of the glossary in the source pane."""

    def __init__(self) -> None:
        super().__init__()
        self._terms_pause: Timer | None = None

    @property
    def source(self) -> SourcePane:
        return self.query_one(SourcePane)

    def on_screen_resume(self) -> None:
        self.seek_terms()  # the settings may name another glossary now

    def seek_terms(self) -> None:
        """Look for terms when nothing is typed for a moment."""
        if self._terms_pause is not None:
            self._terms_pause.stop()
        self._terms_pause = self.set_timer(_PAUSE_S, self._seek_now)

    def _seek_now(self) -> None:
        if self.source.text.strip():
            self._find_terms(self.source.text)

    @on(SourcePane.TermReached)
    def show_term(self, event: SourcePane.TermReached) -> None:
        event.stop()
        if not self.is_writing:
            self.status.show(event.note)

    @work(thread=True, exclusive=True, group="terms")
    def _find_terms(self, text: str) -> None:
        from polyspec.tui.terms import find_terms

        languages = self.ui.languages
        try:
            glossary = self.ui.settings().glossary
        except PolySpecError:  # told where the model is loaded
            return
        terms: list[Mark] = []
        if glossary is not None and languages.target is not None:
            terms = find_terms(Path(glossary), languages.source, languages.target, text)
        self.app.call_from_thread(self._show_terms, text, terms)

    def _show_terms(self, text: str, terms: list[Mark]) -> None:
        if self.source.text == text:  # otherwise they will be sought again
            self.source.show_terms(terms)
