"""The table's drafts, reweighted by the sentence that is translated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from polyspec.decoding.interfaces import EMPTY_DRAFT, Draft
from polyspec.drafting.adapted_table import AdaptedTable
from polyspec.drafting.hints import SentenceHints
from polyspec.drafting.one_by_one import OneByOneDrafter
from polyspec.drafting.source_scores import Scorer, find_candidates
from polyspec.drafting.source_state import Progress, Sentence
from polyspec.tables.format import MAX_CONTEXT

NAME = "source"
MakeHints: TypeAlias = Callable[[], SentenceHints | None]
"""Looks up what is known of a sentence, which takes a millisecond or more."""
TakeHints: TypeAlias = Callable[[Sequence[int]], MakeHints | None]
_LEAST_CHANCE = 0.03
"""A token that is reached less often than this cannot pay for its place."""


@dataclass(slots=True)
class _Begun:
    """A sequence for which nothing was ever drafted."""

    make_hints: MakeHints
    context_ids: list[int]
    written_ids: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Written:
    """One sequence: its last tokens, and how far its source is translated."""

    context_ids: list[int]
    progress: Progress

    def write(self, token_ids: Sequence[int]) -> None:
        self.context_ids += token_ids
        del self.context_ids[:-MAX_CONTEXT]
        for token_id in token_ids:
            self.progress.push(token_id)

    def copy(self) -> "_Written":
        return _Written(list(self.context_ids), self.progress.copy())


class SourceDrafter(OneByOneDrafter):
    """Chooses among the table's token and those of the source's likely translations.

    A word that was begun goes on as one of them; where a word may begin, those not yet
    written compete with the table. Sequences without hints get empty drafts. Hints are
    made when a sequence is asked for first: while the drafter rests they cost nothing.
    """

    def __init__(
        self,
        take_hints: TakeHints,
        table: AdaptedTable | None = None,
        scorer: Scorer | None = None,
    ) -> None:
        """Make a drafter.

        Args:
            take_hints: Gives what makes the hints for the sequence that begins with a
                prompt.
            table: Proposes beside them.
            scorer: Judges proposals; with the usual weights where not given.
        """
        self._take_hints = take_hints
        self._table = table
        self._scorer = scorer or Scorer()
        self._begun: dict[int, _Begun] = {}
        self._written: dict[int, _Written] = {}

    def switch(self, table: AdaptedTable | None, scorer: Scorer) -> None:
        """Draft with another table from now on, or with none; the last stays open."""
        self._table, self._scorer = table, scorer

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        self.end(sequence_id)
        make_hints = self._take_hints(prompt_ids)
        if make_hints is None or self._table is None:
            return
        start_id = self._table.info.start_id
        context_ids = prompt_ids[-MAX_CONTEXT:] if start_id is None else (start_id,)
        self._begun[sequence_id] = _Begun(make_hints, list(context_ids))

    def _go_on(self, sequence_id: int, prefix: Sequence[int], limit: int) -> Draft:
        if limit < 1:
            return EMPTY_DRAFT
        return self._propose(self._find(sequence_id), prefix, limit)

    def _find(self, sequence_id: int) -> _Written | None:
        """A sequence with its hints, which are made now if they were not wanted yet."""
        begun = self._begun.pop(sequence_id, None)
        hints = None if begun is None else begun.make_hints()
        if begun is not None and hints is not None:
            written = _Written(begun.context_ids, Progress(Sentence(hints)))
            written.write(begun.written_ids)
            self._written[sequence_id] = written
        return self._written.get(sequence_id)

    def _propose(
        self, written: _Written | None, prefix: Sequence[int], limit: int
    ) -> Draft:
        table = self._table
        if table is None or written is None:
            return EMPTY_DRAFT
        ahead = written.copy()
        ahead.write(prefix)
        token_ids: list[int] = []
        chances: list[float] = []
        reached, state = 1.0, table.enter(ahead.context_ids)
        while len(token_ids) < limit:
            likeliest, promised, next_state = table.best(state)
            token_id, chance = self._scorer.best(
                find_candidates(ahead.progress, likeliest, promised)
            )
            reached *= chance
            if reached < _LEAST_CHANCE:
                break
            token_ids.append(token_id)
            chances.append(chance)
            ahead.write((token_id,))
            is_likeliest = token_id == likeliest
            state = next_state if is_likeliest else table.enter(ahead.context_ids)
        return Draft(tuple(token_ids), tuple(chances), (NAME,) * len(token_ids))

    def observe(self, sequence_id: int, emitted_ids: Sequence[int]) -> None:
        begun = self._begun.get(sequence_id)
        if begun is not None:
            begun.written_ids += emitted_ids
            return
        written = self._written.get(sequence_id)
        if written is not None:
            written.write(emitted_ids)

    def end(self, sequence_id: int) -> None:
        self._begun.pop(sequence_id, None)
        self._written.pop(sequence_id, None)
