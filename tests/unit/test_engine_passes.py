"""Steps cut into passes."""

from hypothesis import given
from hypothesis import strategies as st

from polyspec.decoding.interfaces import Chunk
from polyspec.engine.passes import MOST_ROWS, split_passes


def decoding(sizes: list[int]) -> list[Chunk]:
    return [Chunk(place, 40, [1] * size, size) for place, size in enumerate(sizes)]


def prompt(sequence_id: int, size: int) -> Chunk:
    return Chunk(sequence_id, 0, [1] * size, 1)


def widths(chunks: list[Chunk]) -> list[int]:
    return [
        sum(len(chunk.token_ids) for chunk in part) for part in split_passes(chunks)
    ]


@given(
    st.lists(st.integers(1, 17), max_size=130), st.lists(st.integers(2, 90), max_size=9)
)
def test_all_chunks_are_kept_in_order(sizes: list[int], prompts: list[int]) -> None:
    chunks = decoding(sizes)
    chunks += [prompt(len(sizes) + place, size) for place, size in enumerate(prompts)]
    parts = split_passes(chunks)
    assert [chunk for part in parts for chunk in part] == chunks


@given(st.lists(st.integers(1, 17), min_size=16, max_size=130))
def test_no_pass_of_many_sequences_fills_a_tile(sizes: list[int]) -> None:
    assert all(1 <= width <= MOST_ROWS for width in widths(decoding(sizes)))


def test_a_step_that_fits_is_one_pass() -> None:
    assert widths([*decoding([1] * 40), prompt(40, 23)]) == [63]


def test_prompts_are_read_in_one_wide_pass() -> None:
    chunks = [*decoding([1] * 50), prompt(50, 60), prompt(51, 80)]
    assert widths(chunks) == [50, 140]


def test_wide_steps_are_cut_evenly() -> None:
    assert widths(decoding([1] * 128)) == [43, 43, 42]


def test_few_sequences_are_not_cut() -> None:
    assert widths([*decoding([1] * 3), prompt(3, 200)]) == [203]
