"""Who is asked, who goes on behind whom, and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.feedback import Feedback
from polyspec.decoding.interfaces import EMPTY_DRAFT, Draft, Extender
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.chain import ChainDrafter
from polyspec.drafting.one_by_one import OneByOneDrafter


@dataclass
class Clock:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Plain:
    """Proposes the same draft again and again, and takes its time."""

    name: str
    chances: Sequence[float]
    first_id: int = 0
    clock: Clock = field(default_factory=Clock)
    call_s: float = 0.0
    asked: list[list[int]] = field(default_factory=list)
    observed: list[int] = field(default_factory=list)

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        self.observed.clear()

    def draft(self, limit: int) -> Draft:
        size = min(limit, len(self.chances))
        ids = tuple(range(self.first_id, self.first_id + size))
        return Draft(ids, tuple(self.chances[:size]), (self.name,) * size)

    def propose(
        self, sequence_ids: Sequence[int], limits: Sequence[int]
    ) -> list[Draft]:
        self.asked.append(list(limits))
        self.clock.now_s += self.call_s
        return [self.draft(limit) for limit in limits]

    def observe(self, sequence_id: int, emitted_ids: Sequence[int]) -> None:
        self.observed += emitted_ids

    def end(self, sequence_id: int) -> None:
        pass


@dataclass
class Extending(Plain):
    prefixes: list[tuple[int, ...]] = field(default_factory=list)

    def extend(
        self,
        sequence_ids: Sequence[int],
        prefixes: Sequence[Sequence[int]],
        limits: Sequence[int],
    ) -> list[Draft]:
        self.prefixes += map(tuple, prefixes)
        return [self.draft(limit) for limit in limits]


def chain_of(
    *drafters: Plain, feedback: Feedback | None = None, clock: Clock | None = None
) -> ChainDrafter:
    chain = ChainDrafter(
        {drafter.name: drafter for drafter in drafters},
        feedback or Feedback(),
        clock or Clock(),
    )
    chain.begin(0, [])
    return chain


def lose_trust(feedback: Feedback, name: str) -> None:
    for _ in range(100):
        feedback.observe_token(name, 1.0, False)


def test_the_draft_that_promises_most_is_taken_by_sequence() -> None:
    feedback = Feedback()
    one, two = Plain("one", [0.6]), Plain("two", [0.5, 0.5], 5)
    chain = chain_of(one, two, feedback=feedback)
    drafts = chain.propose([0, 1], [2, 1])
    assert [draft.sources for draft in drafts] == [("two", "two"), ("one",)]
    lose_trust(feedback, "two")
    assert chain.propose([0], [2])[0].sources == ("one",)
    assert chain.propose([], []) == []
    assert chain.propose([0], [0]) == [EMPTY_DRAFT]


def test_where_a_draft_ends_another_goes_on() -> None:
    one = Plain("one", [0.9, 0.8])
    two = Extending("two", [0.7, 0.6], 5)
    assert isinstance(two, Extender)
    assert not isinstance(one, Extender)
    (draft,) = chain_of(one, two).propose([0], [3])
    assert draft == Draft((0, 1, 5), (0.9, 0.8, 0.7), ("one", "one", "two"))
    assert two.prefixes == [(0, 1)]


def test_a_doubtful_token_is_replaced_by_a_likelier_one() -> None:
    one = Plain("one", [0.9, 0.3, 0.9])
    two = Extending("two", [0.8], 5)
    (draft,) = chain_of(one, two).propose([0], [3])
    assert draft == Draft((0, 5), (0.9, 0.8), ("one", "two"))


def test_a_worse_continuation_changes_nothing() -> None:
    one, two = Plain("one", [0.9, 0.4]), Extending("two", [0.3], 5)
    assert chain_of(one, two).propose([0], [2])[0].token_ids == (0, 1)


def test_nobody_is_asked_behind_what_is_hardly_reached_or_not_wanted() -> None:
    one, two = Plain("one", [0.5] * 4), Extending("two", [0.2], 5)
    chain = chain_of(one, two)
    chain.propose([0], [5])
    chain.propose([0], [4])
    assert two.prefixes == []


def test_nobody_goes_on_behind_itself() -> None:
    alone = Extending("alone", [0.9])
    other = Plain("other", [0.1])
    chain_of(alone, other).propose([0], [4])
    chain_of(alone).propose([0], [4])
    assert alone.prefixes == []


def test_everyone_sees_every_token() -> None:
    one, two = Plain("one", [0.9]), Plain("two", [0.1])
    chain_of(one, two).observe(0, [4, 5])
    assert one.observed == two.observed == [4, 5]


class Alone(OneByOneDrafter):
    """Drafts nothing, and notes what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int, tuple[int, ...]]] = []

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        self.heard.append(("begin", sequence_id, tuple(prompt_ids)))

    def _go_on(self, sequence_id: int, prefix: Sequence[int], limit: int) -> Draft:
        self.heard.append(("asked", sequence_id, ()))
        return EMPTY_DRAFT

    def observe(self, sequence_id: int, emitted_ids: Sequence[int]) -> None:
        self.heard.append(("seen", sequence_id, tuple(emitted_ids)))

    def end(self, sequence_id: int) -> None:
        self.heard.append(("end", sequence_id, ()))


