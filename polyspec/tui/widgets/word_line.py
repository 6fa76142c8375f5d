"""A line of words that can be clicked, drawn by one widget.

A widget a word would take a good part of the time until the first frame, and again
whenever the words change.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.events import Click, Leave, MouseMove
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class Word:
    """A part of the line."""

    content: Content
    value: str
    """What is told when it is clicked."""
    about: str = ""
    """Shown while the mouse is over it."""


class WordLine(Widget):
    """Words side by side; those that do not fit are left out."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES = {"word-line--hover"}

    words: reactive[Sequence[Word]] = reactive(())
    last: reactive[Word | None] = reactive(None)
    """Stands at the right end, whatever else fits."""
    under_mouse: reactive[str | None] = reactive(None)

    @dataclass
    class Clicked(Message):
        """A word was clicked."""

        line: "WordLine"
        value: str

        @property
        def control(self) -> "WordLine":
            return self.line

    def __init__(self, words: Sequence[Word] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.set_reactive(WordLine.words, words)

    def get_content_width(self, *_: object) -> int:
        return sum(word.content.cell_length for word in self.words)

    def watch_words(self) -> None:
        if self.styles.is_auto_width:
            self.refresh(layout=True)

    def render(self) -> Content:
        width = self.content_size.width
        parts = []
        end = 0
        for start, word in self._placed():
            parts.append(Content(" " * (start - end)))
            content = word.content
            if word.value == self.under_mouse:
                content = content.stylize(self.get_visual_style("word-line--hover"))
            parts.append(content)
            end = start + word.content.cell_length
        return Content("").join(parts).truncate(max(0, width))

    def on_click(self, event: Click) -> None:
        word = self._word_at(event.x)
        if word is not None:
            event.stop()
            self.post_message(self.Clicked(self, word.value))

    def on_mouse_move(self, event: MouseMove) -> None:
        word = self._word_at(event.x)
        self.under_mouse = word.value if word is not None else None
        self.tooltip = word.about if word is not None and word.about else None

    def on_leave(self, event: Leave) -> None:
        self.under_mouse = None

    def _word_at(self, column: int) -> Word | None:
        column -= self.styles.padding.left
        for start, word in self._placed():
            if start <= column < start + word.content.cell_length:
                return word
        return None

    def _placed(self) -> Iterator[tuple[int, Word]]:
        """The words that fit, each with its first column."""
        width = self.content_size.width
        last = self.last
        room = width - (last.content.cell_length if last is not None else 0)
        start = 0
        for word in self.words:
            end = start + word.content.cell_length
            if end > room:
                break
            yield start, word
            start = end
        if last is not None:
            yield max(start, room), last
