from itertools import product
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspec.decoding.draft_policy import DraftPolicy, share_length
from polyspec.decoding.interfaces import EMPTY_DRAFT, Draft
from polyspec.decoding.step_cost import StepCost


def draft(*probabilities: float) -> Draft:
    size = len(probabilities)
    return Draft((1,) * size, probabilities, ("fake",) * size)


CHANCES = st.floats(0.0, 1.0)
DRAFTS = st.lists(
    st.lists(CHANCES, max_size=4).map(lambda chances: draft(*chances)),
    min_size=1,
    max_size=3,
)
COSTS = st.lists(st.floats(0.01, 5.0), min_size=1, max_size=16)


def ladder(costs: list[float], identical: frozenset[int] = frozenset()) -> StepCost:
    samples = {width + 1: cost for width, cost in enumerate(costs)}
    return StepCost.from_samples(samples, sorted(identical), 1000)


def rate(policy: DraftPolicy, drafts: list[Draft], lengths: tuple[int, ...]) -> float:
    """Expected tokens of a step per second, by the definition."""
    tokens = sum(
        1.0 + sum(prod(d.probabilities[: place + 1]) for place in range(length))
        for d, length in zip(drafts, lengths, strict=True)
    )
    return tokens / policy.step_cost.of(len(drafts) + sum(lengths))


def test_a_draft_is_not_verified_where_the_draw_will_miss_it() -> None:
    policy = DraftPolicy(StepCost.from_samples({1: 1.0, 2: 1.4, 3: 1.8}))
    drafts = [draft(0.6), draft(0.6)]
    assert policy.choose_lengths(drafts[:1], 1, 3) == [1]
    assert policy.choose_lengths(drafts[:1], 1, 3, draws=[[0.02]]) == [1]
    assert policy.choose_lengths(drafts[:1], 1, 3, draws=[[0.98]]) == [0]
    # One draws, the other does not.
    cost = StepCost.from_samples({1: 1.0, 2: 1.4, 3: 1.6, 4: 2.4})
    lengths = DraftPolicy(cost).choose_lengths(drafts, 2, 4, draws=[[0.98], ()])
    assert lengths == [0, 1]


@settings(max_examples=300)
@given(
    DRAFTS,
    COSTS,
    st.integers(0, 12),
    st.booleans(),
    st.frozensets(st.integers(2, 9)),
)
def test_the_choice_equals_the_best_of_all_length_vectors(
    drafts: list[Draft],
    costs: list[float],
    room: int,
    is_exact: bool,
    identical: frozenset[int],
) -> None:
    cost = ladder(costs, identical)
    policy = DraftPolicy(cost, min_gain=0.0, is_exact=is_exact)
    num_rows = len(drafts)
    lengths = tuple(policy.choose_lengths(drafts, num_rows, num_rows + room))
    possible = [
        vector
        for vector in product(*(range(len(d.token_ids) + 1) for d in drafts))
        if sum(vector) <= room
        and (not is_exact or sum(vector) == 0 or num_rows + sum(vector) in identical)
    ]
    assert lengths in possible
    best = max(rate(policy, drafts, vector) for vector in possible)
    assert rate(policy, drafts, lengths) == pytest.approx(best)


@pytest.mark.parametrize(("num_cached", "length"), [(0, 1), (8, 1), (9, 0), (50, 0)])
def test_exact_steps_end_where_their_proof_ends(num_cached: int, length: int) -> None:
    cost = StepCost.from_samples({1: 1.0, 4: 1.0}, [2], identical_tokens=10)
    policy = DraftPolicy(cost, is_exact=True)
    assert policy.choose_lengths([draft(0.9, 0.9)], 1, 8, num_cached) == [length]


@settings(max_examples=200)
@given(DRAFTS, COSTS, st.floats(0.0, 0.5))
def test_nothing_is_drafted_that_does_not_pay(
    drafts: list[Draft], costs: list[float], min_gain: float
) -> None:
    policy = DraftPolicy(ladder(costs), min_gain=min_gain)
    lengths = tuple(policy.choose_lengths(drafts, len(drafts), 100))
    if any(lengths):
        plain = rate(policy, drafts, (0,) * len(drafts))
        gained = rate(policy, drafts, lengths)
        assert gained >= (1 + min_gain) * plain * (1 - 1e-9)


def test_the_example_of_the_docstring() -> None:
    policy = DraftPolicy(StepCost.from_samples({1: 10.0, 2: 11.0, 3: 20.0}))
    assert policy.choose_lengths([draft(0.9, 0.5)], 1, 8) == [1]


def test_worthless_drafts_are_not_verified_even_when_steps_cost_the_same() -> None:
    policy = DraftPolicy(StepCost.flat())
    assert policy.choose_lengths([draft(0.0, 1.0), EMPTY_DRAFT], 2, 8) == [0, 0]


def test_there_may_be_no_room() -> None:
    policy = DraftPolicy(StepCost.flat())
    assert policy.choose_lengths([draft(1.0, 1.0)], 4, 4) == [0]
    assert policy.choose_lengths([draft(1.0, 1.0)], 4, 2) == [0]
    assert policy.choose_lengths([draft(1.0, 1.0)], 4, 5) == [1]
    assert policy.choose_lengths([], 4, 5) == []


def test_a_prompt_in_the_step_does_not_make_a_poor_draft_pay() -> None:
    costs = {width: float(width) for width in range(1, 65)}
    policy = DraftPolicy(StepCost.from_samples(costs))
    assert policy.choose_lengths([draft(0.5)], 1, 64) == [0]
    assert policy.choose_lengths([draft(0.5)], 50, 64) == [0]


def test_a_step_width_that_is_a_trap_is_avoided() -> None:
    costs = {1: 1.0, 2: 1.1, 3: 1.2, 4: 9.0}
    policy = DraftPolicy(StepCost.from_samples(costs))
    assert policy.choose_lengths([draft(0.9, 0.9, 0.9)], 1, 8) == [2]


@pytest.mark.parametrize(("identical", "longest"), [((), 0), ((2, 3), 2), ((6,), 5)])
def test_the_longest_exact_draft_fills_the_widest_identical_step(
    identical: tuple[int, ...], longest: int
) -> None:
    cost = StepCost.from_samples({1: 1.0}, identical)
    assert DraftPolicy(cost, is_exact=True).longest_draft == longest
    assert DraftPolicy(cost).longest_draft == 16


@pytest.mark.parametrize(
    ("longest", "num_sequences", "share"),
    [(16, 1, 16), (16, 4, 16), (16, 8, 8), (16, 32, 4), (16, 96, 4), (2, 96, 2)],
)
def test_many_sequences_are_asked_for_short_drafts(
    longest: int, num_sequences: int, share: int
) -> None:
    assert share_length(longest, num_sequences) == share
