"""Drafters by the names that users give them, joined and ready to draft."""

from collections.abc import Callable
from dataclasses import dataclass

from polyspec.decoding.feedback import Feedback
from polyspec.decoding.interfaces import Drafter
from polyspec.drafting.chain import ChainDrafter
from polyspec.drafting.history import NAME as HISTORY
from polyspec.drafting.history import HistoryDrafter
from polyspec.drafting.kept import Learner
from polyspec.drafting.table import NAME as TABLE
from polyspec.drafting.table import TableChoice, TableDrafter
from polyspec.errors import UsageError
from polyspec.tables.reader import Table

DRAFTERS = ("auto", "none", "table", "history")
"""What `--draft` may name."""


@dataclass(slots=True)
class Drafting:
    """A drafter, and whom to tell what is written next."""

    name: str
    """What the user calls it, one of `DRAFTERS`."""
    feedback: Feedback
    drafter: Drafter | None = None
    """None drafts nothing."""
    tables: TableChoice | None = None
    history: HistoryDrafter | None = None

    def switch(self, language: str, task: str) -> None:
        """Be ready for texts in a language (ISO 639-3), for a task.

        Raises:
            TableError: The language has no table and one was asked for.
        """
        if self.tables is not None:
            self.tables.use(language)
        label = f"{language} {task}"
        self.feedback.switch(label)
        if self.history is not None:
            self.history.switch(label)

    def describe(self) -> str:
        """Say what drafts, for example `auto: table deu.3c1c93b8a0f2, history`."""
        parts = []
        if self.tables is not None and self.tables.table_name:
            parts.append(f"table {self.tables.table_name}")
        if self.history is not None:
            parts.append("history")
        if self.name != "auto":
            return ", ".join(parts) or self.name
        return f"auto: {', '.join(parts)}"

    def learners(self) -> dict[str, Learner]:
        """Whoever learns numbers that are worth keeping, by a lasting name."""
        learners: dict[str, Learner] = {"trust": self.feedback}
        if self.history is not None:
            learners["history"] = self.history
        return learners


def require_drafter(name: str) -> None:
    """Refuse a drafter that does not exist.

    Raises:
        UsageError: The name is not one of `DRAFTERS`.
    """
    if name not in DRAFTERS:
        raise UsageError(
            f"there is no drafter {name!r}",
            cause=f"the drafters are {', '.join(DRAFTERS)}",
            remedy="pass --draft auto",
        )


def make_drafter(
    name: str,
    feedback: Feedback,
    *,
    fingerprint: Callable[[], str],
    model: str,
    only_table: Table | None = None,
) -> Drafting:
    """Make the drafter of a name; no model is needed for that.

    Args:
        name: One of `DRAFTERS`.
        feedback: That of the policy which will judge the drafts.
        fingerprint: Gives that of the model's tokenizer.
        model: What the user calls the model.
        only_table: Drafts whatever the language is, if given; it must be for this
            tokenizer.

    Raises:
        UsageError: There is no drafter of that name.
    """
    require_drafter(name)
    if name == "none":
        return Drafting(name, feedback)
    history = HistoryDrafter()
    if name == "history":
        chain = ChainDrafter({HISTORY: history}, feedback)
        return Drafting(name, feedback, chain, history=history)
    is_required = name == "table"
    table = TableDrafter(only_table)
    tables = None
    if only_table is None:
        tables = TableChoice(table, fingerprint, model, is_required=is_required)
    if is_required:
        chain = ChainDrafter({TABLE: table}, feedback)
        return Drafting(name, feedback, chain, tables)
    chain = ChainDrafter({TABLE: table, HISTORY: history}, feedback)
    return Drafting(name, feedback, chain, tables, history)
