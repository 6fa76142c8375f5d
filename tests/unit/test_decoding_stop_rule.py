"""When another draft token is worth what it costs."""

import pytest

from polyspec.decoding.step_cost import StepCost
from polyspec.decoding.stop_rule import StopRule

LADDER = StepCost.from_samples({1: 0.030, 2: 0.032, 3: 0.034, 64: 0.156})


def make(draft_seconds: float, target: StepCost = LADDER) -> StopRule:
    draft = {1: draft_seconds, 64: draft_seconds}
    return StopRule(target, StepCost.from_samples(draft))


def test_the_example_of_the_docstring() -> None:
    assert make(0.005).count_to_extend([1.0], [1], 0.5, 1, 0) == 1
    assert make(0.014).count_to_extend([1.0], [1], 0.5, 1, 0) == 0


def test_nothing_to_extend_is_nothing() -> None:
    assert make(0.001).count_to_extend([], [], 0.9, 1, 0) == 0


def test_only_likely_drafts_are_extended() -> None:
    reached = [1.0, 0.9, 0.02, 0.01]
    ladder = StepCost.from_samples({1: 0.03, 64: 0.3})
    found = make(0.004, ladder).count_to_extend(reached, [1] * 4, 0.8, 4, 4)
    assert found == 2


def test_a_leap_of_the_ladder_is_crossed_for_several_tokens() -> None:
    leap = StepCost.from_samples({1: 1.0, 2: 2.0, 5: 2.0, 6: 9.0})
    rule = make(0.01, leap)
    assert rule.count_to_extend([1.0], [1], 0.9, 1, 0) == 1
    assert rule.count_to_extend([1.0], [1], 0.4, 1, 0) == 0


def test_unread_tokens_make_a_draft_dearer() -> None:
    ladder = StepCost.from_samples({1: 0.001, 64: 0.064})
    rule = StopRule(LADDER, ladder)
    assert rule.count_to_extend([1.0], [1], 0.6, 1, 0) == 1
    assert rule.count_to_extend([1.0], [60], 0.6, 1, 0) == 0


@pytest.mark.parametrize("num_sequences", [1, 4, 16])
def test_a_token_is_worth_its_share_of_a_step(num_sequences: int) -> None:
    expected = LADDER.of(num_sequences) / num_sequences
    assert make(0.001).token_seconds(num_sequences) == pytest.approx(expected)
