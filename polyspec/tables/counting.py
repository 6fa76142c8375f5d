"""Contexts of a text by what they are worth, on disk beyond a limit of memory.

Every token goes, with those before it, into one of some files, chosen by the token just
before it. Then the files are sorted and scored in memory, several at a time; one that
does not fit is divided by the token before that one, and so on.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polyspec.errors import TableError
from polyspec.tables.bulk_encoder import JoinedLines
from polyspec.tables.file_scoring import FileScorer, add_counts
from polyspec.tables.smoothing import (
    MAX_WINDOWS,
    PAD,
    Scored,
    Shared,
    no_contexts,
    share_root,
)
from polyspec.tables.window_files import WindowFiles

_NUM_FILES = 64
_SCATTER = 40503
"""Odd; neighbouring ids are often of one kind, and are scattered over the files."""
_WINDOW_BYTES = 160
"""Memory that sorting takes for each window."""
_LEAST_WINDOWS = 1 << 14
_MAX_THREADS = 4
_MANY_TOKENS = 3_000_000
"""Of more tokens, contexts that occur twice fit into no table."""
_HASH_FACTOR = np.uint64(0xD6E8FEB86659FD93)
_HALF_WORD = np.uint64(32)


@dataclass(frozen=True, slots=True)
class RankedContexts:
    """Kept contexts, the most useful first; each comes after its parent."""

    contexts: NDArray[np.int32]
    """Shape `(N, max_order)`, the newest token last, -1 before the oldest."""
    token_ids: NDArray[np.int32]
    """The likeliest next token, shape `(N,)`."""
    probabilities: NDArray[np.float64]
    """Its smoothed probability, shape `(N,)`."""

    def first(self, num: int) -> "RankedContexts":
        """The most useful ones."""
        return RankedContexts(
            self.contexts[:num], self.token_ids[:num], self.probabilities[:num]
        )


class NgramCounter:
    """Takes token ids, then ranks the contexts by what they are worth."""

    def __init__(self, folder: Path, max_order: int, memory_bytes: int) -> None:
        """Make the counter's files in a folder, which the caller removes.

        Args:
            folder: Where to spill.
            max_order: Most tokens of a context.
            memory_bytes: Limit of the counter's memory.

        Raises:
            TableError: The folder cannot be written to.
        """
        self._max_order = max_order
        self._counts = np.zeros(0, np.int64)
        self._num_threads = min(_MAX_THREADS, os.cpu_count() or 1)
        fitting = memory_bytes // (_WINDOW_BYTES * self._num_threads)
        self._most_windows = min(MAX_WINDOWS, max(_LEAST_WINDOWS, fitting))
        with _telling_of_disk():
            self._files = WindowFiles(folder / "windows")

    def add(self, lines: JoinedLines, start_id: int | None = None) -> int:
        """Count the n-grams of some lines; return the number of tokens.

        Args:
            lines: Token ids below 2**21.
            start_id: Token that stands before each line, as context only.

        Raises:
            TableError: There is no room on the disk.
        """
        if not lines.ids.size:
            return 0
        max_order = self._max_order
        starts = np.cumsum(lines.lengths) - lines.lengths
        starts += max_order * np.arange(starts.size)
        flat = np.full(lines.ids.size + max_order * starts.size, PAD, np.int32)
        places = np.arange(lines.ids.size)
        places += np.repeat(max_order * np.arange(1, starts.size + 1), lines.lengths)
        flat[places] = lines.ids
        if start_id is not None:
            flat[starts + max_order - 1] = start_id
        every = np.lib.stride_tricks.sliding_window_view(flat, max_order + 1)
        windows = every[places - max_order]
        self._counts = add_counts(self._counts, lines.ids)
        with _telling_of_disk():
            self._files.add(windows, _file_numbers(windows[:, -2]))
        return len(windows)

    def rank(self, max_states: int, min_count: int | None = None) -> RankedContexts:
        """Smooth the counts and return the contexts that are worth most.

        Args:
            max_states: Most contexts to return.
            min_count: Least occurrences of a context; None for 2, and 3 in long texts.

        Raises:
            TableError: There is no room on the disk.
        """
        if min_count is None:
            min_count = 2 if self._counts.sum() < _MANY_TOKENS else 3
        shared = share_root(self._counts)
        scorer = FileScorer(self._max_order, self._most_windows, max_states, min_count)
        paths = [self._files.path(number) for number in sorted(self._files.numbers)]
        found = [no_contexts(self._max_order)]
        with _telling_of_disk(), ThreadPoolExecutor(self._num_threads) as pool:
            jobs = [pool.submit(scorer.score, path, shared) for path in paths]
            try:
                found += [job.result() for job in jobs]
            finally:
                pool.shutdown(cancel_futures=True)
        return _rank(Scored.join(found).worthy(max_states), shared, max_states)


def _file_numbers(tokens: NDArray[np.int32]) -> NDArray[np.int16]:
    """The file of windows by the token before; none where a text begins."""
    numbers = (tokens * np.int64(_SCATTER) >> 8) % _NUM_FILES
    return np.where(tokens < 0, -1, numbers).astype(np.int16)


def _rank(found: Scored, shared: Shared, max_states: int) -> RankedContexts:
    """The most useful contexts, the empty one first."""
    max_order = found.contexts.shape[1]
    oldest = found.contexts[np.arange(found.sizes.size), max_order - found.sizes]
    order = np.lexsort(
        (_hash(found), oldest, found.token_ids, found.sizes, -found.worth)
    )
    best = found.at(order[: max_states - 1])
    root = np.full((1, max_order), PAD, np.int32)
    return RankedContexts(
        np.concatenate([root, best.contexts]),
        np.concatenate([[shared.likeliest], best.token_ids]).astype(np.int32),
        np.concatenate([[shared.probability], best.probabilities]),
    )


def _hash(found: Scored) -> NDArray[np.uint64]:
    """A number for each context that decides between equal ones.

    Source: MurmurHash's finaliser, combined as DuckDB combines columns.
    """
    hashes = np.zeros(found.sizes.size, np.uint64)
    max_order = found.contexts.shape[1]
    for order in range(1, max_order + 1):
        tokens = _mix(found.contexts[:, max_order - order].astype(np.uint64))
        before = _mix(hashes)
        before = (before ^ before >> _HALF_WORD) * _HASH_FACTOR
        hashes = np.where(found.sizes >= order, before ^ tokens, hashes)
    return hashes


def _mix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    words = (words ^ words >> _HALF_WORD) * _HASH_FACTOR
    words = (words ^ words >> _HALF_WORD) * _HASH_FACTOR
    return words ^ words >> _HALF_WORD


@contextmanager
def _telling_of_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TableError(
            "the n-grams cannot be counted",
            cause=(error.strerror or str(error)).lower(),
            remedy="free some disk space, or set TMPDIR to a folder with more room",
        ) from error