def test_who_is_not_asked_sees_all_at_once_when_it_is_or_at_the_end() -> None:
    alone = Alone()
    chain = ChainDrafter({"alone": alone}, Feedback(), Clock())
    chain.begin(0, [1])
    chain.begin(1, [2])
    for number in range(3):
        chain.observe(0, [3, number])
        chain.observe(1, [4])
    assert len(alone.heard) == 2
    chain.propose([1], [5])
    assert alone.heard[2:] == [
        ("seen", 0, (3, 0, 3, 1, 3, 2)),
        ("seen", 1, (4, 4, 4)),
        ("asked", 1, ()),
    ]
    chain.observe(1, [5])
    chain.end(1)
    chain.end(0)
    assert alone.heard[5:] == [("seen", 1, (5,)), ("end", 1, ()), ("end", 0, ())]


def test_drafts_are_held_against_what_was_written_verified_or_not() -> None:
    feedback = Feedback()
    wrong = Plain("wrong", [0.9, 0.9], 5)
    other = Plain("other", [0.1])
    chain = chain_of(wrong, other, feedback=feedback)
    for _ in range(200):
        chain.propose([0], [2])
        chain.observe(0, [0])
    assert feedback.trust("wrong") < 0.3
    assert feedback.trust("other") == 1.0  # its drafts were never taken
    wrong.first_id = 0
    for _ in range(4000):
        chain.propose([0], [2])
        chain.observe(0, [0, 1])
    assert feedback.trust("wrong") > 0.8


def test_nobody_is_blamed_for_what_was_wrong_before_it() -> None:
    feedback = Feedback()
    one, two = Plain("one", [0.9]), Extending("two", [0.8], 5)
    chain = chain_of(one, two, feedback=feedback)
    (draft,) = chain.propose([0], [2])
    assert draft.sources == ("one", "two")
    chain.observe(0, [5])
    assert feedback.trust("one") < feedback.trust("two") == 1.0
    chain.propose([0], [2])
    chain.observe(0, [0, 7])
    assert feedback.trust("two") < 1.0


def test_each_token_of_a_joined_draft_counts_once() -> None:
    feedback = Feedback()
    one, two = Extending("one", [0.9]), Extending("two", [0.8], 5)
    chain = chain_of(one, two, feedback=feedback)
    (draft,) = chain.propose([0], [3])
    assert draft.sources == ("one", "two", "one")
    chain.observe(0, [0, 5, 0])
    learned = {
        name: (first, later)
        for name, (_, first, _, later) in feedback.numbers()[""].items()
    }
    assert learned == {"one": (pytest.approx(2.0, abs=0.01), 0.0), "two": (1.0, 0.0)}


def test_beginnings_and_what_follows_them_are_held_against_a_drafter_apart() -> None:
    feedback = Feedback()
    chain = chain_of(Plain("one", [0.9, 0.9, 0.9]), feedback=feedback)
    for _ in range(100):
        (draft,) = chain.propose([0], [3])
        chain.observe(0, [*draft.token_ids[:2], 99])
    assert feedback.trust("one") > 1.0
    assert 0.5 < feedback.trust("one", is_first=False) < 0.65


def test_nothing_is_learned_from_tokens_that_nobody_proposed() -> None:
    feedback = Feedback()
    chain = chain_of(Plain("one", [0.9]), feedback=feedback)
    chain.observe(0, [3])
    chain.propose([0], [0])
    chain.observe(0, [3])
    chain.propose([0], [1])
    chain.end(0)
    chain.observe(0, [3])
    assert feedback.trust("one") == 1.0


