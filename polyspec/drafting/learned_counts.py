"""What followed short contexts, and how often: a sorted part, and what is new.

A row is a context, a token that followed it, and a count. Contexts are kept as 64-bit
digests of their last tokens, so that a row has 16 bytes whatever its length; two that
collide cost a wrong guess at most.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

LENGTHS = (1, 2, 3, 5)
"""Tokens of the contexts that are counted."""
MAX_FOLLOWERS = 4
"""Most tokens kept for one context."""
_MAX_NEW_FOLLOWERS = 24
"""A comma is followed by anything; looking through it all would take too long."""
MAX_ROWS = 400_000
_MASK = (1 << 64) - 1
_PRIME = 0x9E3779B97F4A7C15


@dataclass(frozen=True, slots=True)
class Rows:
    """Counted followers, sorted by context, the most frequent of each first."""

    contexts: NDArray[np.uint64]
    """Shape `(R,)`, as the others."""
    token_ids: NDArray[np.int32]
    counts: NDArray[np.float32]
    num_tokens: int = 0
    """Tokens that were learned from, in all."""

    @classmethod
    def none(cls) -> "Rows":
        return cls(
            np.empty(0, np.uint64), np.empty(0, np.int32), np.empty(0, np.float32)
        )


def digest_contexts(token_ids: Sequence[int]) -> list[int]:
    """Return the digest of each of the last `LENGTHS` tokens, the shortest first.

    Fewer where the text is shorter than that.
    """
    digests = []
    state, size = 0, len(token_ids)
    for length in range(1, min(LENGTHS[-1], size) + 1):
        state = ((state ^ (token_ids[size - length] + 1)) * _PRIME) & _MASK
        state ^= state >> 29
        if length in LENGTHS:
            digests.append(state)
    return digests


def _drop_rarest(followers: dict[int, int]) -> None:
    """Keep the most frequent half, the latest of equally frequent ones."""
    order = sorted(followers, key=followers.__getitem__)
    for token_id in order[: len(followers) // 2]:
        del followers[token_id]


def merge_rows(rows: Rows, new: Rows, max_rows: int = MAX_ROWS) -> Rows:
    """Add counts up, keep the most frequent, and let all fade when there are too many.

    What was counted often outlives what was seen once long ago; a halved count that is
    not seen again is the first to go.
    """
    contexts = np.concatenate([rows.contexts, new.contexts])
    token_ids = np.concatenate([rows.token_ids, new.token_ids])
    counts = np.concatenate([rows.counts, new.counts])
    order = np.lexsort((token_ids, contexts))
    contexts, token_ids, counts = contexts[order], token_ids[order], counts[order]
    if contexts.size:
        is_first = np.ones(contexts.size, dtype=bool)
        is_first[1:] = (np.diff(contexts) != 0) | (np.diff(token_ids) != 0)
        starts = np.flatnonzero(is_first)
        counts = np.add.reduceat(counts, starts)
        contexts, token_ids = contexts[starts], token_ids[starts]
    order = np.lexsort((token_ids, -counts, contexts))
    contexts, token_ids, counts = contexts[order], token_ids[order], counts[order]
    kept = _ranks(contexts) < MAX_FOLLOWERS
    contexts, token_ids, counts = contexts[kept], token_ids[kept], counts[kept]
    if contexts.size > max_rows:
        best = np.sort(np.argsort(-counts, kind="stable")[: max_rows * 3 // 4])
        contexts, token_ids = contexts[best], token_ids[best]
        counts = counts[best] / 2
    return Rows(
        contexts,
        token_ids,
        counts.astype(np.float32),
        rows.num_tokens + new.num_tokens,
    )


def _ranks(contexts: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Place of each row among those of its context, from 0."""
    places = np.arange(contexts.size)
    starts = np.zeros(contexts.size, dtype=np.int64)
    if contexts.size:
        is_first = np.ones(contexts.size, dtype=bool)
        is_first[1:] = np.diff(contexts) != 0
        starts = np.maximum.accumulate(np.where(is_first, places, 0))
    ranks: NDArray[np.int64] = places - starts
    return ranks


class LearnedCounts:
    """Looks followers up and counts new ones, a few microseconds each."""

    def __init__(self) -> None:
        self._new: dict[int, dict[int, int]] = {}
        self.num_new = 0
        """Tokens counted since the sorted part was replaced."""
        self.replace(Rows.none())

    def replace(self, rows: Rows) -> None:
        """Look up in these rows from now on, and forget what is new."""
        self._rows = rows
        # Single items are read from views several times faster than from arrays.
        self._contexts: memoryview[int] = rows.contexts.data
        self._token_ids: memoryview[int] = rows.token_ids.data
        self._counts = cast("memoryview[float]", rows.counts.data)
        self._new.clear()
        self.num_new = 0

    def fold(self) -> None:
        """Put what is new into the sorted part, which bounds it."""
        self.replace(merge_rows(self._rows, self.new_rows()))

    @property
    def num_new_contexts(self) -> int:
        return len(self._new)

    def add(self, digests: Sequence[int], token_id: int) -> None:
        """Count a token that followed the contexts with these digests."""
        new = self._new
        self.num_new += 1
        for digest in digests:
            followers = new.get(digest)
            if followers is None:
                new[digest] = {token_id: 1}
                continue
            followers[token_id] = followers.get(token_id, 0) + 1
            if len(followers) > _MAX_NEW_FOLLOWERS:
                _drop_rarest(followers)

    def find(self, digests: Sequence[int]) -> tuple[int, int, float, float] | None:
        """Return what followed the longest known context most often.

        Returns:
            Place of the context among `digests`, the token, its count and the count of
            all; None where no context is known.
        """
        contexts, size, new = self._contexts, len(self._contexts), self._new
        for place in range(len(digests) - 1, -1, -1):
            digest = digests[place]
            row = bisect_left(contexts, digest)
            is_kept = row < size and contexts[row] == digest
            fresh = new.get(digest)
            if not is_kept and fresh is None:
                continue
            followers = self._kept_followers(row, digest) if is_kept else {}
            for token_id, times in (fresh or {}).items():
                followers[token_id] = followers.get(token_id, 0.0) + times
            if len(followers) == 1:
                ((token_id, count),) = followers.items()
                return place, token_id, count, count
            token_id = max(followers, key=followers.__getitem__)
            return place, token_id, followers[token_id], sum(followers.values())
        return None

    def _kept_followers(self, row: int, digest: int) -> dict[int, float]:
        """Followers in the sorted part, from the first row of a context."""
        followers = {self._token_ids[row]: self._counts[row]}
        contexts, size = self._contexts, len(self._contexts)
        row += 1
        while row < size and contexts[row] == digest:
            followers[self._token_ids[row]] = self._counts[row]
            row += 1
        return followers

    def new_rows(self) -> Rows:
        """What was counted since the sorted part was replaced."""
        rows = list(self._new_rows())
        return Rows(
            np.array([row[0] for row in rows], dtype=np.uint64),
            np.array([row[1] for row in rows], dtype=np.int32),
            np.array([row[2] for row in rows], dtype=np.float32),
            self.num_new,
        )

    def _new_rows(self) -> Iterator[tuple[int, int, int]]:
        for digest, followers in self._new.items():
            for token_id, count in followers.items():
                yield digest, token_id, count
