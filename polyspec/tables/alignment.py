"""Which words translate which, learned from pairs of sentences.

Source: IBM Model 1, Brown et al. 1993, with the diagonal prior of fast_align, Dyer,
Chahuneau and Smith 2013.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from polyspec.arrays import FloatArray

WordPair: TypeAlias = tuple[Sequence[str], Sequence[str]]
"""Words of a source sentence and of its translation."""
_Indices: TypeAlias = NDArray[np.int32]
_NUM_ROUNDS = 5
_NULL_SHARE = 0.1
"""Chance that a word translates none of the source."""
_TENSION = 4.0
"""How much a word prefers a source word at the same relative place."""
_MAX_WORDS = 100
"""A longer sentence teaches little for what it costs."""
_MAX_CELLS = 24_000_000
"""Pairs of words that are looked at, so that about a gigabyte suffices."""
_LEAST_COUNT = 2
"""A word that occurs less often cannot be learned."""


@dataclass(frozen=True, slots=True)
class Link:
    """A source word and a word that translates it."""

    source: str
    target: str
    count: float
    """Times that the one was written for the other, expected."""
    rate: float
    """The same for one occurrence of the source word, `0..1`."""


def align_words(
    pairs: Sequence[WordPair],
    *,
    num_rounds: int = _NUM_ROUNDS,
    tension: float = _TENSION,
    null_share: float = _NULL_SHARE,
    max_cells: int = _MAX_CELLS,
) -> list[Link]:
    """Learn what translates what; the same pairs give the same links.

    Args:
        pairs: Words of the sentences. Too many are thinned out evenly.
        num_rounds: Rounds of expectation and maximisation.
        tension: 0 makes it IBM Model 1.
        null_share: Chance that a word translates nothing.
        max_cells: Most pairs of words to look at.
    """
    pairs = _thin_out(pairs, max_cells)
    num_sources = Counter(word for words, _ in pairs for word in words)
    sources = _number(num_sources)
    targets = _number(Counter(word for _, words in pairs for word in words))
    if not sources or not targets:
        return []
    cells = _lay_out(pairs, sources, targets, tension, null_share)
    counts = _estimate(cells, num_rounds)
    source_words, target_words = ["", *sources], list(targets)
    links = []
    for source_id, target_id, count in zip(
        cells.source_ids.tolist(),
        cells.target_ids.tolist(),
        counts.tolist(),
        strict=True,
    ):
        if source_id:
            word = source_words[source_id]
            rate = min(1.0, count / num_sources[word])
            links.append(Link(word, target_words[target_id], count, rate))
    return links


def _thin_out(pairs: Sequence[WordPair], max_cells: int) -> Sequence[WordPair]:
    kept = [
        pair
        for pair in pairs
        if 0 < len(pair[0]) <= _MAX_WORDS and 0 < len(pair[1]) <= _MAX_WORDS
    ]
    num_cells = sum((len(source) + 1) * len(target) for source, target in kept)
    share = min(1.0, max_cells / max(1, num_cells))
    return [
        pair
        for place, pair in enumerate(kept)
        if int((place + 1) * share) > int(place * share)
    ]


def _number(counts: Counter[str]) -> dict[str, int]:
    """Words that occur often enough, numbered from 1 in order of their first place."""
    common = (word for word, count in counts.items() if count >= _LEAST_COUNT)
    return {word: number for number, word in enumerate(common, start=1)}


@dataclass(frozen=True, slots=True)
class _Cells:
    """Every word of every translation beside every word of its source."""

    kinds: _Indices
    """Shape `(C,)`: which distinct pair of words each cell is."""
    rows: _Indices
    """Shape `(C,)`: which word of the corpus each cell belongs to, rising."""
    priors: NDArray[np.float32]
    """Shape `(C,)`: what the places in the sentences say."""
    source_ids: _Indices
    """Shape `(K,)`: source word of each distinct pair, 0 for none."""
    target_ids: _Indices
    """Shape `(K,)`: translation of each distinct pair, from 0."""


def _lay_out(
    pairs: Iterable[WordPair],
    sources: dict[str, int],
    targets: dict[str, int],
    tension: float,
    null_share: float,
) -> _Cells:
    keys, rows, priors, num_rows = [], [], [], 0
    for source, target in pairs:
        # Unknown words have the number -1; the source begins with "no word", 0.
        source_ids = np.array([0, *(sources.get(word, -1) for word in source)])
        target_ids = np.array([targets.get(word, 0) - 1 for word in target])
        known = (source_ids >= 0) & (target_ids >= 0)[:, None]
        prior = _diagonal(len(source), len(target), tension, null_share)
        keys.append((source_ids * len(targets) + target_ids[:, None])[known])
        rows.append((num_rows + np.nonzero(known)[0]).astype(np.int32))
        priors.append(prior[known].astype(np.float32))
        num_rows += len(target)
    distinct, kinds = np.unique(np.concatenate(keys), return_inverse=True)
    return _Cells(
        kinds.astype(np.int32),
        np.concatenate(rows),
        np.concatenate(priors),
        (distinct // len(targets)).astype(np.int32),
        (distinct % len(targets)).astype(np.int32),
    )


def _diagonal(
    num_source: int, num_target: int, tension: float, null_share: float
) -> FloatArray:
    """Chance of each source word by places alone, shape `(T, S + 1)`, "none" first."""
    source_places = np.arange(num_source) / num_source
    target_places = np.arange(num_target) / num_target
    distance = np.abs(source_places - target_places[:, None])
    closeness = np.exp(-tension * distance)
    closeness *= (1 - null_share) / closeness.sum(axis=1, keepdims=True)
    none = np.full((num_target, 1), null_share)
    return np.concatenate([none, closeness], axis=1)


def _estimate(cells: _Cells, num_rounds: int) -> FloatArray:
    """Expected count of each distinct pair of words, shape `(K,)`."""
    chances: FloatArray = np.ones(cells.source_ids.size)
    counts: FloatArray = chances
    for _ in range(num_rounds + 1):
        parts = chances[cells.kinds] * cells.priors
        parts /= np.bincount(cells.rows, parts)[cells.rows]
        counts = np.bincount(cells.kinds, parts, chances.size).astype(np.float64)
        chances = counts / np.bincount(cells.source_ids, counts)[cells.source_ids]
    return counts
