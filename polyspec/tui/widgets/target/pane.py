"""The target pane: a translation as it is written."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace

from rich.text import Text
from textual import on
from textual.events import Blur
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import TextArea
from textual.widgets.text_area import Edit, EditResult

from polyspec.tui.widgets.source.pane import count_words
from polyspec.tui.widgets.target.alignment import Alignment, Stretch


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of the text that looks different."""

    start: int
    """In characters."""
    end: int
    kind: str
    """`flagged`, or the name of a drafter."""
    note: str = ""


class TargetPane(TextArea):
    """Shows a text that grows; an older one stays, dimmed, until it is overwritten.

    When it is complete it can be edited.
    """

    HELP = (
        "The translation. Underlined in the colour of a warning is what may be wrong; "
        "put the cursor there to read why. Correct it by hand: that is kept in the "
        "memory when you leave the pane. With the drafter panel open, colours say who "
        "proposed each word."
    )
    COMPONENT_CLASSES = {
        "target-pane--stale",
        "target-pane--flagged",
        "target-pane--table",
        "target-pane--history",
        "target-pane--memory",
        "target-pane--source",
        "target-pane--model",
    }

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
        super().__init__(
            read_only=True,
            soft_wrap=True,
            tab_behavior="focus",
            highlight_cursor_line=False,
            placeholder=hint,
            id="target",
        )
        self._title = title
        self.border_title = title
        self._num_fresh = 0
        self._marks: list[Mark] = []
        self._proposals: list[Mark] = []
        self._line_starts: list[int] = [0]
        self._alignment = Alignment()
        self._num_chars = 0
        self._is_model_writing = False

    @property
    def sentence(self) -> Stretch | None:
        """The sentence that the cursor is in, with its place."""
        return self._alignment.at(self._index(self.cursor_location))

    @property
    def fresh_text(self) -> str:
        """What was written by the latest run."""
        return self.text[: self._num_fresh]

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
        self._redraw()

    def write(self, start: int, text: str) -> None:
        """From `start` on the new text is `text`; old text behind it stays."""
        follows = self.is_vertical_scroll_end
        old_fresh = self._num_fresh
        self._num_fresh = start + len(text)
        num_chars = self._index(self.document.end)
        until = max(old_fresh, min(num_chars, self._num_fresh))
        self._put(start, until, text)
        if follows:
            self.scroll_end(animate=False, immediate=False)

    def finish(self) -> None:
        """The new text is complete; what is left of the old one goes."""
        num_chars = self._index(self.document.end)
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
        self.replace(text, self._location(start), self._location(end))

    def announce_corrections(self) -> None:
        """Tell what the user wrote since the last time."""
        pairs = tuple(self._alignment.take_edited(self.text))
        if pairs:
            self.post_message(self.Corrected(pairs))

    def edit(self, edit: Edit) -> EditResult:
        """Change the text, by the model's hand or by the user's."""
        if self._is_model_writing:
            return super().edit(edit)
        start, end = self._index(edit.top), self._index(edit.bottom)
        result = super().edit(edit)
        delta = len(edit.text) - (end - start)
        self._num_fresh += delta
        self._alignment.edit(start, end, len(edit.text))
        for marks in (self._marks, self._proposals):
            marks[:] = _move(marks, start, end, delta)
        self._measure()
        return result

    def flag(self, mark: Mark) -> None:
        """Mark a finished stretch that may be wrong."""
        self._marks.append(mark)
        self._redraw()

    def colour(self, marks: Iterable[Mark]) -> None:
        """Say who proposed what in a finished stretch."""
        self._proposals.extend(marks)
        self._redraw()

    def get_line(self, line_index: int) -> Text:
        """One line, with its marks."""
        line = super().get_line(line_index)
        if line_index >= len(self._line_starts):
            return line
        first = self._line_starts[line_index]
        self._style(line, first, self._num_fresh, first + len(line), "stale")
        if self.shows_proposers:
            for mark in self._in(self._proposals, first, first + len(line)):
                self._style(line, first, mark.start, mark.end, mark.kind)
        for mark in self._in(self._marks, first, first + len(line)):
            self._style(line, first, mark.start, mark.end, "flagged")
        return line

    def watch_is_streaming(self, is_streaming: bool) -> None:
        self.border_title = "writing …" if is_streaming else self._title

    def watch_shows_proposers(self) -> None:
        self._redraw()

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
        at = self._index(self.cursor_location)
        notes = [mark.note for mark in self._marks if mark.start <= at < mark.end]
        self.post_message(self.NoteReached("; ".join(notes)))

    def _put(self, start: int, end: int, text: str) -> None:
        self._is_model_writing = True
        try:
            self.replace(text, self._location(start), self._location(end))
        finally:
            self._is_model_writing = False
        self.history.clear()
        self._measure()

    def _measure(self) -> None:
        starts = [0]
        for line in self.document.lines:
            starts.append(starts[-1] + len(line) + 1)
        self._line_starts = starts[:-1]
        self._num_chars = starts[-1] - 1
        self.border_subtitle = count_words(self.fresh_text)
        self._redraw()

    def _location(self, index: int) -> tuple[int, int]:
        line = bisect_right(self._line_starts, index) - 1
        return line, index - self._line_starts[line]

    def _index(self, location: tuple[int, int]) -> int:
        line, column = location
        return self._line_starts[line] + column

    def _redraw(self) -> None:
        self.notify_style_update()
        self.refresh()

    def _in(self, marks: list[Mark], first: int, last: int) -> list[Mark]:
        """The marks that touch a stretch; marks are in order and do not overlap."""
        start = bisect_right(marks, first, key=lambda mark: mark.end)
        found = []
        for mark in marks[start:]:
            if mark.start >= last:
                break
            found.append(mark)
        return found

    def _style(self, line: Text, first: int, start: int, end: int, kind: str) -> None:
        start, end = max(0, start - first), min(len(line), end - first)
        if start < end:
            name = kind if kind in ("stale", "flagged") else _known(kind)
            style = self.get_component_rich_style(f"target-pane--{name}", partial=True)
            line.stylize(style, start, end)


def _move(marks: list[Mark], start: int, end: int, delta: int) -> list[Mark]:
    """Marks behind an edit go with the text; those that it touches are gone."""
    return [
        mark
        if mark.end <= start
        else replace(mark, start=mark.start + delta, end=mark.end + delta)
        for mark in marks
        if mark.end <= start or mark.start >= end
    ]


def _known(proposer: str) -> str:
    """The colour's name for a drafter; those without one look like a model."""
    known = {"table", "history", "memory", "source", "model"}
    return proposer if proposer in known else "model"
