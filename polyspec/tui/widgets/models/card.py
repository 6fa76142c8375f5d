"""Everything about one model."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive

from polyspec.tui.facts import lay_out
from polyspec.tui.widgets.fitted import Fitted


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model, as it is shown."""

    name: str
    state: str
    """`in use`, `installed`, `damaged`, `available` or `not tried by us`."""
    size: str
    languages: str = ""
    licence: str = ""
    memory: str = ""
    role: str = ""
    path: str = ""


class ModelCard(Fitted):
    """The marked model, and the tables that can draft for it."""

    HELP = (
        "What is known of the marked model, and which n-gram tables can draft for it."
    )

    row: reactive[ModelRow | None] = reactive(None, layout=True)
    tables: reactive[Sequence[tuple[str, str, bool]] | None] = reactive(
        None, layout=True
    )
    """Language, size, whether it matches; None while they are being read."""

    def render(self) -> Content:
        if self.row is None:
            return Content("no model is marked")
        facts = [
            ("state", self.row.state),
            ("size", self.row.size),
            ("needs", self.row.memory),
            ("languages", self.row.languages),
            ("licence", self.row.licence),
            ("file", self.row.path),
        ]
        lines = [
            Content.styled(self.row.name, "bold $primary"),
            Content(""),
            lay_out(facts, self.size.width),
            Content(""),
            Content.styled("n-gram tables", "bold $muted"),
        ]
        return Content("\n").join([*lines, *self._table_lines()])

    def _table_lines(self) -> list[Content]:
        if self.tables is None:
            return [Content.styled("looking …", "$muted")]
        if not self.tables:
            return [Content.styled("none yet: polyspec tables build", "$muted")]
        matching = [line for line in self.tables if line[2]]
        lines = [
            Content.assemble(("✓ ", "$success"), f"{language}  ", (size, "$muted"))
            for language, size, _ in matching
        ]
        num_others = len(self.tables) - len(matching)
        if num_others:
            lines.append(Content.styled(f"{num_others} for other models", "$muted"))
        return lines
