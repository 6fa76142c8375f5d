"""A small model drafts: batches, roll-back, room, faults and when it is worth it."""

from collections.abc import Sequence

import numpy as np
import pytest

from polyspec.arrays import LogitsArray
from polyspec.decoding.interfaces import EMPTY_DRAFT, Draft
from polyspec.decoding.step_cost import StepCost
from polyspec.decoding.stop_rule import StopRule
from polyspec.drafting.chances import ChanceRates
from polyspec.drafting.model import ModelDrafter
from polyspec.errors import EngineError
from tests.fakes import FakeTarget

FREE = StepCost.from_samples({1: 1e-9, 64: 1e-9})
EAGER = StopRule(StepCost.flat(), FREE)
"""Drafting costs nothing and wider steps neither."""
PROMPT = [1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]


def make(model: FakeTarget, rule: StopRule = EAGER) -> ModelDrafter:
    return ModelDrafter(model, rule, is_careful=False)


def greedy(model: FakeTarget, text: Sequence[int], count: int) -> tuple[int, ...]:
    """What the model writes after `text`."""
    ids = list(text)
    for _ in range(count):
        ids.append(int(model.logits_after(ids).argmax()))
    return tuple(ids[len(text) :])


def softmax(row: LogitsArray) -> list[float]:
    weights = np.exp(row - row.max())
    return [float(weight) for weight in weights / weights.sum()]


def ids_of(drafts: Sequence[Draft]) -> list[tuple[int, ...]]:
    return [draft.token_ids for draft in drafts]


def test_drafts_are_what_the_model_would_write() -> None:
    model = FakeTarget()
    drafter = make(model)
    drafter.begin(0, PROMPT)
    (draft,) = drafter.propose([0], [4])
    assert draft.token_ids == greedy(model, PROMPT, 4)
    assert draft.sources == ("model",) * 4


def test_probabilities_are_those_of_the_softmax() -> None:
    model = FakeTarget()
    drafter = make(model)
    drafter.begin(0, PROMPT)
    (draft,) = drafter.propose([0], [3])
    text = list(PROMPT)
    for token_id, chance in zip(draft.token_ids, draft.probabilities, strict=True):
        expected = softmax(model.logits_after(text))[token_id]
        assert chance == pytest.approx(expected, rel=1e-5)
        text.append(token_id)


def test_all_sequences_are_drafted_in_one_evaluation_a_token() -> None:
    model = FakeTarget()
    drafter = make(model)
    for sequence_id in range(3):
        drafter.begin(sequence_id, [sequence_id, 1, 2])
    drafts = drafter.propose([0, 1, 2], [3, 3, 3])
    assert model.widths == [9, 3, 3]
    for sequence_id, draft in enumerate(drafts):
        drafter.observe(sequence_id, [(draft.token_ids[0] + 1) % model.vocab_size])
    drafter.propose([0, 1, 2], [2, 2, 2])
    assert model.widths == [9, 3, 3, 3, 3]


def test_each_draft_keeps_its_limit() -> None:
    model = FakeTarget()
    drafter = make(model)
    for sequence_id in range(3):
        drafter.begin(sequence_id, [sequence_id, 1, 2])
    drafts = drafter.propose([2, 0, 1], [0, 1, 4])
    assert [len(draft.token_ids) for draft in drafts] == [0, 1, 4]
    assert drafts[1].token_ids == greedy(model, [0, 1, 2], 1)
    assert drafts[2].token_ids == greedy(model, [1, 1, 2], 4)


def test_a_rejected_draft_is_rolled_back() -> None:
    model = FakeTarget()
    drafter = make(model)
    drafter.begin(0, PROMPT)
    (draft,) = drafter.propose([0], [4])
    other = (draft.token_ids[1] + 1) % model.vocab_size
    emitted = [draft.token_ids[0], other]
    drafter.observe(0, emitted)
    (again,) = drafter.propose([0], [3])
    assert again.token_ids == greedy(model, [*PROMPT, *emitted], 3)
    assert model.cache[0] == [*PROMPT, *emitted, *again.token_ids[:-1]]


def test_what_was_drafted_beyond_the_accepted_tokens_is_kept() -> None:
    model = FakeTarget()
    drafter = make(model)
    drafter.begin(0, PROMPT)
    (draft,) = drafter.propose([0], [4])
    drafter.observe(0, draft.token_ids[:2])
    before = model.num_evaluations
    (rest,) = drafter.propose([0], [2])
    assert rest.token_ids == draft.token_ids[2:]
    assert model.num_evaluations == before


