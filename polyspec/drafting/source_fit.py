"""Fitting the weights of source-aware drafts on pairs of sentences."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from polyspec.arrays import FloatArray
from polyspec.drafting.hints import SentenceHints
from polyspec.drafting.source_scores import (
    DEFAULT_WEIGHTS,
    NUM_WEIGHTS,
    Candidate,
    find_candidates,
)
from polyspec.drafting.source_state import Progress, Sentence
from polyspec.tables.format import MAX_CONTEXT
from polyspec.tables.reader import Table

_MAX_PLACES = 15_000
_LEAST_PLACES = 1_000
"""With fewer the usual weights are better than fitted ones."""
_PRIOR = 1e-3
"""How strongly weights keep to the usual ones."""
_MAX_ROUNDS = 40
_MAX_SCORE = 30.0
_LEAST_GAIN = 1e-6

HintedLine: TypeAlias = tuple[SentenceHints, Sequence[int]]
"""Hints of a sentence, and the tokens of its translation."""


@dataclass(frozen=True, slots=True)
class _Places:
    """Candidates at each place of the translations."""

    features: FloatArray
    """Shape `(C, NUM_WEIGHTS)`."""
    hits: FloatArray
    """Shape `(C,)`: 1 for the token that was written."""
    firsts: NDArray[np.intp]
    """Shape `(P,)`: first candidate of each place."""


def fit_weights(table: Table, lines: Iterable[HintedLine]) -> tuple[float, ...]:
    """Learn the weights of `source_scores.Scorer`.

    Args:
        table: That which will draft; it must not know the lines.
        lines: Held-out sentences.

    Returns:
        The weights, `NUM_WEIGHTS` of them; the usual ones where the lines are few.

    Source: conditional logit, McFadden 1974, by Newton's method.
    """
    places = _collect(table, lines)
    if places.firsts.size < _LEAST_PLACES:
        return DEFAULT_WEIGHTS
    return tuple(_climb(places).tolist())


def _collect(table: Table, lines: Iterable[HintedLine]) -> _Places:
    rows: list[list[float]] = []
    hits: list[bool] = []
    firsts: list[int] = []
    for hints, token_ids in lines:
        if len(firsts) > _MAX_PLACES:
            break
        for token_id, candidates in _look_back(table, hints, token_ids):
            firsts.append(len(rows))
            for candidate_id, first, features in candidates:
                row = [0.0] * NUM_WEIGHTS
                row[first : first + len(features)] = features
                rows.append(row)
                hits.append(candidate_id == token_id)
    return _Places(
        np.array(rows, np.float64).reshape(-1, NUM_WEIGHTS),
        np.array(hits, np.float64),
        np.array(firsts, np.intp),
    )


def _look_back(
    table: Table, hints: SentenceHints, token_ids: Sequence[int]
) -> Iterator[tuple[int, list[Candidate]]]:
    """Each token that was written, and what was proposed there.

    The first comes with the prompt and is never drafted.
    """
    progress = Progress(Sentence(hints))
    start_id = table.info.start_id
    context_ids = [] if start_id is None else [start_id]
    for token_id in token_ids:
        if not progress.is_start:
            likeliest, promised, _ = table.edges(table.enter(context_ids))[0]
            yield token_id, find_candidates(progress, likeliest, promised)
        progress.push(token_id)
        context_ids = [*context_ids, token_id][-MAX_CONTEXT:]


def _climb(places: _Places) -> FloatArray:
    """Return the weights under which what was written is likeliest."""
    usual = np.array(DEFAULT_WEIGHTS)
    weights, num_places = usual, places.firsts.size
    value, chances = _likelihood(places, weights)
    for _ in range(_MAX_ROUNDS):
        residual = places.features.T @ (places.hits - chances) / num_places
        slope = residual - _PRIOR * (weights - usual)
        step = np.linalg.solve(_curvature(places, chances), slope)
        length, gain = 1.0, 0.0
        while length > 1e-4:
            value_there, chances_there = _likelihood(places, weights + length * step)
            gain = value_there - value
            if gain > 0:
                weights = weights + length * step
                value, chances = value_there, chances_there
                break
            length /= 2
        if gain < _LEAST_GAIN:
            break
    return weights


def _likelihood(places: _Places, weights: FloatArray) -> tuple[float, FloatArray]:
    """Mean log-likelihood less the prior's penalty, and each candidate's chance."""
    scores = (places.features @ weights).clip(-_MAX_SCORE, _MAX_SCORE)
    worth = np.exp(scores)
    totals = 1 + np.add.reduceat(worth, places.firsts)
    sizes = np.diff(places.firsts, append=worth.size)
    chances = worth / np.repeat(totals, sizes)
    fit = float(places.hits @ scores - np.log(totals).sum()) / totals.size
    return fit - _PRIOR / 2 * float(((weights - DEFAULT_WEIGHTS) ** 2).sum()), chances


def _curvature(places: _Places, chances: FloatArray) -> FloatArray:
    features = places.features
    means = np.add.reduceat(chances[:, None] * features, places.firsts, axis=0)
    spread = (features * chances[:, None]).T @ features - means.T @ means
    curvature: FloatArray = spread / places.firsts.size + _PRIOR * np.eye(NUM_WEIGHTS)
    return curvature
