"""Making promised probabilities agree with what held-out text does."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polyspec.arrays import FloatArray
from polyspec.tables.reader import Table

MAX_BINS = 48
"""Most pairs of a calibration."""
_LEAST_IN_BIN = 50
_PRIOR_TRIALS = 5.0
_NUMS_TOP = (1, 2, 4, 8)
_WIDEST_GAP, _LEAST_IN_DECILE = 0.0475, 200
"""Promises are rounded down when they are stored, which widens a gap a little."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A rising map from estimated to observed probabilities."""

    estimated: FloatArray
    """Shape `(B,)`, rising; empty where there was nothing to learn from."""
    observed: FloatArray
    """Shape `(B,)`, never falling, `0..1`."""

    def apply(self, probabilities: FloatArray) -> FloatArray:
        """Return calibrated probabilities of the same shape."""
        if not self.estimated.size:
            return probabilities.clip(0.0, 1.0)
        return np.interp(probabilities, self.estimated, self.observed).clip(0.0, 1.0)

    def pairs(self) -> tuple[tuple[float, float], ...]:
        """Estimated and observed, for the table's metadata."""
        return tuple(zip(self.estimated.tolist(), self.observed.tolist(), strict=True))


def fit_calibration(
    estimated: FloatArray, hits: FloatArray, num_top: int = 1
) -> Calibration:
    """Learn from held-out tokens.

    Args:
        estimated: Probability of each proposed token, shape `(N,)`.
        hits: 1 where the token came, otherwise 0, shape `(N,)`.
        num_top: Bins that share the tokens of the highest; see `choose_num_top`.

    Source: isotonic regression by pool adjacent violators, Zadrozny and Elkan 2002.
    """
    num_bins = min(MAX_BINS, estimated.size // _LEAST_IN_BIN)
    if num_bins < 1:
        return Calibration(np.empty(0), np.empty(0))
    order = np.argsort(estimated, kind="stable")
    *bins, top = np.array_split(order, max(1, num_bins - num_top + 1))
    bins += np.array_split(top, num_top)
    means = np.array([estimated[places].mean() for places in bins])
    sizes = np.array([float(places.size) for places in bins])
    # A few trials as promised keep a small bin from claiming that all or none hit.
    sums = np.array([hits[places].sum() for places in bins]) + _PRIOR_TRIALS * means
    observed = _pool(sums / (sizes + _PRIOR_TRIALS), sizes)
    distinct = np.concatenate([[True], np.diff(means) > 1e-9])
    return Calibration(means[distinct], observed[distinct])


def choose_num_top(estimated: FloatArray, hits: FloatArray) -> int:
    """Into how many bins the highest must be divided, to keep what deciles promise.

    Where few tokens are sure, all of them fall into the highest bin with some that are
    not, and its mean is wrong for both.

    Args:
        estimated: Probability of each proposed token, shape `(N,)`.
        hits: 1 where the token came, otherwise 0, shape `(N,)`.
    """
    for num_top in _NUMS_TOP:
        promised = fit_calibration(estimated, hits, num_top).apply(estimated)
        gaps = gaps_by_decile(promised, hits)
        if all(gap <= _WIDEST_GAP for gap, num in gaps if num >= _LEAST_IN_DECILE):
            return num_top
    return 1


def calibration_error(promised: FloatArray, hits: FloatArray) -> float:
    """Mean distance of promised from observed over ten bins of equal size."""
    if not promised.size:
        return 0.0
    bins = np.array_split(np.argsort(promised, kind="stable"), 10)
    gaps = [
        abs(float(promised[places].mean() - hits[places].mean())) * places.size
        for places in bins
        if places.size
    ]
    return sum(gaps) / promised.size


def gaps_by_decile(promised: FloatArray, hits: FloatArray) -> list[tuple[float, int]]:
    """Distance of promised from observed, and the number of tokens, by promise.

    The first is that of promises of 0 to 10 percent, the last of 90 to 100.
    """
    places = np.minimum((promised * 10).astype(np.int64), 9)
    gaps = []
    for decile in range(10):
        is_here = places == decile
        num = int(is_here.sum())
        gap = abs(float((promised[is_here] - hits[is_here]).mean())) if num else 0.0
        gaps.append((gap, num))
    return gaps


def _pool(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the nearest sequence that never falls."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        mean, total, count = value, weight, 1
        while blocks and blocks[-1][0] > mean:
            other, other_total, other_count = blocks.pop()
            mean = (mean * total + other * other_total) / (total + other_total)
            total, count = total + other_total, count + other_count
        blocks.append((mean, total, count))
    return np.array([mean for mean, _, count in blocks for _ in range(count)])


def hits_of(
    table: dict[tuple[int, ...], tuple[int, float]],
    lines: Sequence[Sequence[int]],
    max_order: int,
    num_start: int = 0,
) -> tuple[FloatArray, FloatArray]:
    """Estimated probability and hit of every token of some lines.

    Args:
        table: The likeliest token after each kept context, with its probability.
        lines: Token ids.
        max_order: Most tokens of a context.
        num_start: Tokens at the start of each line that are context only.
    """
    estimated: list[float] = []
    hits: list[bool] = []
    for line in lines:
        for place, token in enumerate(line[num_start:], num_start):
            context = tuple(line[max(0, place - max_order) : place])
            # Contexts are closed under leaving out the oldest token.
            state: tuple[int, ...] = ()
            for size in range(1, len(context) + 1):
                if context[-size:] not in table:
                    break
                state = context[-size:]
            likeliest, probability = table[state]
            estimated.append(probability)
            hits.append(likeliest == token)
    return np.array(estimated, np.float64), np.array(hits, np.float64)


def promises_of(
    table: Table, lines: Sequence[Sequence[int]]
) -> tuple[FloatArray, FloatArray]:
    """What a table promises of every token of some lines, and whether it came.

    Args:
        table: Opened.
        lines: Token ids, without one for the start of a line.
    """
    start = [] if table.info.start_id is None else [table.info.start_id]
    promised: list[float] = []
    hits: list[bool] = []
    for line in lines:
        context = [*start, *line]
        for place, token in enumerate(line, len(start)):
            first = max(0, place - table.info.max_order)
            likeliest, chances = table.walk(table.enter(context[first:place]), 1)
            promised += chances
            hits.append(likeliest[0] == token)
    return np.array(promised, np.float64), np.array(hits, np.float64)
