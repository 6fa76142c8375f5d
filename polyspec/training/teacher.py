"""What a target thinks of each token of a text: its likeliest next tokens."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polyspec.arrays import LogitsArray, TokenArray
from polyspec.decoding.interfaces import Chunk, Target

NUM_KEPT = 20
_NEAR = 12.0
"""Logits this far below the best are looked at first; mostly that suffices."""
_SEQUENCE = 0


@dataclass(frozen=True, slots=True)
class Example:
    """A text that a draft is to learn to write."""

    prompt_ids: tuple[int, ...]
    """What the target reads before it; never empty."""
    answer_ids: tuple[int, ...]
    """What it writes; never empty."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """An example, and what the target would have written at each place.

    Axes: `A` tokens of the answer, `K` kept tokens.
    """

    prompt_ids: TokenArray
    answer_ids: TokenArray
    """Shape `(A,)`."""
    likely_ids: TokenArray
    """The likeliest tokens at each place of the answer, best first, shape `(A, K)`."""
    log_probabilities: NDArray[np.float16]
    """Of these tokens, by the softmax over all, shape `(A, K)`."""

    @property
    def num_tokens(self) -> int:
        return len(self.answer_ids)


class Teacher:
    """Reads finished texts once, in wide steps, and keeps the likeliest tokens.

    That costs a fraction of writing them, and is the same model that runs, in
    llama.cpp and as quantized. What a text has in common with the one before it is
    not read again.
    """

    def __init__(self, target: Target, num_kept: int = NUM_KEPT) -> None:
        """Ask `target`, which can trim and which nobody else uses."""
        self._target = target
        self._num_kept = num_kept
        self._read_ids: list[int] = []

    def teach(self, example: Example) -> Lesson:
        """Return what the target thinks of an example.

        Raises:
            EngineError: The model cannot be evaluated.
        """
        ids = [*example.prompt_ids, *example.answer_ids[:-1]]
        first = len(example.prompt_ids) - 1
        start = self._keep_common(ids, first)
        likely, values = [], []
        step = min(self._target.max_batch, self._target.max_outputs)
        while start < len(ids):
            end = min(len(ids), start + step)
            num_outputs = max(0, end - max(start, first))
            chunk = Chunk(_SEQUENCE, start, ids[start:end], num_outputs)
            for row in self._target.evaluate([chunk]):
                kept_ids, kept_values = keep_likeliest(row, self._num_kept)
                likely.append(kept_ids)
                values.append(kept_values)
            self._read_ids += ids[start:end]
            start = end
        return Lesson(
            np.array(example.prompt_ids, np.int32),
            np.array(example.answer_ids, np.int32),
            np.stack(likely),
            np.stack(values),
        )

    def _keep_common(self, ids: list[int], most: int) -> int:
        """Roll back to what was read and is wanted again; return how much it is."""
        num = 0
        for known, wanted in zip(self._read_ids, ids[:most], strict=False):
            if known != wanted:
                break
            num += 1
        if num:
            self._target.trim(_SEQUENCE, num)
        else:
            self._target.release(_SEQUENCE)
        del self._read_ids[num:]
        return num

    def close(self) -> None:
        """Empty the target's KV cache."""
        self._target.release(_SEQUENCE)
        self._read_ids.clear()


def keep_likeliest(
    row: LogitsArray, num_kept: int = NUM_KEPT
) -> tuple[TokenArray, NDArray[np.float16]]:
    """The likeliest tokens of a row of logits, best first, with log-probabilities.

    The row, of a quarter of a million tokens perhaps, is never sorted as a whole.

    Args:
        row: Shape `(V,)`.
        num_kept: `K`, at most `V` of which are returned.

    Returns:
        Ids and log-probabilities, shape `(K,)`.
    """
    best = row.max()
    near = np.flatnonzero(row > best - _NEAR)
    if len(near) < num_kept:
        near = np.arange(len(row))
    num = min(num_kept, len(near))
    kept = near[np.argpartition(row[near], -num)[-num:]]
    kept = kept[np.argsort(-row[kept], kind="stable")]
    total = best + np.log(np.exp(row - best).sum())
    return kept.astype(np.int32), (row[kept] - total).astype(np.float16)
