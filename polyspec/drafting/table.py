"""Drafts from the n-gram table of a language."""

from collections.abc import Callable, Sequence

from polyspec.decoding.interfaces import EMPTY_DRAFT, Draft
from polyspec.drafting.adapted_table import AdaptedTable
from polyspec.drafting.one_by_one import OneByOneDrafter
from polyspec.tables.format import MAX_CONTEXT
from polyspec.tables.reader import Table
from polyspec.tables.store import find_table_for, open_table_for

NAME = "table"
_LEAST_CHANCE = 0.02
"""A token that is reached less often than this cannot pay for its place."""


class TableDrafter(OneByOneDrafter):
    """Continues the last tokens with the table's likeliest ones.

    Probabilities come from the table, calibrated. While running, `AdaptedTable`
    corrects them state by state, and `decoding.feedback` all of them together.

    Source: n-gram drafts per language, arXiv 2605.30580.
    """

    def __init__(self, table: Table | None = None) -> None:
        self._contexts: dict[int, list[int]] = {}
        self.table = None if table is None else AdaptedTable(table)
        """The table in use, with what was learned since."""

    def switch(self, table: Table | None) -> None:
        """Draft from another table from now on, or from none; close the last one."""
        if self.table is not None:
            self.table.close()
        self.table = None if table is None else AdaptedTable(table)

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        start_id = None if self.table is None else self.table.info.start_id
        # What stands before an answer is its prompt, in words of another kind.
        self._contexts[sequence_id] = (
            list(prompt_ids[-MAX_CONTEXT:]) if start_id is None else [start_id]
        )

    def _go_on(self, sequence_id: int, prefix: Sequence[int], limit: int) -> Draft:
        context_ids = self._contexts[sequence_id]
        if prefix:
            context_ids = [*context_ids, *prefix][-MAX_CONTEXT:]
        return self._propose(context_ids, limit)

    def _propose(self, context_ids: list[int], limit: int) -> Draft:
        table = self.table
        if table is None:
            return EMPTY_DRAFT
        token_ids, chances = table.walk(table.enter(context_ids), limit, _LEAST_CHANCE)
        if not token_ids:
            return EMPTY_DRAFT
        return Draft(tuple(token_ids), tuple(chances), (NAME,) * len(token_ids))

    def observe(self, sequence_id: int, emitted_ids: Sequence[int]) -> None:
        context = self._contexts[sequence_id]
        if self.table is not None:
            self.table.observe(context, emitted_ids)
        context += emitted_ids
        del context[:-MAX_CONTEXT]

    def end(self, sequence_id: int) -> None:
        self._contexts.pop(sequence_id, None)


class TableChoice:
    """Gives a drafter the table of the language that is written next."""

    def __init__(
        self,
        drafter: TableDrafter,
        fingerprint: Callable[[], str],
        model: str,
        *,
        is_required: bool,
    ) -> None:
        """Choose nothing yet.

        Args:
            drafter: Who gets the table.
            fingerprint: Gives that of the model's tokenizer.
            model: What the user calls the model.
            is_required: Whether a language without a table is an error.
        """
        self._drafter = drafter
        self._fingerprint = fingerprint
        self._model = model
        self._is_required = is_required
        self._language = ""
        self.table_name = ""
        """The table in use, for example `deu.3c1c93b8a0f2`; empty for none."""

    @property
    def table(self) -> AdaptedTable | None:
        """The table in use."""
        return self._drafter.table

    def use(self, language: str) -> None:
        """Take the table of a language, or none where there is none.

        Args:
            language: ISO 639-3.

        Raises:
            TableError: There is none and one is required, or it is damaged.
        """
        if language == self._language:
            return
        fingerprint, table = self._fingerprint(), None
        if self._is_required or find_table_for(language, fingerprint):
            table = open_table_for(language, fingerprint, self._model)
        self._drafter.switch(table)
        self._language = language
        self.table_name = table.path.stem if table is not None else ""
