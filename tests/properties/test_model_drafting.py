"""What holds for a draft model, whatever is written and whatever goes wrong."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.scheduler import Request
from polyspec.decoding.step_cost import StepCost
from polyspec.decoding.stop_rule import StopRule
from polyspec.drafting.model import ModelDrafter
from polyspec.drafting.token_map import TokenMap
from polyspec.errors import EngineError
from tests.fakes import FakeTarget
from tests.properties.test_scheduler import (
    SETTINGS,
    Setting,
    check_answers,
    make_requests,
    step_costs,
)

FREE = StepCost.from_samples({1: 1e-9, 64: 1e-9})
TOKENS = st.lists(st.integers(0, 4), min_size=1, max_size=4)
PROMPTS = st.builds(
    lambda shared, own: [*([1, 2, 3, 4] * 3)[:shared], *own],
    st.sampled_from((0, 8, 10, 12)),
    st.lists(st.integers(0, 4), min_size=1, max_size=9),
)
MODELS = st.builds(
    FakeTarget,
    seed=st.integers(0, 3),
    context_size=st.integers(12, 300),
    max_batch=st.sampled_from((1, 2, 5, 64)),
    max_outputs=st.sampled_from((1, 2, 32)),
    num_sequences=st.just(6),
    fail_at=st.none() | st.integers(0, 20),
)


@settings(max_examples=200)
@given(SETTINGS, make_requests(), step_costs(), MODELS, st.booleans())
def test_a_draft_model_never_changes_what_is_written(
    setting: Setting,
    requests: list[Request],
    cost: StepCost,
    model: FakeTarget,
    is_careful: bool,
) -> None:
    failures: list[EngineError] = []
    drafter = ModelDrafter(
        model, StopRule(cost, FREE), on_failure=failures.append, is_careful=is_careful
    )
    target = setting.make_target()
    scheduler = setting.make_scheduler(target, drafter, DraftPolicy(cost, min_gain=0.0))
    check_answers(scheduler, requests, setting.seed)
    assert len(failures) <= 1


MAPS = st.builds(
    lambda ids, place: TokenMap(np.array(ids, np.int32), place % len(ids)),
    st.lists(st.integers(0, 4), min_size=1, max_size=5, unique=True),
    st.integers(0, 4),
)


@settings(max_examples=200)
@given(SETTINGS, make_requests(), step_costs(), MAPS, st.booleans())
def test_a_trimmed_draft_model_never_changes_what_is_written(
    setting: Setting,
    requests: list[Request],
    cost: StepCost,
    token_map: TokenMap,
    is_careful: bool,
) -> None:
    model = FakeTarget(seed=1, vocab_size=len(token_map), num_sequences=6)
    drafter = ModelDrafter(
        model, StopRule(cost, FREE), token_map=token_map, is_careful=is_careful
    )
    target = setting.make_target()
    scheduler = setting.make_scheduler(target, drafter, DraftPolicy(cost, min_gain=0.0))
    check_answers(scheduler, requests, setting.seed)


@given(MAPS, st.lists(st.integers(0, 4), min_size=1, max_size=12), TOKENS)
def test_a_trimmed_draft_model_reads_and_writes_tokens_of_the_target(
    token_map: TokenMap, prompt: list[int], emitted: list[int]
) -> None:
    model = FakeTarget(vocab_size=len(token_map))
    drafter = ModelDrafter(
        model,
        StopRule(StepCost.flat(), FREE),
        token_map=token_map,
        is_careful=False,
    )
    drafter.begin(0, prompt)
    drafter.propose([0], [2])
    drafter.observe(0, emitted)
    (draft,) = drafter.propose([0], [1])
    text = token_map.to_draft([*prompt, *emitted])
    row = model.logits_after(text).copy()
    if len(token_map) > 1:
        row[token_map.unknown_id] = -np.inf
        best = int(row.argmax())
        assert draft.token_ids == tuple(token_map.to_target([best]))
        assert draft.probabilities[0] <= 1.0


def greedy(model: FakeTarget, text: Sequence[int], count: int) -> tuple[int, ...]:
    ids = list(text)
    for _ in range(count):
        ids.append(int(model.logits_after(ids).argmax()))
    return tuple(ids[len(text) :])


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), PROMPTS, TOKENS, st.integers(0, 4)), max_size=30
    ),
    st.sampled_from((1, 3, 64)),
)
def test_every_draft_is_what_the_model_writes_after_the_text(
    calls: list[tuple[int, list[int], list[int], int]], max_batch: int
) -> None:
    model = FakeTarget(max_batch=max_batch, num_sequences=4)
    drafter = ModelDrafter(model, StopRule(StepCost.flat(), FREE), is_careful=False)
    texts: dict[int, list[int]] = {}
    for sequence_id, prompt, emitted, limit in calls:
        if sequence_id not in texts:
            drafter.begin(sequence_id, prompt)
            texts[sequence_id] = list(prompt)
        elif len(texts[sequence_id]) > 20:
            drafter.end(sequence_id)
            del texts[sequence_id]
        else:
            drafter.observe(sequence_id, emitted)
            texts[sequence_id] += emitted
        ids = sorted(texts)
        limits = [(limit + sequence_id) % 5 for sequence_id in ids]
        drafts = drafter.propose(ids, limits)
        for place, draft in enumerate(drafts):
            expected = greedy(model, texts[ids[place]], limits[place])
            assert draft.token_ids == expected
