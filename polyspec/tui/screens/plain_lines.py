"""A text in plain lines over the whole width, for scripts that panes break.

Terminals disagree on scripts that are written from right to left: some reorder each row
of the screen, and tear apart what stands side by side; most reorder nothing. Here rows
hold nothing but the text, and it can be reordered for those that do not do so.
"""

from collections.abc import Iterator

from rich.cells import chop_cells
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widgets import Static

from polyspec.tui.bindings import bind
from polyspec.tui.breathing import Breathing
from polyspec.tui.widgets.fitted import Fitted


class PlainText(Fitted):
    """The text, wrapped at spaces."""

    is_reordered = reactive(False, layout=True)
    """Whether its rows are put in the order in which they are seen."""

    def __init__(self, text: str, *, is_rtl: bool) -> None:
        super().__init__(id="plain-text")
        self._text = text
        self._is_rtl = is_rtl

    def render(self) -> Content:
        width = max(1, self.content_size.width)
        rows = [
            row for line in self._text.split("\n") for row in wrap_line(line, width)
        ]
        if self.is_reordered:
            rows = [reorder(row, is_rtl=self._is_rtl) for row in rows]
        return Content("\n").join(Content(row) for row in rows)


class PlainLinesScreen(Breathing, ModalScreen[None]):
    """Shows a text without anything beside it."""

    BINDINGS = [
        bind("escape,alt+p,q", "close", "Close", "Back to the panes", "plain.close"),
        bind("r", "reorder", "Reorder", "Reorder rows here, or not", "plain.reorder"),
    ]
    HELP = (
        "If words stand in the wrong order, press r: then the rows are reordered here "
        "instead of by the terminal."
    )

    def __init__(self, text: str, *, is_rtl: bool) -> None:
        super().__init__(id="plain")
        self._text = text
        self._is_rtl = is_rtl

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield PlainText(self._text, is_rtl=self._is_rtl)
        yield Static("r reorders the rows here, or not · esc closes")

    def on_mount(self) -> None:
        self.set_class(self._is_rtl, "-rtl")

    def action_close(self) -> None:
        self.dismiss(None)

    def action_reorder(self) -> None:
        """Reorder rows here, or leave that to the terminal."""
        shown = self.query_one(PlainText)
        shown.is_reordered = not shown.is_reordered


def wrap_line(line: str, width: int) -> Iterator[str]:
    """Cut a line into rows of at most `width` cells, at spaces where there are any."""
    from rich.cells import cell_len

    row = ""
    for word in line.split(" "):
        longer = f"{row} {word}" if row else word
        if cell_len(longer) <= width:
            row = longer
            continue
        if row:
            yield row
        *full, row = chop_cells(word, width) or [word]
        yield from full
    yield row


def reorder(row: str, *, is_rtl: bool) -> str:
    """A row in the order in which it is seen, from the left.

    Source: Unicode Bidirectional Algorithm (UAX 9).
    """
    from bidi import get_display

    return str(get_display(row, base_dir="R" if is_rtl else "L"))
