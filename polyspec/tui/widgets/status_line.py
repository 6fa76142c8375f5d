"""The line above the keys: what happens, and how fast."""

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget


class StatusLine(Widget):
    """A message at the left, figures at the right, which come first in little room."""

    COMPONENT_CLASSES = {"status-line--problem"}

    message = reactive("")
    figures = reactive("")
    is_problem = reactive(False)

    def render(self) -> Content:
        width = self.content_size.width
        figures = Content(self.figures).truncate(width)
        room = max(0, width - figures.cell_length - 1)
        message = Content(self.message).truncate(room, ellipsis=True)
        if self.is_problem:
            message = message.stylize(self.get_visual_style("status-line--problem"))
        gap = width - message.cell_length - figures.cell_length
        return Content("").join([message, Content(" " * gap), figures])

    def show_problem(self, text: str) -> None:
        """Say that something went wrong."""
        self.message = text
        self.is_problem = True

    def show(self, text: str) -> None:
        """Say what happens."""
        self.message = text
        self.is_problem = False
