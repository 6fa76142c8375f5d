"""Which token comes next, by what the table and the source sentence say."""

from collections.abc import Sequence
from math import exp, log
from operator import mul
from typing import TypeAlias

from polyspec.drafting.source_state import NUM_BEST, Progress

Candidate: TypeAlias = tuple[int, int, tuple[float, ...]]
"""A token, the first of the weights that judge it, and what they are multiplied by."""
NUM_WEIGHTS = 14
_TABLE, _GOING_ON, _START = 0, 6, 10
DEFAULT_WEIGHTS = (
    *(-0.05, 0.9, 2.71, 0.57, 0.23, -0.2),
    *(2.12, 0.76, 0.23, -2.14),
    *(-4.27, 0.33, -1.27, 1.35),
)
"""For a lexicon without its own: the mean of those fitted for German and Hindi."""
_LEAST_MASS = 0.003
_LEAST_START = 0.01
_MAX_LOGIT = 7.0


def find_candidates(
    progress: Progress, token_id: int, probability: float
) -> list[Candidate]:
    """Tokens that may come next, and their features.

    Args:
        progress: Of the translation.
        token_id: The table's likeliest token here.
        probability: What the table promises for it.
    """
    going_on, ended = progress.continuations()
    sentence = progress.sentence
    total = sum(going_on.values()) + ended
    done = ended / total if total else 0.0
    blocked = 1.0 - done if going_on else 0.0
    masses, likeliest = progress.starts()
    share = going_on.pop(token_id, 0.0)
    number = sentence.number_of(token_id)
    mass = log(1 + masses[number] / _LEAST_MASS) if number >= 0 and not share else 0.0
    logit = _logit(probability)
    found: list[Candidate] = [
        (
            token_id,
            _TABLE,
            (
                1.0,
                logit,
                1.0 if share else 0.0,
                log(share / total) if share else 0.0,
                mass,
                0.0 if share else blocked,
            ),
        )
    ]
    for token, weight in going_on.items():
        found.append(
            (
                token,
                _GOING_ON,
                (1.0, log(weight / total), log(total + _LEAST_MASS), done),
            )
        )
    # One more than is wanted, since the table's own token may be among them.
    others = [place for place in likeliest if place != number][: NUM_BEST - 1]
    for place in others:
        weight = masses[place]
        if weight > _LEAST_START:
            features = (1.0, log(1 + weight / _LEAST_MASS), blocked, done)
            found.append((sentence.firsts[place], _START, features))
    return found


def _logit(probability: float) -> float:
    if probability <= 0.0009:
        return -_MAX_LOGIT
    if probability >= 0.9991:
        return _MAX_LOGIT
    return log(probability / (1 - probability))


class Scorer:
    """Turns candidates into the likeliest one and its probability."""

    def __init__(self, weights: Sequence[float] = DEFAULT_WEIGHTS) -> None:
        """Judge by weights, `NUM_WEIGHTS` of them; by the usual ones otherwise."""
        if len(weights) != NUM_WEIGHTS:
            weights = DEFAULT_WEIGHTS
        self._groups = {
            _TABLE: tuple(weights[:_GOING_ON]),
            _GOING_ON: tuple(weights[_GOING_ON:_START]),
            _START: tuple(weights[_START:]),
        }

    def best(self, candidates: Sequence[Candidate]) -> tuple[int, float]:
        """The likeliest token and its probability.

        A conditional logit: `exp(score) / (1 + sum of exp(score))`, where the 1 stands
        for every token that is no candidate.
        """
        groups = self._groups
        best_id, best, total = -1, -1.0, 1.0
        for token_id, group, features in candidates:
            worth = exp(min(30.0, sum(map(mul, groups[group], features))))
            total += worth
            if worth > best:
                best_id, best = token_id, worth
        return best_id, best / total
