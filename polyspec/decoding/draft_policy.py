"""How many draft tokens a step takes: expected tokens per second decide."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from polyspec.arrays import FloatArray
from polyspec.decoding.feedback import Feedback
from polyspec.decoding.interfaces import Draft
from polyspec.decoding.step_cost import StepCost
from polyspec.decoding.worth import token_worths

_MOST_ASKED = 64
"""Draft tokens of all sequences together, about as many as a step may take."""
_LEAST_ASKED = 4
"""Of each sequence."""


def share_length(longest: int, num_sequences: int) -> int:
    """Return how many draft tokens each sequence is asked for.

    Where many decode side by side a step takes few tokens of each, and long proposals
    would cost time for nothing.

    Args:
        longest: Most tokens that one sequence may ever be asked for.
        num_sequences: How many decode in this step.
    """
    return min(longest, max(_LEAST_ASKED, _MOST_ASKED // num_sequences))


@dataclass(frozen=True, slots=True)
class DraftPolicy:
    """Chooses draft lengths so that expected tokens per second are highest.

    What a drafter took to propose is spent by then; whether it is asked at all is for
    `feedback.asking` to say.
    """

    step_cost: StepCost
    min_gain: float = 0.08
    """Drafting must promise this much more than plain decoding, since probabilities
    and times are estimates and a promise of "never slower" hangs on them."""
    is_exact: bool = False
    """Take only widths whose logits equal those of one-token steps bit for bit."""
    max_drafted: int = 16
    """Most tokens that one sequence is asked for in a step."""
    feedback: Feedback = field(default_factory=Feedback)
    """Corrects costs and probabilities while running."""

    @property
    def longest_draft(self) -> int:
        """Most draft tokens that could ever pay in one sequence."""
        if self.is_exact:
            return max(self.step_cost.identical_widths, default=1) - 1
        return self.max_drafted

    def choose_lengths(
        self,
        drafts: Sequence[Draft],
        num_rows: int,
        max_rows: int,
        num_cached: int = 0,
        draws: Sequence[Sequence[float]] = (),
    ) -> list[int]:
        """Return how many tokens of each draft to verify.

        A draft token pays when all before it are accepted, so its worth is the product
        of the probabilities up to it. The most worthy tokens of all sequences are
        taken, as many as give the most tokens per second. Drawn drafts are taken whole:
        their drafter weighed the costs before each token was drawn.

        Args:
            drafts: One for each sequence that decodes in this step.
            num_rows: Tokens the step evaluates without drafts.
            max_rows: Most tokens of a step.
            num_cached: Tokens in the cache before the step; identical widths are
                proven up to a number of them.
            draws: For each draft the random numbers of its places, which are known
                before the target draws with them; see `token_worths`.

        Example: one sequence, draft probabilities 0.9 and 0.5, steps of 1, 2 and 3
        tokens costing 10, 11 and 20 ms promise 1/10, 1.9/11 and 2.35/20 tokens per
        millisecond, so one token is verified.
        """
        lengths = [0] * len(drafts)
        if any(draft.is_drawn for draft in drafts):
            return _take_drawn(drafts, max_rows - num_rows)
        if self.is_exact:
            max_rows = min(max_rows, self.step_cost.identical_tokens - num_cached)
        trust = self.feedback.trust
        worth = [
            (-chance, place)
            for place, draft in enumerate(drafts)
            for chance in token_worths(draft, trust, draws[place] if draws else ())
        ]
        if not worth:
            return lengths
        # A stable sort keeps the tokens of one draft in order when products tie.
        worth.sort(key=lambda pair: pair[0])
        num_taken = self._best_number(
            [-product for product, _ in worth], len(drafts), num_rows, max_rows
        )
        for _, place in worth[:num_taken]:
            lengths[place] += 1
        return lengths

    def observe_step(
        self,
        width: int,
        elapsed_s: float,
        drafts: Sequence[Draft],
        accepted: list[int],
        num_prompt: int = 0,
    ) -> None:
        """Learn from a step of `width` tokens and how its drafts went.

        Args:
            width: Tokens that the step evaluated.
            elapsed_s: How long that took.
            drafts: The drafts that were verified, empty ones among them.
            accepted: How many tokens of each were accepted.
            num_prompt: How many of the tokens were read for a prompt.
        """
        if not num_prompt:
            # A prompt's tokens need no logits: with them, a wide step looks cheap.
            self.feedback.observe_time(width, elapsed_s, self.step_cost.of(width))
        for draft, num_accepted in zip(drafts, accepted, strict=True):
            if draft.token_ids:
                self.feedback.counters.count_verified(draft, num_accepted)
        self._observe_savings(width, drafts, accepted)

    def _observe_savings(
        self, width: int, drafts: Sequence[Draft], accepted: Sequence[int]
    ) -> None:
        """Count what drafts saved: an accepted token its share of a plain step.

        A verified token costs its share of what they all added to this step.
        """
        plain_s = self._expected_s(len(drafts))
        num_drafted = sum(len(draft.token_ids) for draft in drafts)
        saved_s: dict[str, float] = {}
        if num_drafted:
            added_s = self._expected_s(width) - self._expected_s(width - num_drafted)
            cost_s, worth_s = max(0.0, added_s) / num_drafted, plain_s / len(drafts)
            for draft, num_accepted in zip(drafts, accepted, strict=True):
                for place, name in enumerate(draft.sources):
                    gain_s = worth_s if place < num_accepted else 0.0
                    saved_s[name] = saved_s.get(name, 0.0) + gain_s - cost_s
        for name, seconds in saved_s.items():
            self.feedback.counters.of(name).saved_s += seconds
        self.feedback.asking.observe_step(plain_s, saved_s)

    def _expected_s(self, width: int) -> float:
        return self.feedback.expected_s(width, self.step_cost.of(width))

    def _best_number(
        self, products: list[float], num_sequences: int, num_rows: int, max_rows: int
    ) -> int:
        """Return how many of the draft tokens, the worthiest first, to verify."""
        most = min(len(products), max_rows - num_rows)
        if most <= 0:
            return 0
        seconds = self._seconds(num_sequences, num_rows, num_rows + most).tolist()
        plain_rate = num_sequences / seconds[0]
        best, best_rate, accepted = 0, plain_rate, 0.0
        # A few numbers at a time: plain Python is faster than arrays.
        for num, product in enumerate(products[:most], start=1):
            accepted += product
            rate = (num_sequences + accepted) / seconds[num]
            if rate > best_rate and self._is_allowed(num_rows + num):
                best, best_rate = num, rate
        return best if best_rate >= (1 + self.min_gain) * plain_rate else 0

    def _is_allowed(self, width: int) -> bool:
        return not self.is_exact or width in self.step_cost.identical_widths

    def _seconds(self, num_sequences: int, first: int, last: int) -> FloatArray:
        """Return what steps of `first` to `last` tokens cost, prompts left out."""
        factors = self.feedback.cost_factors(first, last)
        seconds = self.step_cost.span(first, last) * factors
        if first == num_sequences:
            return seconds
        # Prompts in the step are read anyhow: they must not make drafts look cheap.
        factor = float(self.feedback.cost_factors(num_sequences, num_sequences)[0])
        plain = self.step_cost.of(num_sequences) * factor
        added: FloatArray = np.maximum(0.0, seconds - seconds[0])
        return plain + added


def _take_drawn(drafts: Sequence[Draft], room: int) -> list[int]:
    """Take all drafts, as far as there is the same room for each.

    Neither a token nor what is drafted for others may decide whether it is verified.
    """
    most = max(0, room) // len(drafts)
    return [min(most, len(draft.token_ids)) for draft in drafts]
