"""What llama.cpp's KV cache holds of one sequence, however the cache is divided.

The layout is that of `llama_state_seq_get_data` (`llama_kv_cache::state_write` of
llama.cpp): two numbers, then for each cache (a model has a second one if some of its
layers attend to a window) the number of streams and, for each stream, the number of
cells with what they hold. A sequence is in one stream; the number of cells of the
others is 0. All numbers take four bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polyspec.arrays import StateArray

_NUMBER_BYTES = 4
_HEAD_BYTES = 2 * _NUMBER_BYTES


@dataclass(frozen=True, slots=True)
class SequenceState:
    """What a sequence has in each cache, for caches with any number of streams."""

    head: StateArray
    caches: Sequence[StateArray]
    """Cells and their number."""


def parse_state(
    state: StateArray, window_size: int, num_streams: int, stream: int
) -> SequenceState:
    """Take apart what llama.cpp gave.

    Args:
        state: All caches, shape `(B,)`.
        window_size: Bytes of a state of nothing but the cache with the window; those of
            `state` if there is one cache.
        num_streams: How many streams each cache has.
        stream: The one of the sequence.

    Returns:
        Views of `state`.
    """
    first_end = len(state) - (window_size - _HEAD_BYTES)
    caches = [state[_HEAD_BYTES:first_end], state[first_end:]]
    start = _NUMBER_BYTES * (1 + stream)
    behind = _NUMBER_BYTES * (num_streams - 1 - stream)
    return SequenceState(
        state[:_HEAD_BYTES],
        [cache[start : len(cache) - behind] for cache in caches if len(cache)],
    )


def build_state(state: SequenceState, num_streams: int) -> StateArray:
    """Return what llama.cpp takes, for caches with so many streams."""
    number = np.array([num_streams], dtype=np.int32).view(np.uint8)
    empty = np.zeros(_NUMBER_BYTES * (num_streams - 1), dtype=np.uint8)
    pieces = [state.head]
    for cache in state.caches:
        pieces += [number, cache, empty]
    return np.concatenate(pieces)