def test_what_others_wrote_meanwhile_is_read_together_with_the_next_draft() -> None:
    model = FakeTarget()
    drafter = make(model)
    drafter.begin(0, PROMPT)
    drafter.propose([0], [1])
    for token_id in (4, 3, 2):
        drafter.observe(0, [token_id])
    before = model.num_evaluations
    (draft,) = drafter.propose([0], [1])
    assert model.num_evaluations == before + 1
    assert draft.token_ids == greedy(model, [*PROMPT, 4, 3, 2], 1)


def test_a_shared_beginning_is_read_once() -> None:
    model = FakeTarget()
    drafter = make(model)
    for sequence_id in range(3):
        drafter.begin(sequence_id, [*PROMPT, sequence_id])
    drafts = drafter.propose([0, 1, 2], [1, 1, 1])
    assert model.widths == [len(PROMPT), 3]
    assert ids_of(drafts) == [greedy(model, [*PROMPT, last], 1) for last in range(3)]


def test_the_next_prompt_in_a_place_is_read_from_where_it_differs() -> None:
    model = FakeTarget()
    drafter = make(model)
    drafter.begin(0, [*PROMPT, 2])
    drafter.propose([0], [2])
    drafter.observe(0, [4])
    drafter.end(0)
    drafter.begin(0, [*PROMPT, 3])
    (draft,) = drafter.propose([0], [1])
    assert draft.token_ids == greedy(model, [*PROMPT, 3], 1)
    assert model.widths[-1] == 1


def test_no_more_than_a_common_beginning_outlives_a_sequence() -> None:
    model = FakeTarget()
    drafter = make(model)
    for last in (2, 3, 4):
        drafter.begin(0, [*PROMPT, last, last])
        drafter.propose([0], [2])
        drafter.observe(0, [4])
        drafter.end(0)
    drafter.begin(1, [0])
    drafter.propose([1], [1])
    assert model.cache[0] == PROMPT
    drafter.close()
    assert not model.cache


def test_long_prompts_are_read_in_pieces() -> None:
    model = FakeTarget(max_batch=4, max_outputs=2)
    drafter = make(model)
    texts = [[1, 2, 3, 4, 0, 1], [2, 2], [3, 3, 3], [4, 0, 4, 0, 4, 0, 4, 1, 1]]
    for sequence_id, text in enumerate(texts):
        drafter.begin(sequence_id, text)
    drafts = drafter.propose(range(4), [2] * 4)
    assert ids_of(drafts) == [greedy(model, text, 2) for text in texts]
    assert max(model.widths) <= 4


def test_a_full_context_drops_the_sequence_and_nothing_else() -> None:
    model = FakeTarget(context_size=16)
    drafter = make(model)
    drafter.begin(0, [1, 2, 3])
    drafter.begin(1, [2] * 30)
    drafts = drafter.propose([0, 1], [2, 2])
    assert ids_of(drafts) == [greedy(model, [1, 2, 3], 2), ()]
    drafter.end(1)
    drafter.begin(1, [4, 4])
    assert ids_of(drafter.propose([1], [1])) == [greedy(model, [4, 4], 1)]


def test_ended_prompts_make_room() -> None:
    model = FakeTarget(context_size=16)
    drafter = make(model)
    for place, text in enumerate(([1] * 9, [2] * 9, [3] * 9)):
        drafter.begin(place, text)
        assert ids_of(drafter.propose([place], [1])) == [greedy(model, text, 1)]
        drafter.end(place)


def test_a_model_that_dies_is_reported_once_and_drafts_no_more() -> None:
    model = FakeTarget(fail_at=1)
    failures: list[EngineError] = []
    drafter = ModelDrafter(model, EAGER, on_failure=failures.append)
    drafter.begin(0, PROMPT)
    assert drafter.propose([0], [3]) == [EMPTY_DRAFT]
    drafter.observe(0, [1])
    assert drafter.propose([0], [3]) == [EMPTY_DRAFT]
    drafter.end(0)
    drafter.begin(0, PROMPT)
    assert drafter.propose([0], [3]) == [EMPTY_DRAFT]
    assert [failure.problem for failure in failures] == ["the fake failed"]


