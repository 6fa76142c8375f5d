"""Drafts from the n-gram table of a language."""

from collections.abc import Sequence

from polyspec.decoding.interfaces import EMPTY_DRAFT, Draft
from polyspec.tables.reader import Table

NAME = "table"
_LEAST_CHANCE = 0.02
"""A token that is reached less often than this cannot pay for its place."""


class TableDrafter:
    """Continues the last tokens with the table's likeliest ones.

    Probabilities come from the table, calibrated; `decoding.feedback` corrects them
    while running.

    Source: n-gram drafts per language, arXiv 2605.30580.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._order = table.info.max_order
        self._contexts: dict[int, list[int]] = {}

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        self._contexts[sequence_id] = list(prompt_ids[-self._order :])

    def propose(
        self, sequence_ids: Sequence[int], limits: Sequence[int]
    ) -> list[Draft]:
        return [
            self._propose(self._contexts[sequence_id], limit)
            for sequence_id, limit in zip(sequence_ids, limits, strict=True)
        ]

    def _propose(self, context_ids: list[int], limit: int) -> Draft:
        table = self._table
        token_ids, chances = table.walk(table.enter(context_ids), limit)
        reached, num = 1.0, 0
        for chance in chances:
            reached *= chance
            if reached < _LEAST_CHANCE:
                break
            num += 1
        if not num:
            return EMPTY_DRAFT
        return Draft(tuple(token_ids[:num]), tuple(chances[:num]), (NAME,) * num)

    def observe(self, sequence_id: int, emitted_ids: Sequence[int]) -> None:
        context = self._contexts[sequence_id]
        context += emitted_ids
        del context[: -self._order]

    def end(self, sequence_id: int) -> None:
        self._contexts.pop(sequence_id, None)
