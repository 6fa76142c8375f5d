"""The measured cost of a step by its width, and look-ups in it.

The width of a step is the number of tokens that one evaluation of the target takes,
all sequences together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from polyspec.arrays import FloatArray


def fill_up(width: int, tile: int) -> int:
    """Return the width that a step is given: a multiple of the tile if it is wider."""
    return width if width <= tile else -(-width // tile) * tile


@dataclass(frozen=True, slots=True)
class StepCost:
    """Seconds of a step for each width, interpolated between measured widths."""

    seconds: FloatArray
    """Shape `(W + 1,)`; entry `w` is the cost of `w` tokens, entry 0 is 0."""
    measured_widths: tuple[int, ...]
    identical_widths: frozenset[int] = field(default_factory=frozenset)
    """Widths whose logits equal those of width 1 bit for bit, here and now."""
    identical_tokens: int = 0
    """Tokens in the cache, the step's own among them, up to which that was proven."""
    tile: int = 1
    """Wider steps than this are filled up to a multiple of it, which is what `seconds`
    says of them."""

    @classmethod
    def from_samples(
        cls,
        seconds_by_width: Mapping[int, float],
        identical: Sequence[int] = (),
        identical_tokens: int = 0,
        tile: int = 1,
    ) -> "StepCost":
        """Make a ladder from measured widths, which must include 1.

        With a tile, widths count that are a multiple of it or at most as large.

        Example: widths 1 at 10 ms and 3 at 14 ms give 12 ms for width 2.
        """
        if 1 not in seconds_by_width:
            raise ValueError("seconds_by_width must include width 1")
        widths = sorted(
            width for width in seconds_by_width if width == fill_up(width, tile)
        )
        values = [seconds_by_width[width] for width in widths]
        every = [fill_up(width, tile) for width in range(widths[-1] + 1)]
        seconds = np.interp(every, [0, *widths], [0.0, *values])
        return cls(seconds, tuple(widths), frozenset(identical), identical_tokens, tile)

    @classmethod
    def flat(cls) -> "StepCost":
        """A ladder on which only the number of steps counts."""
        return cls(np.concatenate([[0.0], np.ones(64)]), (1, 64))

    @property
    def max_width(self) -> int:
        return int(self.seconds.size - 1)

    def of(self, width: int) -> float:
        """Seconds of one step; beyond the ladder its last slope goes on."""
        if width <= self.max_width:
            return float(self.seconds[width])
        return float(self.seconds[-1] + (width - self.max_width) * self._last_slope)

    def every_width(self) -> dict[int, float]:
        """Return the seconds of each width, of which `from_samples` makes it again.

        Measured widths alone would not do where steps are filled up.
        """
        return {width: self.of(width) for width in range(1, self.max_width + 1)}

    def span(self, first: int, last: int) -> FloatArray:
        """Seconds of widths `first` to `last`, both included."""
        if last <= self.max_width:
            return self.seconds[first : last + 1]
        beyond = np.arange(max(first, self.max_width + 1), last + 1) - self.max_width
        known = self.seconds[first : self.max_width + 1]
        return np.concatenate([known, self.seconds[-1] + beyond * self._last_slope])

    @property
    def _last_slope(self) -> float:
        half = self.max_width // 2
        rise = float(self.seconds[-1] - self.seconds[half])
        # Noise can make a wide step look cheaper than a narrow one.
        return max(0.0, rise) / max(1, self.max_width - half)

    def relative(self, width: int) -> float:
        """Cost of a step relative to one of a single token."""
        return self.of(width) / float(self.seconds[1])

    def of_texts(self, num_texts: int) -> float:
        """Seconds for a token of each of so many short texts, read and written.

        Prompts are about as long as answers and are read in the widest steps.
        """
        reading = num_texts * self.of(self.max_width) / self.max_width
        return reading + self.of(num_texts)

    def best_parallel(self, limit: int, tolerance: float = 0.05) -> int:
        """Return how many sequences to decode side by side.

        The smallest number whose tokens per second come within `tolerance` of the
        best, since fewer sequences answer sooner and need less memory.
        """
        last = max(1, min(limit, self.max_width))
        rates = np.arange(1, last + 1) / self.seconds[1 : last + 1]
        return int(np.argmax(rates >= (1 - tolerance) * rates.max())) + 1
