import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.feedback import Feedback
from polyspec.decoding.interfaces import EMPTY_DRAFT, Draft
from polyspec.decoding.step_cost import StepCost

SOURCE = "fake"
ONE_TOKEN = Draft((1,), (0.8,), (SOURCE,))


def test_nothing_is_corrected_at_first() -> None:
    feedback = Feedback()
    assert feedback.trust(SOURCE) == 1.0
    assert feedback.cost_factors(1, 64).tolist() == [1.0] * 64


@pytest.mark.parametrize(("every", "trust"), [(50, 0.2), (2, 1.0), (1, 1.1)])
def test_trust_moves_to_right_over_promised(every: int, trust: float) -> None:
    feedback = Feedback()
    for place in range(1000):
        feedback.observe_token(SOURCE, 0.5, place % every == 0)
    assert feedback.trust(SOURCE) == pytest.approx(trust, abs=0.12)
    assert feedback.trust("another") == 1.0


def test_a_drafter_that_does_better_gets_trust_back() -> None:
    feedback = Feedback()
    for _ in range(100):
        feedback.observe_token(SOURCE, 0.9, False)
    lost = feedback.trust(SOURCE)
    for _ in range(2000):
        feedback.observe_token(SOURCE, 0.9, True)
    assert lost < 0.3
    assert feedback.trust(SOURCE) > 0.9


def test_right_tokens_do_not_hide_that_a_drafter_begins_at_a_wrong_place() -> None:
    feedback = Feedback()
    for _ in range(40):
        feedback.observe_token(SOURCE, 0.9, False)
        for _ in range(15):
            feedback.observe_token(SOURCE, 0.9, True, is_first=False)
    assert feedback.trust(SOURCE) < 0.4
    assert feedback.trust(SOURCE, is_first=False) > 1.0


def test_what_is_presumed_of_a_drafter_holds_until_it_is_seen() -> None:
    feedback = Feedback()
    feedback.presume(SOURCE, 0.5)
    assert feedback.trust(SOURCE) == feedback.trust(SOURCE, is_first=False) == 0.5
    assert feedback.trust("another") == 1.0
    for _ in range(500):
        feedback.observe_token(SOURCE, 0.9, True)
    assert feedback.trust(SOURCE) > 1.0
    assert feedback.trust(SOURCE, is_first=False) == 0.5


def test_a_width_that_costs_more_than_the_ladder_says_is_found_out() -> None:
    feedback = Feedback()
    for _ in range(300):
        feedback.observe_time(1, 1.0, 1.0)
        feedback.observe_time(4, 3.0, 2.0)
    one, four = feedback.cost_factors(1, 1)[0], feedback.cost_factors(4, 4)[0]
    assert four / one == pytest.approx(1.5, rel=0.05)
    assert feedback.cost_factors(5, 5)[0] == 1.0


def test_a_machine_that_is_slower_as_a_whole_changes_no_choice() -> None:
    feedback = Feedback()
    for _ in range(300):
        feedback.observe_time(1, 2.0, 1.0)
        feedback.observe_time(4, 4.0, 2.0)
    one, four = feedback.cost_factors(1, 1)[0], feedback.cost_factors(4, 4)[0]
    assert four / one == pytest.approx(1.0, abs=0.05)


def test_a_hiccup_teaches_nothing() -> None:
    feedback = Feedback()
    feedback.observe_time(4, 100.0, 1.0)
    assert feedback.cost_factors(4, 4)[0] == 1.0


@given(
    st.lists(
        st.tuples(st.integers(1, 5000), st.floats(0.0, 1e6), st.floats(1e-6, 1e3)),
        max_size=50,
    )
)
def test_factors_stay_within_reason(steps: list[tuple[int, float, float]]) -> None:
    feedback = Feedback()
    for width, elapsed_s, expected_s in steps:
        feedback.observe_time(width, elapsed_s, expected_s)
    factors = feedback.cost_factors(1, 2000)
    assert factors.size == 2000
    assert np.all((factors >= 0.5) & (factors <= 2.0))


