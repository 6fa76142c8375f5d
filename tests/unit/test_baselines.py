from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.benchmarks.baselines import (
    BigramDrafter,
    NgramCacheDrafter,
    NgramCounts,
    TakeAll,
)
from polyspec.benchmarks.ladders import named_ladder
from polyspec.benchmarks.replay import replay_lines
from polyspec.decoding.interfaces import EMPTY_DRAFT
from polyspec.decoding.step_cost import StepCost

TOKENS = st.lists(st.lists(st.integers(0, 5), max_size=12), max_size=8)


def propose(
    drafter: BigramDrafter | NgramCacheDrafter, prompt: Sequence[int], limit: int = 4
) -> tuple[int, ...]:
    drafter.begin(0, prompt)
    (draft,) = drafter.propose([0], [limit])
    assert len(draft.token_ids) == len(draft.probabilities) == len(draft.sources)
    return draft.token_ids


@given(TOKENS, st.integers(1, 2))
def test_followers_are_counted_within_lines(lines: list[list[int]], order: int) -> None:
    counts = NgramCounts(lines, order)
    windows = [
        tuple(line[place : place + order + 1])
        for line in lines
        for place in range(len(line) - order)
    ]
    for window in windows:
        followers = counts.after(window[:-1])
        assert followers[window[-1]] == windows.count(window)
    assert counts.after((9,) * order) == {}


def test_large_token_ids_keep_apart() -> None:
    counts = NgramCounts([[262_143, 262_143, 1], [262_143, 262_142, 2]], 2)
    assert counts.after((262_143, 262_143)) == {1: 1}


def test_a_bigram_is_followed_as_far_as_asked() -> None:
    drafter = BigramDrafter(NgramCounts([[1, 2, 3], [1, 2, 3], [1, 4]], 1))
    assert propose(drafter, [7, 1]) == (2, 3)
    assert propose(drafter, [7, 1], 1) == (2,)
    assert propose(drafter, []) == propose(drafter, [7]) == ()
    drafter.begin(0, [])
    drafter.observe(0, [7, 2])
    assert drafter.propose([0], [9])[0].token_ids == (3,)
    drafter.end(0)


def test_the_running_text_drafts_with_lax_thresholds() -> None:
    drafter = NgramCacheDrafter(NgramCounts([], 2))
    # One occurrence of three tokens is enough, of two it is not.
    assert propose(drafter, [1, 2, 3, 9, 1, 2, 3], 1) == (9,)
    assert propose(drafter, [0, 2, 3, 9, 1, 2, 3], 1) == ()
    assert propose(drafter, [0, 2, 3, 9, 0, 2, 3, 9, 1, 2, 3], 1) == (9,)


def test_a_token_needs_its_share_of_what_followed() -> None:
    drafter = NgramCacheDrafter(NgramCounts([], 2))
    text = [1, 2, 3, 9, 1, 2, 3, 8, 1, 2, 3, 7, 1, 2, 3]
    assert propose(drafter, text, 1) == ()
    assert propose(drafter, [*text, 9, 6, 1, 2, 3], 1) == (9,)


def test_earlier_texts_draft_with_strict_thresholds() -> None:
    drafter = NgramCacheDrafter(NgramCounts([], 2))
    for expected in ((), (), (5,)):
        assert propose(drafter, [1, 2, 3], 1) == expected
        drafter.observe(0, [5])
        drafter.end(0)


def test_the_corpus_drafts_last_and_weighs_what_the_text_says() -> None:
    corpus = NgramCounts([[2, 3, 4], [2, 3, 4], [2, 3, 6]], 2)
    drafter = NgramCacheDrafter(corpus)
    assert propose(drafter, [2, 3]) == (4,)
    assert propose(drafter, [3]) == ()
    # 8 and 4 both followed once in the text; the corpus knows 4 alone.
    assert propose(drafter, [1, 2, 3, 8, 1, 2, 3, 4, 1, 2, 3], 1) == (4,)


def test_a_corpus_of_another_order_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="must be 2"):
        NgramCacheDrafter(NgramCounts([], 1))


def test_whole_drafts_are_verified_whatever_they_cost() -> None:
    costs = StepCost.from_samples({1: 1.0, 2: 50.0})
    lines = [[1, 2, 3, 1, 2, 3]] * 3
    drafter = BigramDrafter(NgramCounts(lines, 1))
    done = replay_lines(drafter, TakeAll(costs, 1), lines)
    assert done.acceptance_rate > 0.5
    assert done.speed_up < 0.1
    assert TakeAll(costs, 3).choose_lengths([EMPTY_DRAFT], 1, 9) == [0]


def test_a_text_that_repeats_itself_is_drafted_by_the_cache() -> None:
    lines = [[1, 2, 3, 4, 5, 6] * 5]
    drafter = NgramCacheDrafter(NgramCounts([], 2))
    done = replay_lines(drafter, TakeAll(named_ladder("cuda"), 4), lines)
    assert done.speed_up > 1.5
