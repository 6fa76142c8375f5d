"""Chains change when tokens come, never which."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.interfaces import EMPTY_DRAFT, Draft
from polyspec.decoding.scheduler import Request, Scheduler
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.chain import ChainDrafter
from polyspec.drafting.history import HistoryDrafter
from tests.fakes import FakeTarget, RandomDrafter, make_clock, run_all
from tests.properties.test_scheduler import (
    SETTINGS,
    Setting,
    check_answers,
    make_requests,
    step_costs,
)


@dataclass
class RandomExtender(RandomDrafter):
    """Goes on behind the tokens of others as well, under a name of its own."""

    name: str = "random"
    num_extended: int = 0

    def draft_for(self, text_ids: Sequence[int], limit: int) -> Draft:
        draft = super().draft_for(text_ids, limit)
        return Draft(
            draft.token_ids, draft.probabilities, (self.name,) * len(draft.token_ids)
        )

    def extend(
        self,
        sequence_ids: Sequence[int],
        prefixes: Sequence[Sequence[int]],
        limits: Sequence[int],
    ) -> list[Draft]:
        assert all(prefixes)
        assert all(limit > 0 for limit in limits)
        self.num_extended += len(sequence_ids)
        return [
            self.draft_for([*self.texts[sequence_id], *prefix], limit)
            if limit
            else EMPTY_DRAFT
            for sequence_id, prefix, limit in zip(
                sequence_ids, prefixes, limits, strict=True
            )
        ]


@settings(max_examples=200)
@given(
    SETTINGS,
    make_requests(),
    step_costs(),
    st.randoms(use_true_random=False),
    st.booleans(),
    st.sampled_from((0.0, 0.4, 0.95)),
)
def test_a_chain_never_changes_what_the_target_chooses(
    setting: Setting,
    requests: list[Request],
    cost: StepCost,
    random: Random,
    is_exact: bool,
    knowledge: float,
) -> None:
    target = setting.make_target()
    policy = DraftPolicy(cost, min_gain=0.0, is_exact=is_exact)
    drafters = {
        name: RandomExtender(
            target=target, random=random, knowledge=knowledge, name=name
        )
        for name in ("one", "two")
    }
    chain = ChainDrafter(
        {**drafters, "history": HistoryDrafter()}, policy.feedback, make_clock()
    )
    scheduler = setting.make_scheduler(target, chain, policy)
    check_answers(scheduler, requests, setting.seed)
    for drafter in drafters.values():
        assert drafter.num_begun == drafter.num_ended == len(requests)
        assert not drafter.texts


def test_extension_happens_and_each_token_keeps_its_source() -> None:
    target = FakeTarget()
    policy = DraftPolicy(StepCost.flat(), min_gain=0.0)
    drafters = {
        name: RandomExtender(target=target, random=Random(n), knowledge=1.0, name=name)
        for n, name in enumerate(("one", "two"))
    }
    chain = ChainDrafter(drafters, policy.feedback, make_clock())
    scheduler = Scheduler(
        target, chain, policy, max_sequences=3, max_prefixes=0, clock=make_clock()
    )
    requests = [Request((1, 2, n % 5), 60, stream=n) for n in range(6)]
    answers = run_all(scheduler, requests)
    joined = {event.sources for answer in answers for event in answer.events}
    assert any({"one", "two"} <= set(sources) for sources in joined)
    assert all(drafter.num_extended for drafter in drafters.values())
    counts = policy.feedback.counters.by_drafter
    accepted = sum(len(event.sources) for a in answers for event in a.events)
    # Tokens behind the end of an answer are verified, but not emitted.
    assert sum(c.num_accepted for c in counts.values()) >= accepted > 0