def test_a_policy_stops_drafting_what_is_never_right() -> None:
    policy = DraftPolicy(StepCost.from_samples({1: 1.0, 2: 1.3}))
    assert policy.choose_lengths([ONE_TOKEN], 1, 8) == [1]
    for _ in range(40):
        policy.feedback.observe_token(SOURCE, 0.8, False)
    assert policy.choose_lengths([ONE_TOKEN], 1, 8) == [0]


def test_a_policy_stops_drafting_when_wide_steps_turn_out_dear() -> None:
    policy = DraftPolicy(StepCost.from_samples({1: 1.0, 2: 1.3}))
    for _ in range(100):
        policy.observe_step(1, 1.0, [EMPTY_DRAFT], [0])
        policy.observe_step(2, 2.4, [ONE_TOKEN], [1])
    assert policy.choose_lengths([ONE_TOKEN], 1, 8) == [0]


def test_policies_do_not_learn_from_each_other() -> None:
    cost = StepCost.from_samples({1: 1.0, 2: 1.3})
    first, second = DraftPolicy(cost), DraftPolicy(cost)
    for _ in range(40):
        first.feedback.observe_token(SOURCE, 0.8, False)
    assert second.choose_lengths([ONE_TOKEN], 1, 8) == [1]


def test_each_label_has_corrections_of_its_own() -> None:
    feedback = Feedback()
    feedback.switch("deu story")
    for _ in range(100):
        feedback.observe_token(SOURCE, 1.0, False)
    lost = feedback.trust(SOURCE)
    feedback.switch("deu translate")
    assert feedback.trust(SOURCE) == 1.0
    feedback.switch("deu story")
    assert feedback.trust(SOURCE) == lost < 0.3


def test_restored_corrections_are_those_that_were_given_away() -> None:
    first, second = Feedback(), Feedback()
    first.switch("a")
    second.switch("a")
    first.observe_token(SOURCE, 0.5, False)
    first.observe_token(SOURCE, 0.9, False, is_first=False)
    second.restore(first.numbers())
    second.restore({"a": {SOURCE: [1.0, 1.0]}})
    for is_first in (True, False):
        lost = first.trust(SOURCE, is_first=is_first)
        assert second.trust(SOURCE, is_first=is_first) == lost < 1.0
    assert first.trust(SOURCE, is_first=False) < first.trust(SOURCE)


def test_a_wide_step_teaches_about_its_neighbours_too() -> None:
    feedback = Feedback()
    for _ in range(20):
        for width in range(33, 48):
            feedback.observe_time(width, 1.5, 1.0)
            feedback.observe_time(1, 1.0, 1.0)
    factors = feedback.cost_factors(32, 48)
    assert np.ptp(factors) < 0.1 * factors.mean()
    assert factors.mean() > 1.3 * feedback.cost_factors(1, 1)[0]


def test_times_of_wide_steps_that_scatter_do_not_make_drafts_look_free() -> None:
    rng = np.random.default_rng(1)
    policy = DraftPolicy(StepCost.from_samples({1: 1.0, 64: 16.0}))
    for _ in range(200):
        for width in (42, 43, 44, 45, 46):
            expected_s = policy.step_cost.of(width)
            policy.feedback.observe_time(
                width, expected_s * rng.normal(1, 0.1), expected_s
            )
    drafts = [ONE_TOKEN] * 4 + [EMPTY_DRAFT] * 38
    assert sum(policy.choose_lengths(drafts, 42, 64)) == 0


def test_reading_prompts_does_not_teach_what_drafts_cost() -> None:
    policy = DraftPolicy(StepCost.from_samples({1: 1.0, 2: 1.3}))
    for _ in range(100):
        policy.observe_step(2, 0.1, [EMPTY_DRAFT], [0], num_prompt=1)
    assert policy.feedback.cost_factors(2, 2)[0] == 1.0
