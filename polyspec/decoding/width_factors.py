"""What steps cost beyond what the ladder says, by their width."""

from bisect import bisect_left

import numpy as np

from polyspec.arrays import FloatArray

_MAX_WIDTH = 1024
_RANGE = (0.5, 2.0)
_KNOTS = (*range(1, 9), 12, 16, 24, 32, 48, 64, 96, 128, 256, 512, _MAX_WIDTH)
"""Narrow widths differ by the kernel that they take. Wide ones are alike and each is
seen seldom: one of its own would be noise, and the width that chance made cheap would
be chosen for it."""


class WidthFactors:
    """A factor for each width, interpolated between a few."""

    def __init__(self) -> None:
        # Plain numbers: one is read and changed in every step, and arrays are slow
        # at that.
        self._values = [1.0] * len(_KNOTS)

    def of(self, width: int) -> float:
        """The factor of one width; those beyond the widest have that one's."""
        left, right, share = _between(width)
        return self._values[left] * (1.0 - share) + self._values[right] * share

    def span(self, first: int, last: int) -> FloatArray:
        """Those of widths `first` to `last`, inclusive."""
        return np.interp(np.arange(first, last + 1), _KNOTS, self._values)

    def multiply(self, width: int, factor: float) -> None:
        """Change that of a width; between two knots both are moved, the nearer more.

        Source: the normalised least mean squares rule (Widrow and Hoff 1960).
        """
        left, right, share = _between(width)
        norm = share**2 + (1.0 - share) ** 2
        self._multiply(left, factor ** ((1.0 - share) / norm))
        if left != right:
            self._multiply(right, factor ** (share / norm))

    def _multiply(self, place: int, factor: float) -> None:
        value = self._values[place] * factor
        self._values[place] = min(_RANGE[1], max(_RANGE[0], value))


def _between(width: int) -> tuple[int, int, float]:
    """The knots on both sides of a width, and how far it is from the first, 0 to 1."""
    width = min(max(width, 1), _MAX_WIDTH)
    right = bisect_left(_KNOTS, width)
    if _KNOTS[right] == width:
        return right, right, 0.0
    left = right - 1
    return left, right, (width - _KNOTS[left]) / (_KNOTS[right] - _KNOTS[left])
