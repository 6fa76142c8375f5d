"""Lessons side by side in one row, with their common beginning computed once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from polyspec.arrays import TokenArray
from polyspec.drafting.cached_text import common_prefix
from polyspec.drafting.token_map import TokenMap
from polyspec.training.teacher import Lesson

_ALIKE = 4
"""Prompts that begin with as many equal tokens go into one row."""


@dataclass(frozen=True, slots=True)
class PackedRow:
    """Several lessons in the draft's ids: a shared beginning, then one after another.

    Axes: `T` tokens, `A` places of answers, `K` likely tokens of a place.
    """

    ids: Tensor
    """Shape `(T,)`."""
    positions: Tensor
    """Each lesson goes on where the beginning ends, shape `(T,)`."""
    mask: Tensor
    """True where a token may look: at the beginning and at its own lesson, `(T, T)`."""
    places: Tensor
    """Whose output predicts each token of the answers, shape `(A,)`."""
    answer_ids: Tensor
    """Shape `(A,)`."""
    likely_ids: Tensor
    """Shape `(A, K)`."""
    log_probabilities: Tensor
    """The target's, shape `(A, K)`."""


def pack(
    lessons: Iterable[Lesson], token_map: TokenMap, max_tokens: int
) -> list[PackedRow]:
    """Rows of at most `max_tokens` tokens, but for a lesson that is longer alone.

    Lessons share a row if their prompts begin alike, as those of one task do.
    """
    groups: dict[tuple[int, ...], list[Lesson]] = {}
    for lesson in lessons:
        beginning = tuple(lesson.prompt_ids[:_ALIKE].tolist())
        groups.setdefault(beginning, []).append(lesson)
    return [
        _pack_row(some, token_map)
        for group in groups.values()
        for some in _divide(group, max_tokens)
    ]


def _divide(lessons: Sequence[Lesson], max_tokens: int) -> Iterator[list[Lesson]]:
    shared = _count_shared(lessons)
    row: list[Lesson] = []
    size = shared
    for lesson in lessons:
        own = len(lesson.prompt_ids) - shared + lesson.num_tokens - 1
        if row and size + own > max_tokens:
            yield row
            row, size = [], shared
        row.append(lesson)
        size += own
    yield row


def _count_shared(lessons: Sequence[Lesson]) -> int:
    """Leading tokens that all prompts have in common."""
    first = lessons[0].prompt_ids.tolist()
    return min(common_prefix(first, each.prompt_ids.tolist()) for each in lessons)


def _pack_row(lessons: Sequence[Lesson], token_map: TokenMap) -> PackedRow:
    shared = _count_shared(lessons)
    ids = token_map.to_draft(lessons[0].prompt_ids[:shared].tolist())
    positions = list(range(shared))
    owners = [0] * shared
    places: list[int] = []
    for number, lesson in enumerate(lessons, start=1):
        own = [*lesson.prompt_ids[shared:].tolist(), *lesson.answer_ids[:-1].tolist()]
        num_prompt = len(lesson.prompt_ids) - shared
        # Without a prompt of its own the shared beginning predicts the first token.
        first = len(ids) + num_prompt - 1 if num_prompt else shared - 1
        rest = range(len(ids) + num_prompt, len(ids) + len(own))
        places += [first, *rest]
        ids += token_map.to_draft(own)
        positions += range(shared, shared + len(own))
        owners += [number] * len(own)
    return PackedRow(
        torch.tensor(ids),
        torch.tensor(positions),
        make_mask(torch.tensor(owners)),
        torch.tensor(places),
        torch.tensor(_map_all([each.answer_ids for each in lessons], token_map)),
        torch.tensor(_map_all([each.likely_ids for each in lessons], token_map)).view(
            len(places), -1
        ),
        torch.cat(
            [torch.from_numpy(each.log_probabilities) for each in lessons]
        ).float(),
    )


def _map_all(arrays: Sequence[TokenArray], token_map: TokenMap) -> list[int]:
    return [
        id_ for array in arrays for id_ in token_map.to_draft(array.ravel().tolist())
    ]


def make_mask(owners: Tensor) -> Tensor:
    """Who may look at whom, `(..., T, T)`, by whose each token is, `(..., T)`.

    All see owner 0, the shared beginning, and what they own, as far as it is before.
    """
    length = owners.shape[-1]
    is_before = torch.ones(length, length, device=owners.device).tril().bool()
    is_own = owners.unsqueeze(-1) == owners.unsqueeze(-2)
    is_own |= owners.unsqueeze(-2) == 0
    return is_before & is_own
