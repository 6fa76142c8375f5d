"""What can be done with a translation: read its flags, correct it, ask for others."""

from textual import on, work
from textual.widgets import Static

from polyspec.errors import PolySpecError
from polyspec.languages import Language
from polyspec.tui.screens.drafter_side import DrafterSide
from polyspec.tui.widgets.target.pane import TargetPane

_MAX_NOTES = 3


class TargetSide(DrafterSide):
    """A drafter side whose target pane can be worked on."""

    @on(TargetPane.NoteReached)
    def show_note(self, event: TargetPane.NoteReached) -> None:
        event.stop()
        if event.note:
            self.status.show(event.note)

    @on(TargetPane.Corrected)
    def keep_corrections(self, event: TargetPane.Corrected) -> None:
        event.stop()
        languages = self.ui.languages
        if languages.target is not None:
            self._keep(languages.source, languages.target, event.pairs)

    def action_keep(self) -> None:
        """Keep what was corrected by hand."""
        self.target.announce_corrections()

    def action_alternatives(self) -> None:
        """Ask for other translations of the sentence under the cursor."""
        target = self.ui.languages.target
        stretch = self.target.sentence
        if target is None or stretch is None or self.is_writing:
            self.status.show("put the cursor on a sentence of the translation first")
            return
        from polyspec.tui.screens.alternatives import AlternativesScreen

        def take(text: str | None) -> None:
            if text:
                self.target.replace_sentence(stretch, text)
                self.target.announce_corrections()

        known = self.target.text[stretch.start : stretch.end]
        pair = (self.ui.languages.source.tag, target.tag)
        self.app.push_screen(
            AlternativesScreen(self.ui.worker, stretch.source, known, pair), take
        )

    def action_plain_lines(self) -> None:
        """Show the translation, or the text without one, with nothing beside it."""
        from polyspec.tui.screens.plain_lines import PlainLinesScreen

        language = self.ui.languages.target
        is_rtl = language is not None and language.is_rtl
        if self.target.text.strip():
            screen = PlainLinesScreen(self.target.text, is_rtl=is_rtl)
            self.app.push_screen(screen)

    def show_begin(self) -> None:
        super().show_begin()
        self.show_notes()

    def show_figures(self) -> None:
        super().show_figures()
        self.show_notes()

    def show_notes(self) -> None:
        """Name what may be wrong."""
        flags = self.target.flags
        lines = [f"⚑ {flag.note}" for flag in flags[:_MAX_NOTES]]
        if len(flags) > _MAX_NOTES:
            lines.append(f"  and {len(flags) - _MAX_NOTES} more")
        notes = self.query_one("#notes", Static)
        notes.update("\n".join(lines))
        notes.display = bool(lines)

    @work(thread=True, group="corrections")
    def _keep(
        self, source: Language, target: Language, pairs: tuple[tuple[str, str], ...]
    ) -> None:
        from polyspec.tui.archive import keep_by_hand

        try:
            settings = self.ui.settings()
            if not settings.memory or settings.private:
                return
            number = keep_by_hand(source, target, pairs)
        except PolySpecError as error:
            self.app.call_from_thread(self.show_problem, error)
        else:
            said = "1 correction is" if number == 1 else f"{number} corrections are"
            self.app.call_from_thread(self.status.show, f"{said} kept in the memory")
