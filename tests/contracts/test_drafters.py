"""What every drafter must do, whatever it drafts from."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspec.decoding.interfaces import Drafter
from polyspec.decoding.step_cost import StepCost
from polyspec.decoding.stop_rule import StopRule
from polyspec.drafting.history import HistoryDrafter
from polyspec.drafting.model import ModelDrafter
from tests.fakes import FakeTarget, RandomDrafter

DRAFTERS: dict[str, Callable[[], Drafter]] = {
    "history": HistoryDrafter,
    "model": lambda: make_model_drafter(is_careful=True),
    "model that drafts always": lambda: make_model_drafter(is_careful=False),
    "random": lambda: RandomDrafter(target=FakeTarget(), random=Random(1)),
}


def make_model_drafter(*, is_careful: bool) -> ModelDrafter:
    """One whose model is small and has little room."""
    model = FakeTarget(context_size=60, max_batch=7, max_outputs=3)
    free = StepCost.from_samples({1: 1e-9, 64: 1e-9})
    rule = StopRule(StepCost.flat(), free)
    return ModelDrafter(model, rule, is_careful=is_careful)


TEXTS = st.lists(st.integers(0, 4), min_size=1, max_size=12)
CALLS = st.lists(
    st.tuples(
        st.sampled_from(("begin", "propose", "observe", "end")), st.integers(0, 3)
    ),
    max_size=40,
)


@pytest.fixture(params=list(DRAFTERS.values()), ids=list(DRAFTERS))
def make_drafter(request: pytest.FixtureRequest) -> Callable[[], Drafter]:
    make: Callable[[], Drafter] = request.param
    return make


def check_propose(drafter: Drafter, ids: list[int], limits: list[int]) -> None:
    drafts = drafter.propose(ids, limits)
    assert len(drafts) == len(ids)
    for draft, limit in zip(drafts, limits, strict=True):
        size = len(draft.token_ids)
        assert size <= limit
        assert len(draft.probabilities) == len(draft.sources) == size
        assert all(0.0 <= chance <= 1.0 for chance in draft.probabilities)
        assert all(draft.sources)


@pytest.mark.parametrize("name", DRAFTERS)
@settings(max_examples=60)
@given(calls=CALLS, texts=st.lists(TEXTS, min_size=40, max_size=40))
def test_any_order_that_may_occur_is_fine(
    name: str, calls: list[tuple[str, int]], texts: list[list[int]]
) -> None:
    drafter = DRAFTERS[name]()
    live: list[int] = []
    for (call, sequence_id), text in zip(calls, texts, strict=False):
        if call == "begin" and sequence_id not in live:
            drafter.begin(sequence_id, text)
            live.append(sequence_id)
        elif call == "observe" and sequence_id in live:
            drafter.observe(sequence_id, text)
        elif call == "end" and sequence_id in live:
            drafter.end(sequence_id)
            live.remove(sequence_id)
        elif call == "propose":
            check_propose(drafter, live, [text[0]] * len(live))
    for limit in (0, 1, 50):
        check_propose(drafter, live, [limit] * len(live))


def test_a_limit_of_0_gives_an_empty_draft(make_drafter: Callable[[], Drafter]) -> None:
    drafter = make_drafter()
    drafter.begin(0, [1, 2, 1, 2])
    (draft,) = drafter.propose([0], [0])
    assert draft.token_ids == ()


def test_no_sequences_are_no_drafts(make_drafter: Callable[[], Drafter]) -> None:
    assert make_drafter().propose([], []) == []


def test_drafts_come_in_the_order_asked_for() -> None:
    drafter = HistoryDrafter()
    drafter.begin(0, [1, 2, 1])
    drafter.begin(1, [3, 4, 3])
    drafts = drafter.propose([1, 0], [1, 1])
    assert [draft.token_ids for draft in drafts] == [(4,), (2,)]


def test_an_id_that_is_used_again_remembers_nothing() -> None:
    fresh, used = HistoryDrafter(), HistoryDrafter()
    used.begin(0, [1, 2, 3, 4])
    used.observe(0, [1, 2, 3])
    used.end(0)
    for drafter in (fresh, used):
        drafter.begin(0, [4, 1, 2])
    assert used.propose([0], [4])[0].token_ids == fresh.propose([0], [4])[0].token_ids


def test_beginning_again_without_an_end_forgets() -> None:
    drafter = HistoryDrafter()
    drafter.begin(0, [1, 2, 3, 1])
    drafter.begin(0, [1])
    assert drafter.propose([0], [3])[0].token_ids == ()


def test_the_prompt_is_neither_changed_nor_kept() -> None:
    for drafter in (HistoryDrafter(), DRAFTERS["random"]()):
        prompt = [1, 2, 1]
        drafter.begin(0, prompt)
        drafter.observe(0, [3])
        assert prompt == [1, 2, 1]
