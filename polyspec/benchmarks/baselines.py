"""The drafters that tables must beat, as plain as their sources describe them.

Neither asks what a step costs: `TakeAll` verifies whatever they propose.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from polyspec.decoding.interfaces import EMPTY_DRAFT, Draft
from polyspec.decoding.step_cost import StepCost

PAPER_LENGTHS = (2, 3, 4)
"""Fixed draft lengths of arXiv 2605.30580, of which the best is reported."""
CACHE_LENGTHS = (2, 3, 4, 8, 16)
"""Limits for llama.cpp's rule, the last of them its default; the best is reported."""
_TOKEN_BITS = 21
_STATIC_ORDER = 2
_MAX_ORDER = 4
_MIN_SIZE_LAX, _MIN_PERCENT_LAX = (2, 2, 1, 1), (66, 50, 50, 50)
_MIN_SIZE_STRICT, _MIN_PERCENT_STRICT = (4, 3, 2, 2), (75, 66, 66, 66)

Counts = dict[int, int]
"""How often each token followed."""


@dataclass(frozen=True, slots=True)
class TakeAll:
    """Verifies whole drafts of at most a fixed length, whatever they cost."""

    step_cost: StepCost
    longest_draft: int

    def choose_lengths(
        self,
        drafts: Sequence[Draft],
        num_rows: int,
        max_rows: int,
        num_cached: int = 0,
        draws: Sequence[Sequence[float]] = (),
    ) -> list[int]:
        return [len(draft.token_ids) for draft in drafts]

    def observe_step(
        self,
        width: int,
        elapsed_s: float,
        drafts: Sequence[Draft],
        accepted: list[int],
        num_prompt: int = 0,
    ) -> None:
        """Learn nothing."""


class NgramCounts:
    """How often each token followed each context of one length in a text."""

    def __init__(self, lines: Iterable[Sequence[int]], order: int) -> None:
        """Count; contexts do not cross lines.

        Args:
            lines: Token ids below 2**21.
            order: Tokens of a context, 1 or 2.
        """
        self.order = order
        keys = [_pack(np.asarray(line, dtype=np.int64), order) for line in lines]
        every = np.concatenate(keys) if keys else np.empty(0, np.int64)
        self._keys, self._counts = np.unique(every, return_counts=True)
        self._view = self._keys.data

    def after(self, context_ids: Sequence[int]) -> Counts:
        """Return what followed a context, and how often."""
        key = 0
        for token_id in context_ids:
            key = key << _TOKEN_BITS | token_id
        first = bisect_left(self._view, key << _TOKEN_BITS)
        last = bisect_left(self._view, (key + 1) << _TOKEN_BITS)
        followers = (self._keys[first:last] & ((1 << _TOKEN_BITS) - 1)).tolist()
        counts = self._counts[first:last].tolist()
        return dict(zip(followers, counts, strict=True))


def _pack(ids: NDArray[np.int64], order: int) -> NDArray[np.int64]:
    """Contexts with the token that follows, each as one number.

    Example: order 1 makes `a << 21 | b` and `b << 21 | c` of the line `a b c`.
    """
    size = max(0, len(ids) - order)
    packed = np.zeros(size, np.int64)
    for place in range(order + 1):
        packed = packed << _TOKEN_BITS | ids[place : place + size]
    return packed


class BigramDrafter:
    """Follows the likeliest bigram of a monolingual text, as far as it is asked to.

    Source: "Speculative Decoding Across Languages", arXiv 2605.30580.
    """

    def __init__(self, counts: NgramCounts) -> None:
        self._counts = counts
        self._next: dict[int, int | None] = {}
        self._last: dict[int, int | None] = {}

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        self._last[sequence_id] = prompt_ids[-1] if prompt_ids else None

    def propose(
        self, sequence_ids: Sequence[int], limits: Sequence[int]
    ) -> list[Draft]:
        return [
            _draft(self._follow(self._last[sequence_id], limit), "bigram")
            for sequence_id, limit in zip(sequence_ids, limits, strict=True)
        ]

    def _follow(self, token_id: int | None, limit: int) -> list[int]:
        drafted: list[int] = []
        while token_id is not None and len(drafted) < limit:
            if token_id not in self._next:
                followers = self._counts.after((token_id,))
                best = max(followers, key=followers.__getitem__, default=None)
                self._next[token_id] = best
            token_id = self._next[token_id]
            if token_id is not None:
                drafted.append(token_id)
        return drafted

    def observe(self, sequence_id: int, emitted_ids: Sequence[int]) -> None:
        if emitted_ids:
            self._last[sequence_id] = emitted_ids[-1]

    def end(self, sequence_id: int) -> None:
        self._last.pop(sequence_id, None)


