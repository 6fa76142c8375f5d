"""Translating a text while it is typed."""

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.timer import Timer
from textual.widgets import Static

from polyspec.languages import Language
from polyspec.tui.screens.source_side import SourceSide
from polyspec.tui.screens.translate_keys import TRANSLATE_KEYS
from polyspec.tui.widgets.language_bar import LanguageBar
from polyspec.tui.widgets.source.pane import MAX_CHARS, SourcePane
from polyspec.tui.widgets.target.pane import TargetPane

_PAUSE_S = 0.4
"""So long nothing is typed before the text is translated."""
_MAX_LIVE_CHARS = 4000
"""Longer texts are translated on a key only."""


class TranslateScreen(SourceSide):
    """Source and target side by side, or one above the other."""

    NAME = "translate"
    DOING = "translating …"
    AUTO_FOCUS = "#source"
    BINDINGS = TRANSLATE_KEYS

    def __init__(self) -> None:
        super().__init__()
        self._pause: Timer | None = None
        self._settled = ""
        """A source text whose translation stands there already."""

    def compose_room(self) -> ComposeResult:
        with Container(id="desk"), Vertical(id="work"):
            yield LanguageBar()
            with Container(id="panes"):
                yield SourcePane()
                with Vertical(id="target-side"):
                    yield TargetPane("The translation appears here")
                    yield Static("", id="notes", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self.watch(self.app, "languages", self._show_languages)

    # What the user does

    @on(SourcePane.Edited)
    def wait_for_pause(self, event: SourcePane.Edited) -> None:
        event.stop()
        self.seek_terms()
        if self._pause is not None:
            self._pause.stop()
        if event.text and event.text == self._settled:
            return
        self._settled = ""
        if not event.text.strip():
            self._clear()
        elif len(event.text) > _MAX_LIVE_CHARS:
            self.status.show("a long text: translate it with ctrl+t")
        else:
            self._pause = self.set_timer(_PAUSE_S, lambda: self._begin(is_live=True))

    @on(SourcePane.Refused)
    def offer_file(self, event: SourcePane.Refused) -> None:
        event.stop()
        self.ui.queue_long_text(event.text)
        self.status.show(f"over {MAX_CHARS:,} characters: put among the files")

    @on(SourcePane.PathPasted)
    def read_dropped(self, event: SourcePane.PathPasted) -> None:
        event.stop()
        if not self.ui.take_dropped(event.text, self.source.put_in):
            self.source.put_in(event.text)

    @on(SourcePane.Cleaned)
    def tell_cleaned(self, event: SourcePane.Cleaned) -> None:
        event.stop()
        self.notify(
            f"{event.num_chars:,} characters that are no text were left out",
            severity="warning",
        )

    @on(LanguageBar.Opened)
    def open_picker(self, event: LanguageBar.Opened) -> None:
        event.stop()
        self.action_pick(event.is_source)

    @on(LanguageBar.Swapped)
    def swap_sides(self, event: LanguageBar.Swapped) -> None:
        event.stop()
        self.action_swap()

    def action_translate(self) -> None:
        """Translate the text that is there."""
        self._begin(is_live=False)

    def _begin(self, is_live: bool) -> None:
        self._stop_pause()
        text = self.source.text
        if not text.strip():
            return
        if self.ui.languages.target is None:
            self.action_pick(is_source=False)
        elif self.ui.languages.detects:
            self._detect(text, is_live)
        else:
            self._translate(text, is_live)

    @work(thread=True, exclusive=True, group="detection")
    def _detect(self, text: str, is_live: bool) -> None:
        from polyspec.detection import detect

        found = detect(text)
        language = found.language if found.is_sure else None
        self.app.call_from_thread(self._take_detected, text, language, is_live)

    def _take_detected(self, text: str, language: Language | None, live: bool) -> None:
        if self.source.text == text:  # otherwise it will be looked at again
            if language is not None:
                self.ui.take_detected(language)
            self._translate(text, live)

    def _translate(self, text: str, is_live: bool) -> None:
        from polyspec.tui.jobs import TranslateJob

        languages = self.ui.languages
        if languages.target is None:
            return
        self.start(
            TranslateJob(
                self.post_message,
                self.ui.next_run(),
                text=text,
                source_language=languages.source.tag,
                target_language=languages.target.tag,
                is_live=is_live,
            )
        )

    def action_stop(self) -> None:
        """Stop the running translation; what is written stays."""
        self._stop_pause()
        self.cancel()

    def action_pick(self, is_source: bool) -> None:
        """Open the list of languages."""
        self.ui.pick_language(is_source, self._take_language)

    def action_swap(self) -> None:
        """Exchange both languages and both texts."""
        if self.ui.languages.target is None:
            self.action_pick(is_source=False)
            return
        self._stop_pause()
        self.forget()
        old_source, old_target = self.source.text, self.target.fresh_text
        self.ui.swap_languages()
        if old_target.strip():
            self._put_source(old_target, settled=True)
            self.target.show_text(old_source)
            self.show_notes()
        else:
            self.action_translate()

    def action_copy_target(self) -> None:
        """Copy the translation."""
        self._copy(self.target.selected_text or self.target.fresh_text, "translation")

    def action_copy_source(self) -> None:
        """Copy the source text."""
        self._copy(self.source.text, "source text")

    def action_open_file(self) -> None:
        """Ask for a file and put its text into the source pane."""
        self.ui.ask_for_text(self._put_source)

    def action_edit(self) -> None:
        """Edit the source text in the user's editor."""
        edited = self.ui.edit_outside(self.source.text)
        if edited is not None:
            self._put_source(edited)

    def texts_to_keep(self) -> dict[str, str]:
        return {"source": self.source.text, "translation": self.target.fresh_text}

    def take_back(self, texts: dict[str, str]) -> None:
        """Show the texts of a run that was ended from outside, and take them out."""
        text, translation = texts.pop("source", ""), texts.pop("translation", "")
        if text.strip():
            typed = self.source.text  # while the program started
            self._put_source(
                text + typed, settled=bool(translation.strip() and not typed)
            )
            self.target.show_text(translation)
            self.status.show("this is your text from last time")

    def put_both(self, text: str, translation: str) -> None:
        """Show a text with the translation that it once got."""
        self._stop_pause()
        self.forget()
        self._put_source(text, settled=True)
        self.target.show_text(translation)
        self.show_notes()

    # How it looks

    def _show_languages(self) -> None:
        languages = self.ui.languages
        bar = self.query_one(LanguageBar)
        bar.source, bar.target = languages.source, languages.target
        bar.is_detected = languages.is_detected
        self.seek_terms()

    def _clear(self) -> None:
        self.forget()
        self.target.show_text("")
        self.show_notes()
        self.status.show("")
        self.status.figures = ""

    def _stop_pause(self) -> None:
        if self._pause is not None:
            self._pause.stop()
            self._pause = None

    def _take_language(self, _language: Language) -> None:
        self._settled = ""
        self.action_translate()

    def _put_source(self, text: str, *, settled: bool = False) -> None:
        self._settled = text if settled else ""
        self.source.replace(text, (0, 0), self.source.document.end)

    def _copy(self, text: str, what: str) -> None:
        if text:
            self.app.copy_to_clipboard(text)
            self.status.show(f"{what} copied")
