"""Scores the contexts of a file of windows that may be larger than memory."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polyspec.tables.smoothing import (
    PAD,
    IntArray,
    Scored,
    Shared,
    no_contexts,
    score_windows,
    share_longer,
)
from polyspec.tables.window_files import (
    WindowFiles,
    count_windows,
    read_chunks,
    read_windows,
)

_LEFT_OUT = -1


@dataclass(frozen=True, slots=True)
class FileScorer:
    """Divides files by ever older tokens until their windows fit into memory."""

    max_order: int
    most_windows: int
    """That are sorted at once, at least 2."""
    max_states: int
    """Contexts that are wanted in the end."""
    min_count: int
    """Least occurrences of a context."""

    def score(self, path: Path, shared: Shared) -> Scored:
        """Find the most useful contexts, and remove the file.

        Args:
            path: Holds all windows with some tokens before the shared context.
            shared: What all of them end in.

        Raises:
            OSError: The file cannot be read, or there is no room to divide it.
        """
        if shared.size == self.max_order:
            found = no_contexts(self.max_order)
        elif count_windows(path, self.max_order + 1) > self.most_windows:
            found = self._divide(path, shared)
        else:
            windows = read_windows(path, self.max_order + 1)
            found = score_windows(windows, shared, self.min_count)
        path.unlink()
        return found.worthy(self.max_states)

    def _divide(self, path: Path, shared: Shared) -> Scored:
        """Score the windows of each token before the shared context by themselves."""
        column = self.max_order - shared.size - 1
        counts = self._count(path, column)
        numbers, num_small = self._number_files(counts)
        files = WindowFiles(path.with_name(f"{path.name}.parts"))
        for windows in read_chunks(path, self.max_order + 1):
            tokens = windows[:, column]
            files.add(windows, np.where(tokens < 0, _LEFT_OUT, numbers[tokens]))
        found = [
            self.score(files.path(number), shared)
            if number < num_small
            else self._score_common(files.path(number), shared)
            for number in sorted(files.numbers)
        ]
        return Scored.join([no_contexts(self.max_order), *found])

    def _number_files(self, counts: IntArray) -> tuple[IntArray, int]:
        """A file for each token, and from which number on files hold one token only.

        Rare tokens are left out; others share files that will fit.
        """
        half = self.most_windows // 2
        is_common = counts > max(half, self.min_count - 1)
        is_small = (counts >= self.min_count) & ~is_common
        numbers = np.full(counts.size, _LEFT_OUT)
        numbers[is_small] = np.cumsum(counts[is_small]) // half
        num_small = int(numbers.max(initial=_LEFT_OUT)) + 1
        numbers[is_common] = num_small + np.arange(int(is_common.sum()))
        return numbers, num_small

    def _score_common(self, path: Path, shared: Shared) -> Scored:
        """Score one context and all that are longer."""
        longer, score = share_longer(shared, self._count(path, self.max_order))
        first = next(read_chunks(path, self.max_order + 1))[:1, :-1].copy()
        first[:, : self.max_order - longer.size] = PAD
        found = self.score(path, longer)
        own = Scored(
            first,
            np.array([longer.size]),
            np.array([longer.likeliest]),
            np.array([longer.probability]),
            np.array([found.worth.max(initial=score)]),
        )
        return Scored.join([own, found])

    def _count(self, path: Path, column: int) -> IntArray:
        """Occurrences of each token id in a column."""
        counts = np.zeros(1, np.int64)
        for windows in read_chunks(path, self.max_order + 1):
            counts = add_counts(counts, windows[:, column])
        return counts


def add_counts(counts: IntArray, tokens: NDArray[np.int32]) -> IntArray:
    """Occurrences by token id with those of more tokens; negative ids do not count."""
    more = np.bincount(tokens[tokens >= 0], minlength=counts.size)
    more[: counts.size] += counts
    return more