def test_tokens_outside_the_common_vocabulary_are_not_proposed() -> None:
    def logits_of(ids: Sequence[int]) -> LogitsArray:
        return np.arange(8, dtype=np.float32)

    model = FakeTarget(vocab_size=8, logits_of=logits_of)
    drafter = ModelDrafter(model, EAGER, vocab_size=5, is_careful=False)
    drafter.begin(0, [1, 2])
    drafter.begin(1, [1, 6])
    (draft, unreadable) = drafter.propose([0, 1], [2, 2])
    assert draft.token_ids == (4, 4)
    assert unreadable == EMPTY_DRAFT
    drafter.observe(0, [4, 7])
    assert drafter.propose([0], [2]) == [EMPTY_DRAFT]


def test_logits_that_are_no_numbers_promise_nothing() -> None:
    def logits_of(ids: Sequence[int]) -> LogitsArray:
        return np.full(5, np.nan, dtype=np.float32)

    drafter = make(FakeTarget(logits_of=logits_of))
    drafter.begin(0, [1, 2])
    assert drafter.propose([0], [1])[0].probabilities == (0.0,)


def test_a_model_that_is_too_slow_is_never_asked() -> None:
    model = FakeTarget()
    rule = StopRule(StepCost.flat(), StepCost.from_samples({1: 2.0, 64: 2.0}))
    drafter = ModelDrafter(model, rule)
    drafter.begin(0, PROMPT)
    assert drafter.propose([0], [4]) == [EMPTY_DRAFT]
    assert model.num_evaluations == 0


def write_with(model: FakeTarget, rule: StopRule, target: FakeTarget) -> ModelDrafter:
    """Draft 600 steps of a target that accepts what it would choose itself."""
    drafter = ModelDrafter(model, rule)
    drafter.begin(0, PROMPT)
    text = list(PROMPT)
    for _ in range(600):
        (draft,) = drafter.propose([0], [4])
        emitted: list[int] = []
        for proposed in (*draft.token_ids, None):
            emitted.append(int(target.logits_after(text + emitted).argmax()))
            if emitted[-1] != proposed:
                break
        drafter.observe(0, emitted)
        text += emitted
    return drafter


DEAR = StopRule(StepCost.flat(), StepCost.from_samples({1: 0.6, 64: 0.7}))
CHEAP = StopRule(StepCost.flat(), StepCost.from_samples({1: 0.2, 64: 0.3}))


def test_drafting_goes_on_where_it_pays() -> None:
    model = FakeTarget()
    drafter = write_with(model, CHEAP, FakeTarget())
    assert model.num_evaluations > 600
    assert drafter.chance_rates.mean > 0.9


def test_a_bad_beginning_is_forgiven() -> None:
    rates = ChanceRates()
    for _ in range(4):
        rates.record(0.9, False)
    learned = rates.hopeful_mean
    assert rates.mean < learned < 1.0
    for _ in range(3000):
        rates.forgive()
    assert rates.mean == pytest.approx(ChanceRates().mean, abs=0.01)
    assert rates.hopeful_mean > learned


def test_drafting_that_does_not_pay_pauses_longer_and_longer() -> None:
    model = FakeTarget(seed=1)
    drafter = write_with(model, DEAR, FakeTarget(seed=2))
    assert 10 < model.num_evaluations < 200
    assert drafter.chance_rates.mean < 0.6


def test_what_was_learned_outlives_the_drafter() -> None:
    learned = write_with(FakeTarget(seed=1), CHEAP, FakeTarget(seed=2))
    drafter = ModelDrafter(FakeTarget(seed=1), CHEAP)
    drafter.restore(learned.numbers())
    assert drafter.numbers() == learned.numbers()
    assert drafter.chance_rates.mean == learned.chance_rates.mean
    drafter.switch("deu translate")
    assert drafter.chance_rates.mean > learned.chance_rates.mean


def test_numbers_that_cannot_be_are_ignored() -> None:
    drafter, fresh = (
        ModelDrafter(FakeTarget(), CHEAP),
        ModelDrafter(FakeTarget(), CHEAP),
    )
    for wrong in (
        {"": {"all": [1.0], "expected": [1.0], "hits": []}},
        {"": {"all": [1.0, 2.0], "expected": [1.0] * 10, "hits": [1.0] * 10}},
        {"": {"pause": [3.0], "balance": []}},
    ):
        drafter.restore(wrong)
    assert drafter.numbers() == fresh.numbers()
