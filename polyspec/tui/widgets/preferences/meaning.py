"""What the marked setting means."""

from textual.content import Content
from textual.reactive import reactive

from polyspec.tui.facts import lay_out
from polyspec.tui.widgets.fitted import Fitted


class Meaning(Fitted):
    """A setting with its value, where that comes from, and what it does."""

    facts: reactive[tuple[tuple[str, str], ...]] = reactive((), layout=True)

    def render(self) -> Content:
        return lay_out(self.facts, self.size.width)
