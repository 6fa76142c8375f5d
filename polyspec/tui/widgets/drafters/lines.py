"""Lines that change often while a model writes."""

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static


class Lines(Static):
    """Draws lines; all else is laid out anew only when their number changes."""

    _num_lines = 0

    def lines(self, width: int) -> Sequence[Content]:
        """What is to be read.

        Args:
            width: Room for each line, in cells.
        """
        raise NotImplementedError

    def render(self) -> Content:
        return Content("\n").join(self.lines(self.content_size.width))

    def on_resize(self) -> None:
        self.draw()

    def draw(self) -> None:
        """Show what is known now."""
        num_lines = len(self.lines(self.content_size.width))
        self.refresh(layout=num_lines != self._num_lines)
        self._num_lines = num_lines