def run(
    drafter: Plain, num_steps: int, num_accepted: int, *, step_s: float = 0.1
) -> int:
    """Steps of a run in which a drafter was asked; all of its drafts end alike."""
    clock = drafter.clock
    policy = DraftPolicy(StepCost.from_samples({1: step_s, 2: step_s, 3: step_s}))
    chain = chain_of(drafter, feedback=policy.feedback, clock=clock)
    for _ in range(num_steps):
        (draft,) = chain.propose([0], [2])
        width = 1 + len(draft.token_ids)
        policy.observe_step(
            width, step_s, [draft], [min(num_accepted, len(draft.token_ids))]
        )
    return len(drafter.asked)


def test_a_drafter_that_costs_more_than_it_brings_is_hardly_asked() -> None:
    dear = Plain("dear", [0.9, 0.9], clock=Clock(), call_s=0.05)
    assert run(dear, 500, num_accepted=0) < 100
    useful = Plain("useful", [0.9, 0.9], clock=Clock(), call_s=0.05)
    assert run(useful, 500, num_accepted=1) == 500
    slow = Plain("slow", [0.9, 0.9], clock=Clock(), call_s=0.15)
    assert run(slow, 500, num_accepted=1) < 100


def test_a_drafter_that_costs_nothing_is_always_asked() -> None:
    assert run(Plain("cheap", [0.9], call_s=0.0), 500, num_accepted=0) == 500


def test_a_text_that_begins_to_repeat_itself_is_noticed_while_all_rest() -> None:
    clock = Clock()
    dear = Plain("dear", [0.9], clock=clock, call_s=0.1)
    cheap = Plain("cheap", [0.9, 0.9, 0.9], clock=clock, call_s=0.002)
    policy = DraftPolicy(StepCost.from_samples({1: 1.0, 8: 1.0}))
    chain = ChainDrafter(
        {"dear": dear, "cheap": cheap}, policy.feedback, clock, look_out="cheap"
    )
    chain.begin(0, [])

    def write(num_steps: int, num_accepted: int) -> tuple[int, int]:
        before = len(dear.asked), len(cheap.asked)
        for _ in range(num_steps):
            (draft,) = chain.propose([0], [3])
            size = len(draft.token_ids)
            accepted = [min(num_accepted, size)]
            policy.observe_step(1 + size, 1.0, [draft], accepted)
            chain.observe(0, [*draft.token_ids[: accepted[0]], 99])
        return len(dear.asked) - before[0], len(cheap.asked) - before[1]

    write(60, 0)
    num_dear, num_cheap = write(60, 0)
    assert num_dear <= 8
    assert 12 <= num_cheap <= 30
    write(8, 3)
    assert write(60, 3)[1] == 60


def test_a_drafter_that_takes_time_is_not_asked_where_it_cannot_win() -> None:
    clock = Clock()
    sure = Plain("sure", [0.95, 0.95], clock=clock)
    dear = Plain("dear", [0.7, 0.7], 5, clock=clock, call_s=0.01)
    policy = DraftPolicy(StepCost.from_samples({1: 1.0, 2: 1.0, 3: 1.0}))
    chain = chain_of(sure, dear, feedback=policy.feedback, clock=clock)
    for _ in range(3):
        drafts = chain.propose([0], [2])
        policy.observe_step(3, 1.0, drafts, [2])
    assert dear.asked == [[2]]
    sure.chances = [0.1]
    chain.propose([0, 1], [2, 2])
    assert dear.asked[1:] == [[2, 2]]


def test_calls_and_what_came_of_them_are_counted() -> None:
    clock = Clock()
    one = Plain("one", [0.9, 0.8], clock=clock, call_s=0.25)
    two = Extending("two", [0.7], 5, clock=clock)
    policy = DraftPolicy(StepCost.from_samples({1: 1.0, 4: 1.3}))
    chain = chain_of(one, two, feedback=policy.feedback, clock=clock)
    drafts = chain.propose([0], [4])
    policy.observe_step(4, 1.3, drafts, [2])
    counts = policy.feedback.counters.by_drafter
    first, second = counts["one"], counts["two"]
    assert (first.num_calls, first.num_proposed, first.asked_s) == (1, 2, 0.25)
    assert (first.num_verified, first.num_accepted) == (2, 2)
    assert (first.verified_at, first.accepted_at) == ([1, 1], [1, 1])
    assert (second.num_calls, second.num_verified, second.num_accepted) == (2, 1, 0)
    assert (second.verified_at, second.accepted_at) == ([0, 0, 1], [0, 0, 0])
    # Two tokens saved two plain steps; each of three drafted tokens cost 0.1 s.
    assert abs(first.saved_s - (2.0 - 0.2 - 0.25)) < 1e-9
    assert abs(second.saved_s + 0.1) < 1e-9
