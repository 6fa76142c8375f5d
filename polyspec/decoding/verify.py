"""Acceptance: which draft tokens the target agrees with."""

from collections.abc import Sequence

import numpy as np

from polyspec.arrays import FloatArray, LogitsArray, TokenArray
from polyspec.decoding.interfaces import Distribution
from polyspec.decoding.sampling import Chooser, draw

_ACCEPTING = 1
"""Purpose of the random numbers that accept or reject; see `Chooser.uniform`."""


def count_accepted(draft_ids: Sequence[int], target_ids: Sequence[int]) -> int:
    """Count the leading draft tokens that the target chose as well.

    Args:
        draft_ids: Proposed tokens, `K` of them.
        target_ids: The target's choices, `K + 1` of them.

    Returns:
        `a` in `0..K`; `target_ids[a]` is the bonus or corrected token.
    """
    for place, token_id in enumerate(draft_ids):
        if token_id != target_ids[place]:
            return place
    return len(draft_ids)


def verify_greedy(draft_ids: Sequence[int], argmax_ids: Sequence[int]) -> list[int]:
    """Return the tokens a greedy step emits: the accepted ones and one more."""
    return list(argmax_ids[: count_accepted(draft_ids, argmax_ids) + 1])


def verify_drawn(
    draft_ids: Sequence[int],
    logits: LogitsArray,
    chooser: Chooser,
    written_ids: list[int],
) -> list[int]:
    """Draw from the target at each position while the draw equals the draft.

    Every emitted token is the target's own draw, so its distribution is unchanged;
    for a one-best draft no rule accepts more.

    Args:
        draft_ids: Proposed tokens, `K` of them.
        logits: Shape `(K + 1, V)`.
        chooser: Draws the tokens.
        written_ids: The answer so far.

    Source: Leviathan et al. 2023, arXiv 2211.17192, with a one-point draft.
    """
    so_far = list(written_ids)
    for row in range(len(draft_ids) + 1):
        so_far.append(chooser.choose(logits[row], so_far))
        if row == len(draft_ids) or so_far[-1] != draft_ids[row]:
            break
    return so_far[len(written_ids) :]


def verify_resampled(
    draft_ids: Sequence[int],
    distributions: Sequence[Distribution],
    logits: LogitsArray,
    chooser: Chooser,
    written_ids: list[int],
) -> list[int]:
    """Accept drawn draft tokens by the ratio of their probabilities, else draw anew.

    A token `x` drawn from the draft's `q` is accepted with probability
    `min(1, p(x) / q(x))`; a rejected one is replaced by a draw from what is left of the
    target's `p`, `max(0, p - q)`. What is emitted has the target's distribution, and a
    share of `sum(min(p, q))` of the drafts is accepted, where comparing them with the
    target's own draw accepts `sum(p * q)`. For one-best drafts both are equal; then
    `verify_drawn` is better, for it keeps what a seed gives.

    Args:
        draft_ids: Proposed tokens, `K` of them, each drawn from its distribution by
            random numbers that are not the chooser's.
        distributions: For each draft token the ids that it was drawn from, in any
            order, and their probabilities.
        logits: Shape `(K + 1, V)`.
        chooser: Draws the tokens; its temperature must be above 0.
        written_ids: The answer so far.

    Source: Leviathan et al. 2023, arXiv 2211.17192, algorithm 1.
    """
    so_far = list(written_ids)
    for row, token_id in enumerate(draft_ids):
        position = len(so_far)
        ids, wanted = chooser.distribution(logits[row], so_far)
        proposed = _at(ids, distributions[row])
        ratio = _share_of(token_id, ids, wanted, distributions[row])
        if chooser.uniform(position, _ACCEPTING) < ratio:
            so_far.append(token_id)
            continue
        left = np.maximum(wanted - proposed, 0.0)
        # Equal distributions reject nothing, but their roundings may.
        left = left / left.sum() if left.any() else wanted
        so_far.append(draw(ids, left, chooser.uniform(position)))
        return so_far[len(written_ids) :]
    so_far.append(chooser.choose(logits[len(draft_ids)], so_far))
    return so_far[len(written_ids) :]


def _at(ids: TokenArray, distribution: Distribution) -> FloatArray:
    """Return the probabilities that a distribution gives to `ids`, 0 for others."""
    known_ids, probabilities = distribution
    order = np.argsort(known_ids)
    places = np.searchsorted(known_ids, ids, sorter=order).clip(max=order.size - 1)
    found = order[places]
    return np.where(known_ids[found] == ids, probabilities[found], 0.0)


def _share_of(
    token_id: int,
    ids: TokenArray,
    wanted: FloatArray,
    distribution: Distribution,
) -> float:
    """Return `p(x) / q(x)` of a token that was drawn from `q`."""
    proposed = float(distribution[1][distribution[0] == token_id].sum())
    return float(wanted[ids == token_id].sum()) / proposed
