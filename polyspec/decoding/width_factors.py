"""What steps cost beyond what the ladder says, by their width."""

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
        self._knots = np.array(_KNOTS)
        self._values = np.ones(len(_KNOTS))
        self._factors = np.ones(_MAX_WIDTH + 1)

    def of(self, width: int) -> float:
        """The factor of one width; those beyond the widest have that one's."""
        return float(self._factors[min(width, _MAX_WIDTH)])

    def span(self, first: int, last: int) -> FloatArray:
        """Those of widths `first` to `last`, inclusive; may be a view."""
        if last <= _MAX_WIDTH:
            return self._factors[first : last + 1]
        return self._factors.take(np.arange(first, last + 1).clip(max=_MAX_WIDTH))

    def multiply(self, width: int, factor: float) -> None:
        """Change that of a width; between two knots both are moved, the nearer more.

        Source: the normalised least mean squares rule (Widrow and Hoff 1960).
        """
        width = min(max(width, 1), _MAX_WIDTH)
        right = int(np.searchsorted(self._knots, width))
        left = right if self._knots[right] == width else right - 1
        share = 0.0
        if left != right:
            share = (width - _KNOTS[left]) / (_KNOTS[right] - _KNOTS[left])
        norm = share**2 + (1.0 - share) ** 2
        self._multiply(left, factor ** ((1.0 - share) / norm))
        if left != right:
            self._multiply(right, factor ** (share / norm))
        around = slice(max(0, left - 1), right + 2)
        knots = self._knots[around]
        widths = np.arange(knots[0], knots[-1] + 1)
        self._factors[widths] = np.interp(widths, knots, self._values[around])

    def _multiply(self, place: int, factor: float) -> None:
        self._values[place] = np.clip(self._values[place] * factor, *_RANGE)