class NgramCache:
    """Followers of contexts of 1 to 4 tokens, counted as a text goes on."""

    def __init__(self) -> None:
        self.followers: dict[tuple[int, ...], Counts] = {}

    def add(self, ids: Sequence[int], num_new: int) -> None:
        """Count the last `num_new` tokens of a text behind what stands before them."""
        for place in range(max(1, len(ids) - num_new), len(ids)):
            for order in range(1, min(_MAX_ORDER, place) + 1):
                context = tuple(ids[place - order : place])
                counts = self.followers.setdefault(context, {})
                counts[ids[place]] = counts.get(ids[place], 0) + 1

    def merge(self, other: "NgramCache") -> None:
        """Add the counts of another cache."""
        for context, counts in other.followers.items():
            known = self.followers.setdefault(context, {})
            for token_id, count in counts.items():
                known[token_id] = known.get(token_id, 0) + count


@dataclass(slots=True)
class _Text:
    ids: list[int]
    cache: NgramCache = field(default_factory=NgramCache)


class NgramCacheDrafter:
    """llama.cpp's rule over the running text, earlier texts and a corpus.

    The running text's cache comes first with lax thresholds, that of the texts before
    it with strict ones; both weigh their tokens by the corpus. The corpus alone is
    asked last, for the two tokens before.

    Source: `common/ngram-cache.cpp` and `examples/lookup` of llama.cpp.
    """

    def __init__(self, corpus: NgramCounts) -> None:
        if corpus.order != _STATIC_ORDER:
            raise ValueError(f"corpus.order must be {_STATIC_ORDER}: {corpus.order}")
        self._corpus = corpus
        self._static: dict[tuple[int, ...], Counts] = {}
        self._earlier = NgramCache()
        self._texts: dict[int, _Text] = {}

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        text = _Text(list(prompt_ids))
        text.cache.add(text.ids, len(text.ids))
        self._texts[sequence_id] = text

    def propose(
        self, sequence_ids: Sequence[int], limits: Sequence[int]
    ) -> list[Draft]:
        return [
            _draft(self._follow(self._texts[sequence_id], limit), "ngram-cache")
            for sequence_id, limit in zip(sequence_ids, limits, strict=True)
        ]

    def _follow(self, text: _Text, limit: int) -> list[int]:
        tail = text.ids[-_MAX_ORDER:]
        num_before = len(tail)
        if num_before < _STATIC_ORDER:
            return []
        while len(tail) - num_before < limit:
            static = self._followers(tuple(tail[-_STATIC_ORDER:]))
            token_id = _choose(
                text.cache, tail, static, _MIN_SIZE_LAX, _MIN_PERCENT_LAX
            )
            if token_id is None:
                token_id = _choose(
                    self._earlier, tail, static, _MIN_SIZE_STRICT, _MIN_PERCENT_STRICT
                )
            if token_id is None:
                token_id = _choose_static(static)
            if token_id is None:
                break
            tail.append(token_id)
        return tail[num_before:]

    def _followers(self, context_ids: tuple[int, ...]) -> Counts:
        found = self._static.get(context_ids)
        if found is None:
            found = self._static[context_ids] = self._corpus.after(context_ids)
        return found

    def observe(self, sequence_id: int, emitted_ids: Sequence[int]) -> None:
        text = self._texts[sequence_id]
        text.ids += emitted_ids
        text.cache.add(text.ids, len(emitted_ids))

    def end(self, sequence_id: int) -> None:
        text = self._texts.pop(sequence_id, None)
        if text is not None:
            self._earlier.merge(text.cache)


def _choose(
    cache: NgramCache,
    tail: Sequence[int],
    static: Counts,
    min_sizes: Sequence[int],
    min_percents: Sequence[int],
) -> int | None:
    """Return the first token that suffices, the longest context first."""
    for order in range(min(_MAX_ORDER, len(tail)), 0, -1):
        counts = cache.followers.get(tuple(tail[-order:]))
        if counts is None:
            continue
        size = sum(counts.values())
        best = max(counts, key=lambda token: counts[token] * _weight(static, token))
        is_sure = 100 * counts[best] >= min_percents[order - 1] * size
        if size >= min_sizes[order - 1] and is_sure:
            return best
    return None


def _weight(static: Counts, token_id: int) -> int:
    return 100 * static[token_id] if token_id in static else 1


def _choose_static(static: Counts) -> int | None:
    size = sum(static.values())
    if not static or size < _MIN_SIZE_LAX[_STATIC_ORDER - 1]:
        return None
    best = max(static, key=static.__getitem__)
    is_sure = 100 * static[best] >= _MIN_PERCENT_LAX[_STATIC_ORDER - 1] * size
    return best if is_sure else None


def _draft(token_ids: Sequence[int], source: str) -> Draft:
    """A draft that promises everything, since nothing asks how sure it is."""
    if not token_ids:
        return EMPTY_DRAFT
    num = len(token_ids)
    return Draft(tuple(token_ids), (1.0,) * num, (source,) * num)
