"""What shipped measurements promise of a drafter, at any machine's step costs.

`gains.csv` beside the tables has a row for each tokenizer, language, task and drafter,
with the speed-up that replaying held-out texts gave where each drafted token adds a
fixed share of a step: a column for each of several shares.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import isfinite
from pathlib import Path
from typing import TypeAlias

import numpy as np

from polyspec.decoding.step_cost import StepCost
from polyspec.paths import shipped_tables_dir

GAINS_FILE = "gains.csv"
KEY_FIELDS = ("tokenizer", "language", "task", "drafter")
FINGERPRINT_CHARS = 12
_SPAN = 4
"""Drafts of up to so many tokens tell what a drafted token costs."""
_MOST_GAIN = 100.0

Key: TypeAlias = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Gains:
    """Measured speed-ups, by how much of a step a drafted token costs."""

    shares: Sequence[float]
    """Rising."""
    by_key: Mapping[Key, Sequence[float]]
    """One speed-up for each share, under tokenizer, language, task and drafter."""

    def expect(
        self, fingerprint: str, language: str, task: str, drafter: str, share: float
    ) -> float | None:
        """Return the speed-up to expect, or None where it was never measured.

        Args:
            fingerprint: Of the model's tokenizer.
            language: ISO 639-3, of what is written.
            task: `translate` or `story`.
            drafter: Its name.
            share: Cost of a drafted token, see `drafted_share`.
        """
        key = (fingerprint[:FINGERPRINT_CHARS], language, task, drafter)
        found = self.by_key.get(key)
        if found is None:
            return None
        return float(np.interp(share, self.shares, found))

    def best(self, fingerprint: str, task: str, share: float) -> dict[str, float]:
        """Return the best speed-up that any drafter promises, for each language."""
        promised: dict[str, float] = {}
        for tokenizer, language, of_task, drafter in self.by_key:
            if of_task != task or not fingerprint.startswith(tokenizer):
                continue
            gain = self.expect(fingerprint, language, task, drafter, share) or 1.0
            promised[language] = max(gain, promised.get(language, 1.0))
        return promised


def drafted_share(cost: StepCost, num_parallel: int = 1) -> float:
    """What a drafted token adds to a step, as a share of a sequence's plain part.

    The mean over drafts of one to four tokens in each of `num_parallel` sequences.

    Example: steps of 1, 2, 3, 4 and 5 tokens at 10, 11, 12, 13 and 14 ms give 0.1.
    """
    plain_s = cost.of(num_parallel)
    shares = [
        (cost.of(num_parallel * (1 + length)) - plain_s) / (length * plain_s)
        for length in range(1, _SPAN + 1)
    ]
    return max(0.0, sum(shares) / len(shares))


@cache
def shipped_gains() -> Gains:
    """The measurements that ship; none where they are missing or damaged."""
    return read_gains(shipped_tables_dir() / GAINS_FILE)


def read_gains(path: Path) -> Gains:
    """Read measured gains; a file that is missing or damaged promises nothing."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        return _parse(rows)
    except (OSError, ValueError, csv.Error):
        return Gains((), {})


def _parse(rows: Sequence[Sequence[str]]) -> Gains:
    """Raise `ValueError` for what was not written as a file of gains."""
    head, *body = rows
    size = len(KEY_FIELDS)
    shares = _numbers(head[size:], 10.0)
    if tuple(head[:size]) != KEY_FIELDS or list(shares) != sorted(set(shares)):
        raise ValueError("not a file of gains")
    by_key: dict[Key, Sequence[float]] = {}
    for tokenizer, language, task, drafter, *values in body:
        if len(values) != len(shares):
            raise ValueError("a row is cut off")
        by_key[tokenizer, language, task, drafter] = _numbers(values, _MOST_GAIN)
    return Gains(shares, by_key)


def _numbers(fields: Iterable[str], most: float) -> tuple[float, ...]:
    numbers = tuple(float(text) for text in fields)
    if not numbers or not all(isfinite(n) and 0 < n <= most for n in numbers):
        raise ValueError("not a number that could have been written")
    return numbers
