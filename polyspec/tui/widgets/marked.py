"""A text area in which stretches look different, and long lines are drawn quickly."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rich.containers import Lines
from rich.text import Span, Text
from textual.message import Message
from textual.widgets import TextArea

from polyspec.tui.widgets.lengths import Length

_FRAME_WIDTH = 6
"""Cells of the border beside what is written into it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of the text that looks different."""

    start: int
    """In characters."""
    end: int
    kind: str
    """Names its look: `flagged`, `term`, or the name of a drafter."""
    note: str = ""


class MarkedArea(TextArea):
    """A text area that knows its text by characters, and draws marks.

    Who derives from it says which marks there are, and calls `measure` after every
    change of the text.
    """

    @dataclass
    class LengthChanged(Message):
        """The text is another one, whose tokens are to be counted."""

    def __init__(self, placeholder: str, *, id: str, read_only: bool = False) -> None:
        super().__init__(
            read_only=read_only,
            soft_wrap=True,
            tab_behavior="focus",
            highlight_cursor_line=False,
            placeholder=placeholder,
            id=id,
        )
        self._line_starts: list[int] = [0]
        self._cutter = _Cutter()
        self._spans: dict[int, list[Span]] = {}
        """The looks of lines since the last change; Textual asks for every row."""
        self._length = Length()

    @property
    def counted_text(self) -> str:
        """The text whose length is told."""
        return self.text

    def show_length(self) -> None:
        """Tell how long the text is; its tokens are told when they are counted."""
        length = Length.of(self.counted_text)
        if length.num_chars:
            # The old number stays for a moment: without it the line would flicker.
            length = replace(length, num_tokens=self._length.num_tokens)
        self._set_length(length)
        self.post_message(self.LengthChanged())

    def show_tokens(self, num_tokens: int | None) -> None:
        """Tell how many tokens the text has; None where there is no model."""
        self._set_length(replace(self._length, num_tokens=num_tokens))

    def _set_length(self, length: Length) -> None:
        self._length = length
        self.border_subtitle = length.describe(self.outer_size.width - _FRAME_WIDTH)

    def marks_between(self, first: int, last: int) -> Iterable[Mark]:
        """The marks of a stretch; later ones are drawn over earlier ones."""
        raise NotImplementedError

    def look_of(self, kind: str) -> str:
        """The name of the component class for a kind of mark."""
        raise NotImplementedError

    def measure(self) -> int:
        """Take note of where lines begin; returns the number of characters."""
        self._spans.clear()
        starts = [0]
        for line in self.document.lines:
            starts.append(starts[-1] + len(line) + 1)
        self._line_starts = starts[:-1]
        return starts[-1] - 1

    def location_of(self, index: int) -> tuple[int, int]:
        """The line and column of a character."""
        line = bisect_right(self._line_starts, index) - 1
        return line, index - self._line_starts[line]

    def index_of(self, location: tuple[int, int]) -> int:
        """The number of characters before a line and column."""
        line, column = location
        return self._line_starts[line] + column

    def on_resize(self) -> None:
        self._set_length(self._length)
        # Textual wraps anew, but keeps rows as they were when their number is the same.
        self.refresh()

    def redraw(self) -> None:
        """Draw again with other marks."""
        self.notify_style_update()
        self.refresh()

    def notify_style_update(self) -> None:
        self._spans.clear()
        super().notify_style_update()

    def get_line(self, line_index: int) -> Text:
        """One line, with its marks."""
        line = _Line(self.document.get_line(line_index), self._cutter)
        if line_index < len(self._line_starts):
            if line_index not in self._spans:
                self._spans[line_index] = list(self._style(line_index, len(line)))
            line.spans = list(self._spans[line_index])
        return line

    def _style(self, line_index: int, num_chars: int) -> Iterator[Span]:
        first = self._line_starts[line_index]
        last = first + num_chars
        for mark in self.marks_between(first, last):
            start, end = max(first, mark.start), min(last, mark.end)
            if start < end:
                look = self.look_of(mark.kind)
                style = self.get_component_rich_style(look, partial=True)
                yield Span(start - first, end - first, style)


def find_between(marks: Sequence[Mark], first: int, last: int) -> Iterator[Mark]:
    """The marks that touch a stretch; `marks` are in order and do not overlap."""
    for mark in marks[bisect_right(marks, first, key=lambda mark: mark.end) :]:
        if mark.start >= last:
            return
        yield mark


def move_marks(marks: Iterable[Mark], start: int, end: int, delta: int) -> list[Mark]:
    """The marks after an edit from `start` to `end` that made the text longer.

    Those behind it go with the text; those that it touches are gone.
    """
    return [
        mark
        if mark.end <= start
        else replace(mark, start=mark.start + delta, end=mark.end + delta)
        for mark in marks
        if mark.end <= start or mark.start >= end
    ]


class _Line(Text):
    """A line that is cut into rows as they are drawn.

    Textual cuts the whole line again for each of its rows on the screen, which for a
    paragraph of 50,000 characters takes longer than a key may.
    """

    def __init__(self, text: str, cutter: "_Cutter") -> None:
        super().__init__(text, end="", no_wrap=True)
        self._cutter = cutter

    def divide(self, offsets: Iterable[int]) -> Lines:
        return self._cutter.cut(self, [0, *offsets, len(self)])


class _Cutter:
    """Cuts lines into rows, and keeps the rows of the latest one."""

    def __init__(self) -> None:
        self._rows = _Rows(Text(), [0, 0])

    def cut(self, line: Text, edges: list[int]) -> Lines:
        """The rows of a line, from each edge to the next."""
        rows = self._rows
        if (
            edges != rows.edges
            or line.plain != rows.line.plain
            or line.spans != rows.line.spans
        ):
            rows = self._rows = _Rows(line, edges)
        return rows


class _Rows(Lines):
    """The rows of a line, each cut out when it is first asked for."""

    def __init__(self, line: Text, edges: list[int]) -> None:
        super().__init__()
        self.line = line
        self.edges = edges
        self._known: dict[int, Text] = {}

    def __len__(self) -> int:
        return len(self.edges) - 1

    def __iter__(self) -> Iterator[Text]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, row: int) -> Text:  # type: ignore[override]
        found = self._known.get(row)
        if found is None:
            found = self._known[row] = _cut(self.line, *self.edges[row : row + 2])
        return found


def _cut(line: Text, start: int, end: int) -> Text:
    """The characters from `start` to `end` of a line, with their looks."""
    spans = [
        Span(max(start, span.start) - start, min(end, span.end) - start, span.style)
        for span in line.spans
        if span.start < end and span.end > start
    ]
    return Text(line.plain[start:end], spans=spans)
