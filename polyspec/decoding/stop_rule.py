"""When a draft that costs time of its own is worth another token."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polyspec.arrays import FloatArray
from polyspec.decoding.step_cost import StepCost

_LONGEST_LOOK = 6


@dataclass(frozen=True, slots=True)
class StopRule:
    """Weighs what drafting costs against the target's steps that it may save."""

    target_cost: StepCost
    draft_cost: StepCost
    """Ladder of the model that drafts."""

    def token_seconds(self, num_sequences: int) -> float:
        """What a token costs in plain decoding, and so what an accepted one saves."""
        return self.target_cost.of(num_sequences) / num_sequences

    def count_to_extend(
        self,
        reached: Sequence[float],
        num_unread: Sequence[int],
        chance: float,
        num_sequences: int,
        num_drafted: int,
    ) -> int:
        """Return how many drafts to extend, the first ones given; often 0.

        Wider steps of the target cost in leaps, so a first token may pay only together
        with those after it: every number of drafts is tried with every number of
        further tokens.

        Args:
            reached: For each draft the chance that the target accepts all of it, the
                highest first.
            num_unread: Tokens that the draft model must read to give the next token.
            chance: Share of draft tokens that the target accepts, `0..1`.
            num_sequences: Sequences in the step, those without a draft among them.
            num_drafted: Tokens drafted for it so far.

        Example: one sequence, target steps of 1, 2 and 3 tokens at 30, 32 and 34 ms, a
        draft model of 5 ms a token and a chance of 0.5: a token costs 7 ms and saves
        15 ms, a second one 7 ms and 7.5 ms, so the draft is extended.
        """
        if not reached:
            return 0
        depths = np.arange(1, _LONGEST_LOOK + 1)
        gains = np.outer(np.cumsum(reached), np.cumsum(chance**depths))
        net = gains * self.token_seconds(num_sequences) - self._seconds(
            num_unread, num_sequences + num_drafted
        )
        best = np.unravel_index(int(net.argmax()), net.shape)
        return int(best[0]) + 1 if net[best] > 0.0 else 0

    def _seconds(self, num_unread: Sequence[int], width: int) -> FloatArray:
        """Return the cost of extending `m` drafts by `k` tokens, shape `(M, K)`."""
        depths = np.arange(1, _LONGEST_LOOK + 1)
        count = len(num_unread)
        numbers = np.arange(1, count + 1)
        later = self.draft_cost.span(1, count)
        first = np.array([self.draft_cost.of(int(n)) for n in np.cumsum(num_unread)])
        drafting = first[:, None] + later[:, None] * (depths - 1)
        last = width + count * _LONGEST_LOOK
        ladder = self.target_cost.span(width, last)
        verifying: FloatArray = ladder[np.outer(numbers, depths)] - ladder[0]
        return drafting + np.maximum(0.0, verifying)
