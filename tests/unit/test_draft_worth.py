"""What a draft model is worth, counted on texts of a scripted target."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from polyspec.benchmarks.draft_worth import (
    TimedTarget,
    measure_agreement,
    replay_draft,
    scale_ladder,
)
from polyspec.benchmarks.replay import Answer
from polyspec.decoding.interfaces import Chunk
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.token_map import TokenMap
from tests.fakes import FakeTarget

CHEAP = StepCost.from_samples({1: 1.0, 2: 1.01, 64: 1.6})
PROMPT = (1, 2, 3)


def written_by(model: FakeTarget, num: int) -> Answer:
    ids = list(PROMPT)
    for _ in range(num):
        ids.append(int(model.logits_after(ids).argmax()))
    return Answer(tuple(ids[len(PROMPT) :]), PROMPT)


def test_a_model_agrees_with_itself_everywhere() -> None:
    found = measure_agreement(FakeTarget(), None, [written_by(FakeTarget(), 30)])
    assert (found.num_tokens, found.num_agreed) == (30, 30)
    assert found.acceptance == found.coverage == 1.0


def test_without_a_prompt_the_first_token_is_given() -> None:
    answer = Answer(written_by(FakeTarget(), 30).output_ids)
    found = measure_agreement(FakeTarget(max_outputs=7), None, [answer, Answer((1,))])
    assert found.num_tokens == 29


def test_nothing_is_accepted_of_nothing() -> None:
    found = measure_agreement(FakeTarget(), None, [])
    assert found.acceptance == found.coverage == 0.0


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=5, unique=True),
    st.lists(st.integers(0, 4), min_size=1, max_size=20),
    st.sampled_from((1, 3, 64)),
)
def test_tokens_that_a_draft_does_not_have_are_never_accepted(
    target_ids: list[int], output: list[int], max_outputs: int
) -> None:
    token_map = TokenMap(np.array(target_ids, np.int32), 0)
    draft = FakeTarget(vocab_size=len(token_map), max_outputs=max_outputs)
    found = measure_agreement(draft, token_map, [Answer(output, PROMPT)])
    known = [token_id for token_id in output if token_id in target_ids[1:]]
    assert found.num_tokens == len(output)
    assert found.num_known == len(known)
    assert found.num_agreed <= found.num_known


def test_a_free_draft_that_is_always_right_pays() -> None:
    answers = [written_by(FakeTarget(), 40) for _ in range(3)]
    free = scale_ladder(CHEAP, 1e-6)
    found = replay_draft(FakeTarget(), None, answers, CHEAP, free)
    # What is drafted beyond the end of an answer is in vain.
    assert found.num_accepted > 0.9 * found.num_drafted > 60
    assert found.speed_up > 2.0


def test_what_the_draft_costs_is_counted() -> None:
    answers = [written_by(FakeTarget(), 40) for _ in range(3)]
    free, dear = scale_ladder(CHEAP, 1e-6), scale_ladder(CHEAP, 0.3)
    gains = [
        replay_draft(FakeTarget(), None, answers, CHEAP, cost).speed_up
        for cost in (free, dear)
    ]
    assert gains[1] < gains[0]


def test_evaluations_are_added_up_by_their_width() -> None:
    timed = TimedTarget(FakeTarget(), StepCost.from_samples({1: 1.0, 3: 2.0}))
    timed.evaluate([Chunk(0, 0, [1, 2, 3], 1)])
    timed.evaluate([Chunk(0, 3, [1], 1)])
    assert timed.spent == 3.0
