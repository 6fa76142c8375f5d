"""What became of one file."""

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive

from polyspec.tui.facts import lay_out
from polyspec.tui.widgets.fitted import Fitted

_EMPTY = (
    "Documents wait here to be translated: texts, subtitles, web pages, Markdown, "
    "tables, Word and OpenDocument, e-books and the files of programs. Type or drop a "
    "path and press enter; the translation is put beside the file, named after its "
    "language."
)


class FileReport(Fitted):
    """The report on the marked file, or what to do while there is none."""

    facts: reactive[Sequence[tuple[str, str]]] = reactive((), layout=True)

    def render(self) -> Content:
        if not self.facts:
            return Content.styled(_EMPTY, "$muted")
        return lay_out(self.facts, self.size.width)
