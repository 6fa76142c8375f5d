"""What a cache holds of a sequence: taken apart and put together again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from polyspec.arrays import StateArray
from polyspec.engine.sequence_state import build_state, parse_state

HEAD = bytes(range(8))


def number(value: int) -> bytes:
    return value.to_bytes(4, "little")


def write_cache(cells: bytes, num_streams: int, stream: int) -> bytes:
    """As llama.cpp writes one cache: its streams, and the cells of each."""
    empty = number(0)
    held = number(7) + cells
    behind = empty * (num_streams - 1 - stream)
    return number(num_streams) + empty * stream + held + behind


def as_array(data: bytes) -> StateArray:
    return np.frombuffer(data, dtype=np.uint8)


@given(
    caches=st.lists(st.binary(max_size=40), min_size=1, max_size=2),
    num_streams=st.integers(1, 5),
    others=st.integers(1, 5),
    data=st.data(),
)
def test_a_state_fits_caches_with_any_number_of_streams(
    caches: list[bytes], num_streams: int, others: int, data: st.DataObject
) -> None:
    stream = data.draw(st.integers(0, num_streams - 1))
    whole = HEAD + b"".join(write_cache(one, num_streams, stream) for one in caches)
    window = HEAD + write_cache(caches[-1], num_streams, stream)
    state = parse_state(as_array(whole), len(window), num_streams, stream)
    assert [bytes(cache) for cache in state.caches] == [
        number(7) + one for one in caches
    ]
    expected = HEAD + b"".join(write_cache(one, others, 0) for one in caches)
    assert bytes(build_state(state, others)) == expected
