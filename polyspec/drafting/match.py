"""Drafts from the translation of a similar text, as a translation memory has it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from polyspec.decoding.interfaces import EMPTY_DRAFT, Draft
from polyspec.drafting.follower import MAX_RUN, START, Follower
from polyspec.drafting.hints import Encode, HintBoard
from polyspec.drafting.one_by_one import OneByOneDrafter

NAME = "match"
_LEAST_CHANCE = 0.03
"""A token that is reached less often than this cannot pay for its place."""
_BANDS = (0.85, 0.95, 1.0)
"""Similarities from which on more is to be expected."""
_PRIOR_RUNS = (0.2, 0.45, 0.6, 0.7, 0.78, 0.83, 0.86, 0.88, 0.9, 0.75)
"""First guess of how often the token foreseen comes: lost, after so many that agreed,
and at the beginning."""
_PRIOR_BANDS = (0.85, 0.93, 1.0, 1.06)
_PRIOR_WEIGHT = 8.0
_KEEP = 0.5 ** (1 / 300)
"""Outcomes fade so that one from 300 ago counts half."""
_NUM_BUCKETS = len(_PRIOR_RUNS) * len(_PRIOR_BANDS)


@dataclass(frozen=True, slots=True)
class Reference:
    """The translation of a similar text, in tokens."""

    variants: tuple[tuple[int, ...], ...]
    """Behind a space and without one: prompts differ in how an answer begins."""
    similarity: float
    """Of the two sources, `0..1`."""


TakeReference: TypeAlias = Callable[[Sequence[int]], Reference | None]


class MatchRates:
    """How often a reference foresees the next token, learned while running.

    Kept apart by how alike the sources are, and by how many tokens agreed last.
    Numbers only.
    """

    def __init__(self) -> None:
        priors = [min(0.97, run * band) for band in _PRIOR_BANDS for run in _PRIOR_RUNS]
        self._hits = [_PRIOR_WEIGHT * prior for prior in priors]
        self._trials = [_PRIOR_WEIGHT] * len(priors)

    def rate(self, similarity: float, run: int) -> float:
        """Return the chance that the token foreseen comes, `0..1`."""
        bucket = _bucket(similarity, run)
        return self._hits[bucket] / self._trials[bucket]

    def record(self, similarity: float, run: int, is_hit: bool) -> None:
        """Learn whether it came."""
        bucket = _bucket(similarity, run)
        self._hits[bucket] = self._hits[bucket] * _KEEP + is_hit
        self._trials[bucket] = self._trials[bucket] * _KEEP + 1.0

    def numbers(self) -> dict[str, list[float]]:
        """What is known: hits and trials of each kind."""
        return {"hits": list(self._hits), "trials": list(self._trials)}

    def restore(self, numbers: Mapping[str, Sequence[float]]) -> None:
        """Begin with what an earlier `numbers` gave; what cannot be is ignored."""
        hits, trials = numbers.get("hits", ()), numbers.get("trials", ())
        if len(hits) == len(trials) == _NUM_BUCKETS and all(
            0 <= hit <= trial > 0 for hit, trial in zip(hits, trials, strict=True)
        ):
            self._hits, self._trials = list(hits), list(trials)


def _bucket(similarity: float, run: int) -> int:
    band = sum(similarity >= least for least in _BANDS)
    return band * len(_PRIOR_RUNS) + run


@dataclass(slots=True)
class _Sequence:
    reference: Reference
    follower: Follower


class MatchDrafter(OneByOneDrafter):
    """Proposes that a translation goes on as that of a similar text did.

    Where the two part, it looks for the place at which they meet again. A sequence
    without a reference gets empty drafts.

    Source: retrieval-based speculative decoding (He et al. 2023, arXiv 2311.08252),
    with one text in the place of a datastore.
    """

    def __init__(self, take_reference: TakeReference) -> None:
        """Make a drafter.

        Args:
            take_reference: Gives the reference for the sequence that begins with a
                prompt.
        """
        self._take_reference = take_reference
        self._sequences: dict[int, _Sequence] = {}
        self._by_label: dict[str, MatchRates] = {}
        self._variant = 0
        self._end_id: int | None = None
        self.switch("")

    def switch(self, label: str) -> None:
        """Go by what is known of texts with this label from now on."""
        self.rates = self._by_label.setdefault(label, MatchRates())

    def numbers(self) -> dict[str, dict[str, list[float]]]:
        """How often tokens were foreseen, for each label."""
        return {label: rates.numbers() for label, rates in self._by_label.items()}

    def restore(self, numbers: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
        """Begin with what an earlier `numbers` gave; the current label stays."""
        for label, known in numbers.items():
            self._by_label.setdefault(label, MatchRates()).restore(known)

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        self._sequences.pop(sequence_id, None)
        reference = self._take_reference(prompt_ids)
        if reference is not None:
            follower = Follower(reference.variants, self._variant)
            self._sequences[sequence_id] = _Sequence(reference, follower)

    def _go_on(self, sequence_id: int, prefix: Sequence[int], limit: int) -> Draft:
        return self._propose(self._sequences.get(sequence_id), prefix, limit)

    def _propose(
        self, sequence: _Sequence | None, prefix: Sequence[int], limit: int
    ) -> Draft:
        if sequence is None or limit < 1:
            return EMPTY_DRAFT
        follower = sequence.follower
        if prefix:
            follower = follower.copy()
            for token_id in prefix:
                follower.push(token_id)
        token_ids = follower.ids[follower.place : follower.place + limit]
        is_at_end = follower.place + len(token_ids) == len(follower.ids)
        if is_at_end and len(token_ids) < limit and self._end_id is not None:
            token_ids = (*token_ids, self._end_id)
        chances = self._chances(
            sequence.reference.similarity, follower.run, len(token_ids)
        )
        number = len(chances)
        return Draft(token_ids[:number], tuple(chances), (NAME,) * number)

    def _chances(self, similarity: float, run: int, limit: int) -> list[float]:
        """The chances of the next tokens, as far as they may be worth their places."""
        chances: list[float] = []
        reached = 1.0
        while len(chances) < limit:
            chance = self.rates.rate(similarity, run)
            reached *= chance
            if reached < _LEAST_CHANCE:
                break
            chances.append(chance)
            run = _next_run(run)
        return chances

    def observe(self, sequence_id: int, emitted_ids: Sequence[int]) -> None:
        sequence = self._sequences.get(sequence_id)
        if sequence is None:
            return
        follower, similarity = sequence.follower, sequence.reference.similarity
        for token_id in emitted_ids:
            foreseen = follower.foreseen
            if foreseen is None and 0 < follower.run < START:
                # What follows the last token of a reference mostly ends the answer.
                foreseen, self._end_id = self._end_id, token_id
            if foreseen is not None:
                self.rates.record(similarity, follower.run, foreseen == token_id)
            is_first = follower.run == START
            follower.push(token_id)
            if is_first and follower.run:
                self._variant = follower.variant

    def end(self, sequence_id: int) -> None:
        self._sequences.pop(sequence_id, None)


def _next_run(run: int) -> int:
    return 1 if run == START else min(MAX_RUN, run + 1)


class MatchChoice:
    """Passes the translations of similar texts on to a drafter."""

    def __init__(self, encode: Encode) -> None:
        """Know none yet.

        Args:
            encode: Tokenizes texts as the model does.
        """
        self._encode = encode
        self._board: HintBoard[Reference] = HintBoard()
        self.drafter = MatchDrafter(self._board.take)

    def clear(self) -> None:
        """Forget what waits for a sequence that never began."""
        self._board.clear()

    def announce(
        self, prompt_ids: Sequence[int], translation: str, similarity: float
    ) -> None:
        """Leave a reference for the sequence that will begin with a prompt.

        Args:
            prompt_ids: The whole prompt.
            translation: That of a similar text.
            similarity: How alike the two sources are, `0..1`.
        """
        spaced, plain = self._encode([f" {translation}", translation])
        variants = tuple(dict.fromkeys((tuple(spaced), tuple(plain))))
        if all(variants):
            # A drafter may still ask for the second variant of another reference.
            self._board.put(
                prompt_ids, Reference((variants[0], variants[-1]), similarity)
            )
