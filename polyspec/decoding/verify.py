"""Acceptance: which draft tokens the target agrees with."""

from collections.abc import Sequence

from polyspec.arrays import LogitsArray
from polyspec.decoding.sampling import Chooser


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
