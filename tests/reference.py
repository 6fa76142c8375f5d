"""Plain definitions, slow and obvious, that the real code is compared with."""

import math
from collections.abc import Sequence

from polyspec.arrays import LogitsArray
from polyspec.decoding.sampling import Sampling

_NEGLIGIBLE = 1e-12


def reference_candidates(logits: LogitsArray, sampling: Sampling) -> dict[int, float]:
    """Tokens that may be drawn, likeliest first, by sorting the whole row."""
    best = float(logits.max())
    weights = {
        token_id: math.exp((float(value) - best) / sampling.temperature)
        for token_id, value in enumerate(logits)
    }
    order = sorted(weights, key=lambda token_id: (-logits[token_id], token_id))
    order = [token_id for token_id in order if weights[token_id] >= _NEGLIGIBLE]
    if sampling.top_k:
        order = order[: sampling.top_k]
    chances = _normalise({token_id: weights[token_id] for token_id in order})
    kept: list[int] = []
    total = 0.0
    for token_id in order:
        if kept and total >= sampling.top_p:
            break
        kept.append(token_id)
        total += chances[token_id]
    chances = _normalise({token_id: chances[token_id] for token_id in kept})
    floor = sampling.min_p * chances[kept[0]]
    return _normalise({key: value for key, value in chances.items() if value >= floor})


def _normalise(weights: dict[int, float]) -> dict[int, float]:
    total = sum(weights.values())
    return {key: value / total for key, value in weights.items()}


def longest_match(ids: Sequence[int], max_order: int) -> tuple[int, int]:
    """Length of the longest suffix that occurs earlier, and where that ends last.

    The earlier occurrence may overlap the suffix. Without any both are 0.
    """
    for order in range(min(max_order, len(ids) - 1), 0, -1):
        suffix = list(ids[len(ids) - order :])
        for end in range(len(ids) - 1, order - 1, -1):
            if list(ids[end - order : end]) == suffix:
                return order, end
    return 0, 0
