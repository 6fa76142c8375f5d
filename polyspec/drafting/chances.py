"""How far a draft model's own probabilities can be trusted."""

from collections.abc import Mapping, Sequence
from math import sqrt

_NUM_BINS = 10
_PRIOR_WEIGHT = 8.0
_PRIOR_CHANCE = 0.8
_HALF_LIFE = 200.0
"""Outcomes after which an old one counts half."""
_IDLE_DECAY = 0.998


class ChanceRates:
    """Corrects probabilities by how often such tokens were right.

    A small model may be sure where the target thinks otherwise, and a target that
    draws freely takes the likeliest token less often than one that does not.
    """

    def __init__(self) -> None:
        self._expected = [_PRIOR_WEIGHT] * _NUM_BINS
        self._hits = [_PRIOR_WEIGHT] * _NUM_BINS
        self._keep = 0.5 ** (1 / _HALF_LIFE)
        self._trials = _PRIOR_WEIGHT
        self._all_hits = _PRIOR_WEIGHT * _PRIOR_CHANCE

    @property
    def mean(self) -> float:
        """Share of draft tokens that were right, `0..1`."""
        return self._all_hits / self._trials

    @property
    def hopeful_mean(self) -> float:
        """The mean as it may well be, for what is little known is worth a try."""
        return min(1.0, self.mean + 0.5 / sqrt(self._trials))

    def forgive(self) -> None:
        """Forget a little: who does not draft can never be seen to do better."""
        prior_hits = _PRIOR_WEIGHT * _PRIOR_CHANCE
        self._trials = _PRIOR_WEIGHT + _IDLE_DECAY * (self._trials - _PRIOR_WEIGHT)
        self._all_hits = prior_hits + _IDLE_DECAY * (self._all_hits - prior_hits)

    def correct(self, probability: float) -> float:
        """Return the chance that a token of this probability is right, `0..1`."""
        place = _bin(probability)
        return min(1.0, probability * self._hits[place] / self._expected[place])

    def record(self, probability: float, is_hit: bool) -> None:
        """Learn whether a token of this probability was right."""
        place, keep = _bin(probability), self._keep
        self._expected[place] = self._expected[place] * keep + probability
        self._hits[place] = self._hits[place] * keep + is_hit
        self._trials = self._trials * keep + 1.0
        self._all_hits = self._all_hits * keep + is_hit

    def numbers(self) -> dict[str, list[float]]:
        """What is known, for `restore`."""
        return {
            "expected": list(self._expected),
            "hits": list(self._hits),
            "all": [self._trials, self._all_hits],
        }

    def restore(self, numbers: Mapping[str, Sequence[float]]) -> None:
        """Begin with what an earlier `numbers` gave; what cannot be is ignored."""
        expected, hits = numbers.get("expected", ()), numbers.get("hits", ())
        total = numbers.get("all", ())
        are_whole = len(expected) == len(hits) == _NUM_BINS and len(total) == 2
        if are_whole and min(expected) > 0.0 and 0.0 <= total[1] <= total[0] > 0.0:
            self._expected, self._hits = list(expected), list(hits)
            self._trials, self._all_hits = total


def _bin(probability: float) -> int:
    return min(_NUM_BINS - 1, int(probability * _NUM_BINS))
