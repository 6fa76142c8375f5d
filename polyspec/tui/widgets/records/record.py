"""One kept translation: as a line, and in full."""

from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive

from polyspec.tui.facts import lay_out
from polyspec.tui.widgets.fitted import Fitted

_EMPTY = (
    "Translations that you ask for with ctrl+t or copy are listed in the history; what "
    "you correct by hand, and what the model wrote well, is kept in the memory."
)


@dataclass(frozen=True, slots=True)
class ShownRecord:
    """What is shown of a record."""

    languages: str
    source: str
    translation: str
    when: str
    origin: str

    def line(self) -> Content:
        """Languages and the beginning of the text."""
        text = " ".join(self.source.split())
        return Content.assemble((f"{self.languages:<9} ", "$muted"), text)


class RecordCard(Fitted):
    """The marked record in full."""

    HELP = "The marked translation, with what made it and when."

    record: reactive[ShownRecord | None] = reactive(None, layout=True)

    def render(self) -> Content:
        record = self.record
        if record is None:
            return Content.styled(_EMPTY, "$muted")
        facts = [
            ("languages", record.languages),
            ("time", record.when),
            ("by", record.origin),
        ]
        return Content("\n").join(
            [
                lay_out(facts, self.size.width),
                Content(""),
                Content(record.source),
                Content(""),
                Content.styled(record.translation, "$primary"),
            ]
        )
