"""The target pane: a translation as it is written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from textual import on
from textual.events import Blur
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import TextArea
from textual.widgets.text_area import Edit, EditResult

from polyspec.tui.themes import PROPOSERS
from polyspec.tui.widgets.marked import Mark, MarkedArea, find_between, move_marks
from polyspec.tui.widgets.target.alignment import Alignment, Stretch

_LOOKS = frozenset(("stale", "flagged", *PROPOSERS))
"""Kinds of marks with a look of their own; other drafters look like a model."""


class TargetPane(MarkedArea):
    """Shows a text that grows; an older one stays, dimmed, until it is overwritten.

    When it is complete it can be edited.
    """

    HELP = (
        "The translation. Underlined in the colour of a warning is what may be wrong; "
        "put the cursor there to read why. Correct it by hand: that is kept in the "
        "memory when you leave the pane. With the drafter panel open, colours say who "
        "proposed each word."
    )
    COMPONENT_CLASSES = {f"target-pane--{look}" for look in _LOOKS}

    shows_proposers = reactive(False)
    """Whether the colours of drafters are shown."""
    is_streaming = reactive(False, toggle_class="-streaming")
    """Whether the model is at work on it."""

    @dataclass
    class NoteReached(Message):
        """The cursor is on a marked stretch with a note, or left it."""

        note: str

    @dataclass
    class Corrected(Message):
        """The user wrote other translations."""

        pairs: tuple[tuple[str, str], ...]
        """Sentences of the source, with what is to stand for them."""

    def __init__(self, hint: str, title: str = "translation") -> None:
        super().__init__(hint, id="target", read_only=True)
        self._title = title
        self.border_title = title
        self._num_fresh = 0
        self._marks: list[Mark] = []
        self._proposals: list[Mark] = []
        self._alignment = Alignment()
        self._num_chars = 0
        self._is_model_writing = False

    @property
    def sentence(self) -> Stretch | None:
        """The sentence that the cursor is in, with its place."""
        return self._alignment.at(self.index_of(self.cursor_location))

    @property
    def fresh_text(self) -> str:
        """What was written by the latest run."""
        return self.text[: self._num_fresh]

    @property
    def counted_text(self) -> str:
        return self.fresh_text

    @property
    def flags(self) -> tuple[Mark, ...]:
        """What may be wrong, in order."""
        return tuple(self._marks)

    def begin(self) -> None:
        """A new text comes; what stands here is old."""
        self._num_fresh = 0
        self._marks, self._proposals = [], []
        self._alignment.clear()
        self.read_only = True
        self.redraw()

    def write(self, start: int, text: str) -> None:
        """From `start` on the new text is `text`; old text behind it stays."""
        follows = self.is_vertical_scroll_end
        old_fresh = self._num_fresh
        self._num_fresh = start + len(text)
        num_chars = self.index_of(self.document.end)
        until = max(old_fresh, min(num_chars, self._num_fresh))
        self._put(start, until, text)
        if follows:
            self.scroll_end(animate=False, immediate=False)

    def finish(self) -> None:
        """The new text is complete; what is left of the old one goes."""
        num_chars = self.index_of(self.document.end)
        if num_chars > self._num_fresh:
            self._put(self._num_fresh, num_chars, "")
        self.read_only = not self._num_fresh

    def show_text(self, text: str) -> None:
        """Show a whole text at once."""
        self.begin()
        self.write(0, text)
        self.finish()

    def align(self, start: int, end: int, source: str) -> None:
        """Say which sentence of the source a finished stretch translates."""
        self._alignment.add(Stretch(start, end, source))

    def replace_sentence(self, stretch: Stretch, text: str) -> None:
        """Put another translation in place of one, as if the user had typed it."""
        old = self.text[stretch.start : stretch.end]
        start = stretch.start + len(old) - len(old.lstrip())
        end = stretch.start + len(old.rstrip())
        self.replace(text, self.location_of(start), self.location_of(end))

    def announce_corrections(self) -> None:
        """Tell what the user wrote since the last time."""
        pairs = tuple(self._alignment.take_edited(self.text))
        if pairs:
            self.post_message(self.Corrected(pairs))

    def edit(self, edit: Edit) -> EditResult:
        """Change the text, by the model's hand or by the user's."""
        if self._is_model_writing:
            return super().edit(edit)
        start, end = self.index_of(edit.top), self.index_of(edit.bottom)
        result = super().edit(edit)
        delta = len(edit.text) - (end - start)
        self._num_fresh += delta
        self._alignment.edit(start, end, len(edit.text))
        for marks in (self._marks, self._proposals):
            marks[:] = move_marks(marks, start, end, delta)
        self._measure()
        return result

    def flag(self, mark: Mark) -> None:
        """Mark a finished stretch that may be wrong."""
        self._marks.append(mark)
        self.redraw()

    def colour(self, marks: Iterable[Mark]) -> None:
        """Say who proposed what in a finished stretch."""
        self._proposals.extend(marks)
        self.redraw()

    def marks_between(self, first: int, last: int) -> Iterator[Mark]:
        yield Mark(max(first, self._num_fresh), last, "stale")
        if self.shows_proposers:
            yield from find_between(self._proposals, first, last)
        yield from find_between(self._marks, first, last)

    def look_of(self, kind: str) -> str:
        return f"target-pane--{kind if kind in _LOOKS else 'model'}"

    def watch_is_streaming(self, is_streaming: bool) -> None:
        self.border_title = "writing …" if is_streaming else self._title

    def watch_shows_proposers(self) -> None:
        self.redraw()

    @on(TextArea.Changed)
    def keep_change(self, event: TextArea.Changed) -> None:
        event.stop()
        if len(self.text) != self._num_chars:  # an edit was undone or done again
            self._num_fresh = len(self.text)
            self._marks, self._proposals = [], []
            self._alignment.clear()
            self._measure()

    def _on_blur(self, event: Blur) -> None:
        super()._on_blur(event)
        self.announce_corrections()

    @on(TextArea.SelectionChanged)
    def tell_note(self, event: TextArea.SelectionChanged) -> None:
        event.stop()
        at = self.index_of(self.cursor_location)
        notes = [mark.note for mark in self._marks if mark.start <= at < mark.end]
        self.post_message(self.NoteReached("; ".join(notes)))

    def _put(self, start: int, end: int, text: str) -> None:
        self._is_model_writing = True
        try:
            self.replace(text, self.location_of(start), self.location_of(end))
        finally:
            self._is_model_writing = False
        self.history.clear()
        self._measure()

    def _measure(self) -> None:
        self._num_chars = self.measure()
        self.show_length()
        self.redraw()
