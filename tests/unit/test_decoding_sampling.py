import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspec.arrays import LogitsArray
from polyspec.decoding.sampling import Chooser, Sampling, candidates, draw, penalize
from polyspec.decoding.verify import count_accepted, verify_drawn, verify_greedy
from polyspec.errors import EngineError
from tests.reference import reference_candidates


def row(*values: float) -> LogitsArray:
    return np.array(values, dtype=np.float32)


@settings(max_examples=300)
@given(
    seed=st.integers(0, 10**6),
    size=st.integers(1, 300),
    scale=st.sampled_from((0.1, 1.0, 5.0, 30.0)),
    num_levels=st.sampled_from((0, 3)),
    temperature=st.sampled_from((0.05, 0.7, 1.0, 2.0)),
    top_k=st.sampled_from((0, 1, 2, 40, 1000)),
    top_p=st.sampled_from((0.0, 0.3, 0.9, 1.0)),
    min_p=st.sampled_from((0.0, 0.05, 1.0)),
)
def test_candidates_equal_those_of_a_whole_sort(
    seed: int,
    size: int,
    scale: float,
    num_levels: int,
    temperature: float,
    top_k: int,
    top_p: float,
    min_p: float,
) -> None:
    rng = np.random.default_rng(seed)
    values = scale * rng.standard_normal(size)
    if num_levels:  # many ties
        values = scale * rng.integers(0, num_levels, size).astype(float)
    logits = values.astype(np.float32)
    sampling = Sampling(temperature, top_k, top_p, min_p)
    expected = reference_candidates(logits, sampling)
    ids, chances = candidates(logits, sampling)
    # A sum that meets top-p exactly may round to either side.
    common = min(len(expected), ids.size)
    assert ids.tolist()[:common] == list(expected)[:common]
    assert abs(len(expected) - ids.size) <= (top_p < 1.0)
    assert float(chances.sum()) == pytest.approx(1.0)
    if len(expected) == ids.size:
        assert chances == pytest.approx(list(expected.values()))


def test_minus_infinity_is_never_drawn() -> None:
    ids, _ = candidates(row(1.0, -np.inf, 0.5), Sampling(temperature=1.0, top_k=3))
    assert ids.tolist() == [0, 2]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_are_an_error_with_a_remedy(bad: float) -> None:
    with pytest.raises(EngineError) as caught:
        candidates(row(bad, bad), Sampling(temperature=1.0))
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("uniform", "expected"), [(0.0, 7), (0.49, 7), (0.5, 3), (0.99, 3), (1.0, 3)]
)
def test_draw_takes_the_token_where_the_sum_passes(
    uniform: float, expected: int
) -> None:
    ids = np.array([7, 3], dtype=np.int32)
    assert draw(ids, np.array([0.5, 0.5]), uniform) == expected


def test_a_sum_that_rounds_below_one_still_draws() -> None:
    ids = np.arange(10, dtype=np.int32)
    assert draw(ids, np.full(10, 0.1), 1.0 - 1e-17) == 9


def test_penalize_makes_written_tokens_less_likely_whatever_their_sign() -> None:
    logits = row(2.0, -2.0, 1.0, 0.0)
    changed = penalize(logits, [0, 1, 1, 3], 2.0)
    assert changed.tolist() == [1.0, -4.0, 1.0, 0.0]
    assert logits.tolist() == [2.0, -2.0, 1.0, 0.0]


@pytest.mark.parametrize(("written", "penalty"), [([], 2.0), ([0], 1.0)])
def test_penalize_leaves_alone_what_needs_no_change(
    written: list[int], penalty: float
) -> None:
    logits = row(1.0, 2.0)
    assert penalize(logits, written, penalty) is logits


def test_a_choice_depends_on_seed_stream_and_position_alone() -> None:
    logits = np.zeros(1000, dtype=np.float32)

    def choices(seed: int, stream: int, places: range) -> list[int]:
        chooser = Chooser(Sampling(temperature=1.0, seed=seed), stream)
        return [chooser.choose(logits, [0] * place) for place in places]

    forwards = choices(1, 2, range(200))
    assert choices(1, 2, range(199, -1, -1)) == forwards[::-1]
    assert choices(1, 3, range(200)) != forwards
    assert choices(2, 2, range(200)) != forwards
    assert len(set(forwards)) > 150


def test_greedy_takes_the_first_of_equal_logits() -> None:
    assert Chooser(Sampling(), 0).choose(row(1.0, 3.0, 3.0), []) == 1


def test_a_penalty_can_change_the_greedy_choice() -> None:
    chooser = Chooser(Sampling(repetition_penalty=2.0), 0)
    assert not chooser.is_plain_argmax
    assert chooser.choose(row(3.0, 2.0), []) == 0
    assert chooser.choose(row(3.0, 2.0), [0]) == 1


@pytest.mark.parametrize(
    ("draft", "target", "accepted"),
    [
        ([], [5], 0),
        ([5], [5, 6], 1),
        ([5, 7], [5, 6, 8], 1),
        ([4, 6], [5, 6, 8], 0),
        ([5, 6], [5, 6, 8], 2),
    ],
)
def test_accepted_tokens_are_the_common_beginning(
    draft: list[int], target: list[int], accepted: int
) -> None:
    assert count_accepted(draft, target) == accepted
    assert verify_greedy(draft, target) == target[: accepted + 1]


@given(st.lists(st.integers(0, 3), max_size=6), st.integers(0, 50))
def test_drawing_stops_behind_the_first_disagreement(
    draft: list[int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((len(draft) + 1, 4)).astype(np.float32)
    chooser = Chooser(
        Sampling(temperature=1.0, repetition_penalty=1.2, seed=seed), stream=1
    )
    written = [1, 2]
    emitted = verify_drawn(draft, logits, chooser, written)
    assert written == [1, 2]
    assert emitted[:-1] == draft[: len(emitted) - 1]
    assert len(emitted) == len(draft) + 1 or emitted[-1] != draft[len(emitted) - 1]
    so_far = [1, 2]
    for place in range(len(emitted)):
        so_far.append(chooser.choose(logits[place], so_far))
    assert so_far[2:] == emitted
