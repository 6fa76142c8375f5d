"""What running steps teach about costs and drafters.

The ladder is measured once, on a machine whose speed drifts, and a drafter's
probabilities are estimates; both are corrected by what happens. What is learned about
drafters belongs to a *label*: the caller's name for the kind of text being written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from polyspec.arrays import FloatArray
from polyspec.decoding.asking import Asking, AskingByLabel
from polyspec.decoding.counters import Counters
from polyspec.decoding.width_factors import WidthFactors

_WIDTH_RATE, _LEVEL_RATE = 0.1, 0.05
_OUTLIER = 3.0
"""A step this much slower than expected was interrupted and teaches nothing."""
_TRUST_RANGE = (0.2, 1.1)
_TRUST_PRIOR = 16.0
_TRUST_DECAY = 0.9995
_NUM_NUMBERS = 4


@dataclass(slots=True)
class _Record:
    """Promised and right tokens of one drafter, the older the less they count."""

    expected: float = 0.0
    right: float = 0.0

    def trust(self, presumed: float) -> float:
        """Right over promised tokens, beginning with what is presumed of them."""
        right = self.right + presumed * _TRUST_PRIOR
        ratio = right / (self.expected + _TRUST_PRIOR)
        return min(_TRUST_RANGE[1], max(_TRUST_RANGE[0], ratio))

    def add(self, chance: float, is_right: bool) -> None:
        self.expected = self.expected * _TRUST_DECAY + chance
        self.right = self.right * _TRUST_DECAY + is_right


@dataclass(slots=True)
class _Records:
    """Those of the token with which a drafter begins, and of the tokens behind it.

    A drafter that finds the right place in an older text is then right for long, so
    that its many right tokens would hide how often it begins at a wrong one.
    """

    first: _Record = field(default_factory=_Record)
    later: _Record = field(default_factory=_Record)

    @classmethod
    def restore(cls, numbers: Sequence[float]) -> "_Records":
        return cls(_Record(*numbers[:2]), _Record(*numbers[2:]))

    def numbers(self) -> list[float]:
        return [
            number
            for record in (self.first, self.later)
            for number in (record.expected, record.right)
        ]


class Feedback:
    """Corrections for one target, shared by all its sequences. Numbers only."""

    def __init__(self) -> None:
        self._factors = WidthFactors()
        self._level = 1.0
        self._by_label: dict[str, dict[str, _Records]] = {}
        self._presumed: dict[str, float] = {}
        self.askings = AskingByLabel()
        """Whom to ask, for each label."""
        self.counters = Counters()
        """What drafters did so far, under all labels."""
        self.switch("")

    def switch(self, label: str) -> None:
        """Correct drafters by what is known under this label from now on."""
        self._records = self._by_label.setdefault(label, {})
        self.askings.switch(label)

    @property
    def asking(self) -> Asking:
        """Whom to ask under the current label."""
        return self.askings.current

    def numbers(self) -> dict[str, dict[str, list[float]]]:
        """What is known, for each label and drafter.

        Promised and right tokens: first those with which it began, then those behind.
        """
        return {
            label: {name: each.numbers() for name, each in records.items()}
            for label, records in self._by_label.items()
            if records
        }

    def restore(self, numbers: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
        """Begin with what an earlier `numbers` gave; the current label stays."""
        for label, known in numbers.items():
            records = self._by_label.setdefault(label, {})
            records.update(
                (name, _Records.restore(numbers))
                for name, numbers in known.items()
                if len(numbers) == _NUM_NUMBERS
            )

    def cost_factors(self, first: int, last: int) -> FloatArray:
        """Factors for the ladder's costs of widths `first` to `last`, inclusive."""
        return self._factors.span(first, last)

    def expected_s(self, width: int, ladder_s: float) -> float:
        """Seconds of a step now, of which the ladder says that it takes `ladder_s`."""
        return ladder_s * self._factors.of(width) * self._level

    def observe_time(self, width: int, elapsed_s: float, expected_s: float) -> None:
        """Learn how long a step took of which the ladder expects `expected_s`.

        A machine that is slower as a whole changes no choice, so it is told apart from
        a width that costs more than the others.
        """
        ratio = elapsed_s / (expected_s * self._factors.of(width))
        relative = ratio / self._level
        if not 1 / _OUTLIER < relative < _OUTLIER:
            # A lasting change of pace is followed; a single hiccup hardly counts.
            self._level *= min(_OUTLIER, max(1 / _OUTLIER, relative)) ** _LEVEL_RATE
            return
        self._level *= relative**_LEVEL_RATE
        self._factors.multiply(width, relative**_WIDTH_RATE)

    def presume(self, source: str, trust: float) -> None:
        """Say how far to trust a drafter of which nothing was seen; fully otherwise."""
        self._presumed[source] = trust

    def trust(self, source: str, *, is_first: bool = True) -> float:
        """Right over promised tokens of a drafter; its chances are to be times this.

        Args:
            source: The drafter.
            is_first: Whether of the tokens with which it begins, in a draft or behind
                another's tokens, or of those that follow.
        """
        presumed = self._presumed.get(source, 1.0)
        records = self._records.get(source)
        if records is None:
            return presumed
        return (records.first if is_first else records.later).trust(presumed)

    def observe_token(
        self, source: str, chance: float, is_right: bool, *, is_first: bool = True
    ) -> None:
        """Learn whether a token that a drafter proposed is what the target wrote.

        It need not have been verified, so that what does not pay is found out at no
        cost, and a drafter that was given up is seen to do better.

        Args:
            source: The drafter.
            chance: What it gave for the token, those before it being right.
            is_right: Whether it is, and those before it are.
            is_first: Whether the drafter began with it.
        """
        records = self._records.setdefault(source, _Records())
        (records.first if is_first else records.later).add(chance, is_right)
