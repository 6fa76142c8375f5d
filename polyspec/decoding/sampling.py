"""How the next token is drawn from a row of logits.

The filters apply in this order: repetition penalty, temperature, top-k, top-p, min-p.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from polyspec.arrays import FloatArray, LogitsArray, TokenArray
from polyspec.errors import EngineError

_NEGLIGIBLE = 1e-12
"""Tokens below this share of the likeliest one's probability are never drawn."""
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Sampling:
    """What the user asked for; the defaults choose greedily."""

    temperature: float = 0.0
    """0 always takes the likeliest token; 1 samples the model's own distribution."""
    top_k: int = 0
    """Keep the k likeliest tokens; 0 keeps all."""
    top_p: float = 1.0
    """Keep the smallest set of likeliest tokens with this much probability."""
    min_p: float = 0.0
    """Drop tokens below this share of the likeliest one's probability."""
    repetition_penalty: float = 1.0
    """Divides positive logits of tokens already written; 1 changes nothing."""
    seed: int = 0

    @property
    def is_greedy(self) -> bool:
        return self.temperature <= 0.0


def penalize(
    logits: LogitsArray, written_ids: Iterable[int], penalty: float
) -> LogitsArray:
    """Return logits in which tokens already written are less likely.

    Source: Keskar et al. 2019, CTRL, section 4.1.
    """
    ids = np.fromiter(set(written_ids), dtype=np.int64)
    if penalty == 1.0 or ids.size == 0:
        return logits
    changed = logits.copy()
    scores = changed[ids]
    changed[ids] = np.where(scores > 0, scores / penalty, scores * penalty)
    return changed


def candidates(
    logits: LogitsArray, sampling: Sampling
) -> tuple[TokenArray, FloatArray]:
    """Return the tokens that may be drawn, likeliest first, and their probabilities.

    Only the part of the row near its maximum is sorted. Ties are ordered by token id.

    Args:
        logits: Shape `(V,)`, repetition penalty already applied.
        sampling: Its temperature must be above 0.

    Raises:
        EngineError: The logits are no finite numbers.
    """
    best = float(logits.max())
    if not np.isfinite(best):
        raise EngineError(
            "no token can be drawn",
            cause=f"the model's largest logit is {best}",
            remedy="check the model with polyspec models verify, or use another model",
        )
    ids = _near_maximum(logits, best, sampling)
    order = np.lexsort((ids, -logits[ids]))
    if sampling.top_k:
        order = order[: sampling.top_k]
    ids = ids[order]
    weights = np.exp((logits[ids].astype(np.float64) - best) / sampling.temperature)
    weights /= weights.sum()
    if sampling.top_p < 1.0:
        below = np.cumsum(weights) - weights < sampling.top_p
        below[0] = True
        ids, weights = ids[below], weights[below]
    if sampling.min_p > 0.0:
        kept = weights >= sampling.min_p * weights[0]
        ids, weights = ids[kept], weights[kept]
    return ids.astype(np.int32), weights / weights.sum()


def _near_maximum(logits: LogitsArray, best: float, sampling: Sampling) -> TokenArray:
    """Return the ids that can matter, unsorted.

    With top-k the first guess is narrow and widens until it holds k tokens, since
    comparing a row is some ten times cheaper than partitioning it.
    """
    widest = -np.log(_NEGLIGIBLE) * sampling.temperature
    if sampling.top_k:
        margin = 8.0 * sampling.temperature
        while margin < widest:
            ids = np.flatnonzero(logits >= best - margin)
            if ids.size >= sampling.top_k:
                return ids.astype(np.int32)
            margin *= 2
    return np.flatnonzero(logits >= best - widest).astype(np.int32)


def draw(token_ids: TokenArray, probabilities: FloatArray, uniform: float) -> int:
    """Return the token at which the cumulated probability passes `uniform`, `0..1`."""
    return int(token_ids[_draw_place(probabilities, uniform)])


def _draw_place(probabilities: FloatArray, uniform: float) -> int:
    place = int(np.searchsorted(np.cumsum(probabilities), uniform, side="right"))
    return min(place, probabilities.size - 1)


class Chooser:
    """Chooses the tokens of one answer.

    The choice at output position `i` depends on the seed, the stream, `i` and the
    logits alone, so that drafting cannot change which token a seed gives.
    """

    def __init__(self, sampling: Sampling, stream: int) -> None:
        self.sampling = sampling
        self._stream = stream
        self._chances: list[float] = []

    @property
    def is_plain_argmax(self) -> bool:
        """Whether the choice is the row's largest logit and nothing else."""
        return self.sampling.is_greedy and self.sampling.repetition_penalty == 1.0

    def choose(self, logits: LogitsArray, written_ids: list[int]) -> int:
        """Return the next token after `written_ids`, the answer so far."""
        if self.sampling.is_greedy:
            return int(self._penalized(logits, written_ids).argmax())
        ids, probabilities = self.distribution(logits, written_ids)
        place = _draw_place(probabilities, self.uniform(len(written_ids)))
        self._chances.append(float(probabilities[place]))
        return int(ids[place])

    def take_chances(self) -> list[float]:
        """Return the probability of each token that was drawn since the last call."""
        chances, self._chances = self._chances, []
        return chances

    def distribution(
        self, logits: LogitsArray, written_ids: list[int]
    ) -> tuple[TokenArray, FloatArray]:
        """Return the tokens that `choose` may draw and their probabilities.

        The temperature must be above 0.
        """
        return candidates(self._penalized(logits, written_ids), self.sampling)

    def _penalized(self, logits: LogitsArray, written_ids: list[int]) -> LogitsArray:
        penalty = self.sampling.repetition_penalty
        return logits if penalty == 1.0 else penalize(logits, written_ids, penalty)

    def uniform(self, position: int, purpose: int = 0) -> float:
        """Return the random number of an output position, `0..1`.

        Args:
            position: Place of the token in the answer.
            purpose: Numbers for different purposes are independent; 0 draws tokens.
        """
        block, place = divmod(position, _BLOCK)
        key = (self.sampling.seed, self._stream, block, purpose)
        return float(_uniform_block(*key)[place])


@lru_cache(maxsize=256)
def _uniform_block(seed: int, stream: int, block: int, purpose: int) -> FloatArray:
    # Up to four numbers a trailing zero changes nothing: purpose 0 is as if not given.
    bits = np.random.Philox(np.random.SeedSequence([seed, stream, block, purpose]))
    return np.random.Generator(bits).random(_BLOCK)
