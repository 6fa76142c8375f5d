"""Several drafters as one: whoever promises most drafts."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from operator import mul

from polyspec.decoding.interfaces import Draft, Drafter


class ChainDrafter:
    """Takes, for each sequence, the draft with most tokens expected to be accepted.

    Every drafter sees every token, drafted by it or not.
    """

    def __init__(
        self, drafters: Sequence[Drafter], trust: Callable[[str], float]
    ) -> None:
        """Join drafters; of equal promises the earlier one's is taken.

        Args:
            drafters: At least one.
            trust: Accepted over promised tokens of a source, as seen so far.
        """
        self._drafters = tuple(drafters)
        self._trust = trust

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        for drafter in self._drafters:
            drafter.begin(sequence_id, prompt_ids)

    def propose(
        self, sequence_ids: Sequence[int], limits: Sequence[int]
    ) -> list[Draft]:
        proposals = [
            drafter.propose(sequence_ids, limits) for drafter in self._drafters
        ]
        return [
            max(drafts, key=self._promise) for drafts in zip(*proposals, strict=True)
        ]

    def _promise(self, draft: Draft) -> float:
        if not draft.token_ids:
            return 0.0
        expected: float = sum(accumulate(draft.probabilities, mul))
        return expected * self._trust(draft.sources[0])

    def observe(self, sequence_id: int, emitted_ids: Sequence[int]) -> None:
        for drafter in self._drafters:
            drafter.observe(sequence_id, emitted_ids)

    def end(self, sequence_id: int) -> None:
        for drafter in self._drafters:
            drafter.end(sequence_id)
