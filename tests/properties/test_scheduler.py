"""What holds for every mix of requests, drafts and limits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random
from typing import cast

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.interfaces import Chunk, Draft, Drafter
from polyspec.decoding.sampling import Chooser, Sampling
from polyspec.decoding.scheduler import Emitted, Finished, Request, Scheduler
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.history import HistoryDrafter
from polyspec.errors import EngineError
from tests.fakes import (
    FakeTarget,
    RandomDrafter,
    WatchedDrafter,
    collect,
    make_clock,
    run_all,
)

END = 0
PREFIX = (1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3)
GREEDY = Sampling()


def is_end(token_id: int) -> bool:
    return token_id == END


@st.composite
def step_costs(draw: st.DrawFn) -> StepCost:
    """Ladders of any positive costs, with any widths called identical."""
    widths = draw(st.sets(st.integers(2, 40), max_size=6)) | {1}
    costs = {width: draw(st.floats(0.001, 10.0)) for width in widths}
    identical = draw(st.sets(st.integers(2, 9), max_size=4))
    proven = draw(st.sampled_from((0, 20, 1000)))
    return StepCost.from_samples(costs, sorted(identical), proven)


@st.composite
def samplings(draw: st.DrawFn) -> Sampling:
    return Sampling(
        temperature=draw(st.sampled_from((0.0, 0.0, 0.7, 1.0, 1.5))),
        top_k=draw(st.sampled_from((0, 1, 3))),
        top_p=draw(st.sampled_from((1.0, 0.8))),
        min_p=draw(st.sampled_from((0.0, 0.1))),
        repetition_penalty=draw(st.sampled_from((1.0, 1.0, 1.3))),
        seed=draw(st.integers(0, 3)),
    )


@st.composite
def make_requests(draw: st.DrawFn, sampling: Sampling | None = None) -> list[Request]:
    requests = []
    for index in range(draw(st.integers(1, 9))):
        num_shared = draw(st.sampled_from((0, 0, 8, 10, 11)))
        lead = draw(st.integers(0, 2))
        shared = (lead, *PREFIX)[:num_shared]
        own = draw(st.lists(st.integers(0, 4), min_size=0, max_size=14))
        prompt = (*shared, *own) or (2,)
        requests.append(
            Request(
                prompt,
                draw(st.integers(1, 14)),
                num_shared=num_shared,
                sampling=draw(samplings()) if sampling is None else sampling,
                stream=index,
                is_end=is_end,
            )
        )
    return requests


@dataclass(frozen=True)
class Setting:
    """A target's limits and how it is driven."""

    seed: int
    context_size: int
    max_batch: int
    max_outputs: int
    max_sequences: int
    max_ahead: int
    max_prefixes: int

    def make_target(self) -> FakeTarget:
        return FakeTarget(
            seed=self.seed,
            context_size=self.context_size,
            max_batch=self.max_batch,
            max_outputs=self.max_outputs,
            num_sequences=self.max_sequences + self.max_ahead + self.max_prefixes,
        )

    def make_scheduler(
        self, target: FakeTarget, drafter: Drafter | None, policy: DraftPolicy
    ) -> Scheduler:
        return Scheduler(
            target,
            drafter,
            policy,
            max_sequences=self.max_sequences,
            max_ahead=self.max_ahead,
            max_prefixes=self.max_prefixes,
            clock=make_clock(),
        )


SETTINGS = st.builds(
    Setting,
    seed=st.integers(0, 5),
    context_size=st.integers(40, 160),
    max_batch=st.sampled_from((1, 2, 3, 5, 8, 64)),
    max_outputs=st.sampled_from((1, 2, 4, 32)),
    max_sequences=st.integers(1, 6),
    max_ahead=st.integers(0, 3),
    max_prefixes=st.integers(0, 3),
)


def expected_ids(request: Request, seed: int) -> list[int]:
    """The answer one token at a time, by the definition and nothing else."""
    model = FakeTarget(seed=seed)
    chooser = Chooser(request.sampling, request.stream)
    written: list[int] = []
    while len(written) < request.max_tokens:
        logits = model.logits_after([*request.prompt_ids, *written])
        written.append(chooser.choose(logits, written))
        if request.is_end(written[-1]):
            break
    return written


def check_answers(scheduler: Scheduler, requests: Sequence[Request], seed: int) -> None:
    for request, answer in zip(requests, run_all(scheduler, requests), strict=True):
        expected = expected_ids(request, seed)
        assert answer.token_ids == expected
        assert answer.is_cut == (expected[-1] != END)
        num_left = request.max_tokens
        for event in answer.events:
            assert len(event.sources) <= event.num_drafted < num_left
            num_left -= len(event.token_ids)
            assert len(event.token_ids) in (
                len(event.sources),
                len(event.sources) + 1,
            )


def assert_only_prefixes_left(scheduler: Scheduler, setting: Setting) -> None:
    cache = cast(FakeTarget, scheduler.target).cache
    num_places = scheduler.max_sequences + scheduler.max_ahead
    assert all(held >= num_places for held in cache)
    assert len(cache) <= setting.max_prefixes


@settings(max_examples=300)
@given(SETTINGS, make_requests(), step_costs(), st.randoms(use_true_random=False))
def test_drafting_never_changes_what_is_written(
    setting: Setting, requests: list[Request], cost: StepCost, random: Random
) -> None:
    target = setting.make_target()
    drafter = RandomDrafter(target=target, random=random)
    scheduler = setting.make_scheduler(target, drafter, DraftPolicy(cost))
    check_answers(scheduler, requests, setting.seed)
    assert_only_prefixes_left(scheduler, setting)
    assert drafter.num_begun == drafter.num_ended == len(requests)
    assert not drafter.texts


@settings(max_examples=100)
@given(SETTINGS, make_requests(), step_costs())
def test_plain_decoding_writes_what_the_definition_says(
    setting: Setting, requests: list[Request], cost: StepCost
) -> None:
    target = setting.make_target()
    scheduler = setting.make_scheduler(target, None, DraftPolicy(cost))
    check_answers(scheduler, requests, setting.seed)
    assert_only_prefixes_left(scheduler, setting)


@settings(max_examples=100)
@given(SETTINGS, make_requests())
def test_the_history_drafter_never_changes_what_is_written(
    setting: Setting, requests: list[Request]
) -> None:
    target = setting.make_target()
    policy = DraftPolicy(StepCost.flat(), min_gain=0.0)
    check_answers(
        setting.make_scheduler(target, HistoryDrafter(), policy),
        requests,
        setting.seed,
    )


@settings(max_examples=100)
@given(SETTINGS, make_requests(), step_costs())
def test_a_target_that_cannot_trim_is_never_trimmed(
    setting: Setting, requests: list[Request], cost: StepCost
) -> None:
    target = setting.make_target()
    target.can_trim = False
    drafter = RandomDrafter(target=target)
    scheduler = setting.make_scheduler(target, drafter, DraftPolicy(cost))
    check_answers(scheduler, requests, setting.seed)
    assert drafter.num_begun == 0


@settings(max_examples=200)
@given(SETTINGS, make_requests(), step_costs(), st.randoms(use_true_random=False))
def test_exact_mode_takes_identical_widths_of_one_sequence_only(
    setting: Setting, requests: list[Request], cost: StepCost, random: Random
) -> None:
    policy = DraftPolicy(cost, min_gain=0.0, is_exact=True)
    plain = setting.make_target()
    check_answers(setting.make_scheduler(plain, None, policy), requests, setting.seed)
    drafted = setting.make_target()
    drafter = RandomDrafter(target=drafted, random=random)
    check_answers(
        setting.make_scheduler(drafted, drafter, policy), requests, setting.seed
    )
    allowed = {1} | set(cost.identical_widths)
    for step, num_cells in zip(drafted.steps, drafted.cells_after, strict=True):
        assert len(step) == 1
        if step[0].num_outputs > 1:
            assert num_cells <= cost.identical_tokens
        assert step[0].num_outputs <= 1 or len(step[0].token_ids) in allowed
        assert step[0].num_outputs in (0, 1, len(step[0].token_ids))
    assert _prompt_pieces(drafted) == _prompt_pieces(plain)


def _prompt_pieces(target: FakeTarget) -> list[Chunk]:
    """The pieces in which prompts were read, one sequence (0) at a time."""
    ends = {place for place, sequence_id in target.releases if sequence_id == 0}
    pieces = []
    is_writing = False
    for place, (chunk,) in enumerate(target.steps):
        is_writing = is_writing and place not in ends
        if not is_writing:
            pieces.append(chunk)
            is_writing = chunk.num_outputs == 1
    return pieces


@settings(max_examples=100)
@given(SETTINGS, make_requests(), st.data())
def test_the_cache_holds_all_but_the_newest_token_wherever_the_caller_stops(
    setting: Setting, requests: list[Request], data: st.DataObject
) -> None:
    target = setting.make_target()
    drafter = RandomDrafter(target=target)
    scheduler = setting.make_scheduler(target, drafter, DraftPolicy(StepCost.flat()))
    total = sum(len(expected_ids(request, setting.seed)) for request in requests)
    stop_after = data.draw(st.integers(0, total + len(requests)))
    run = scheduler.run(requests)
    prompts = {tuple(request.prompt_ids) for request in requests}
    for _ in zip(range(stop_after), run, strict=False):
        for sequence_id, text in drafter.texts.items():
            held = target.cache.get(sequence_id, [])
            is_reading = tuple(text) in prompts
            assert held == (text[: len(held)] if is_reading else text[:-1])
    run.close()
    assert_only_prefixes_left(scheduler, setting)
    assert drafter.num_begun == drafter.num_ended
    check_answers(scheduler, requests, setting.seed)


@settings(max_examples=100)
@given(SETTINGS, make_requests(), st.integers(0, 30))
def test_a_failed_evaluation_releases_everything_and_the_next_run_works(
    setting: Setting, requests: list[Request], fail_at: int
) -> None:
    target = setting.make_target()
    target.fail_at = fail_at
    drafter = RandomDrafter(target=target)
    scheduler = setting.make_scheduler(target, drafter, DraftPolicy(StepCost.flat()))
    try:
        collect(scheduler.run(requests))
    except EngineError:
        assert target.num_evaluations == fail_at
    else:
        target.fail_at = None
    assert_only_prefixes_left(scheduler, setting)
    assert drafter.num_begun == drafter.num_ended
    check_answers(scheduler, requests, setting.seed)


@settings(max_examples=60)
@given(SETTINGS, make_requests(), make_requests(), st.integers(0, 20))
def test_what_ran_before_changes_nothing(
    setting: Setting, before: list[Request], requests: list[Request], stop_at: int
) -> None:
    target = setting.make_target()
    scheduler = setting.make_scheduler(
        target, HistoryDrafter(), DraftPolicy(StepCost.flat(), min_gain=0.0)
    )
    run = scheduler.run(before)
    for _ in zip(range(stop_at), run, strict=False):
        pass
    run.close()
    check_answers(scheduler, requests, setting.seed)


@settings(max_examples=60)
@given(SETTINGS, make_requests())
def test_no_more_requests_are_taken_than_there_are_places(
    setting: Setting, requests: list[Request]
) -> None:
    num_taken = num_finished = 0

    def hand_out() -> Iterator[Request]:
        nonlocal num_taken
        for request in requests:
            num_places = setting.max_sequences + setting.max_ahead
            assert num_taken - num_finished < num_places
            num_taken += 1
            yield request

    target = setting.make_target()
    scheduler = setting.make_scheduler(target, None, DraftPolicy(StepCost.flat()))
    for event in scheduler.run(hand_out()):
        num_finished += isinstance(event, Finished)
    assert num_taken == num_finished == len(requests)


@settings(max_examples=60)
@given(SETTINGS, make_requests())
def test_a_context_that_just_fits_is_enough(
    setting: Setting, requests: list[Request]
) -> None:
    needed = max(len(request.prompt_ids) + request.max_tokens for request in requests)
    tight = replace(setting, context_size=needed)
    target = tight.make_target()
    scheduler = tight.make_scheduler(
        target, RandomDrafter(target=target), DraftPolicy(StepCost.flat())
    )
    check_answers(scheduler, requests, tight.seed)
    assert max(target.cells_after) <= needed


@settings(max_examples=60)
@given(SETTINGS, make_requests())
def test_one_token_too_many_is_refused_with_a_remedy(
    setting: Setting, requests: list[Request]
) -> None:
    needed = max(len(request.prompt_ids) + request.max_tokens for request in requests)
    assume(needed > 2)
    small = replace(setting, context_size=needed - 1)
    target = small.make_target()
    drafter = WatchedDrafter()
    scheduler = small.make_scheduler(target, drafter, DraftPolicy(StepCost.flat()))
    with pytest.raises(EngineError) as caught:
        collect(scheduler.run(requests))
    assert caught.value.remedy == f"pass --ctx {needed} or more"
    assert_only_prefixes_left(scheduler, small)
    assert drafter.num_begun == drafter.num_ended


@settings(max_examples=60)
@given(make_requests(GREEDY))
def test_a_shared_prefix_is_read_once(requests: list[Request]) -> None:
    target = FakeTarget(num_sequences=12)
    scheduler = Scheduler(
        target,
        None,
        DraftPolicy(StepCost.flat()),
        max_sequences=4,
        max_prefixes=8,
    )
    run_all(scheduler, requests)
    read = [
        tuple(chunk.token_ids)
        for step in target.steps
        for chunk in step
        if chunk.sequence_id >= 4
    ]
    assert len(read) == len(set(read))


def test_sequences_run_side_by_side() -> None:
    target = FakeTarget()
    scheduler = Scheduler(target, None, DraftPolicy(StepCost.flat()), max_sequences=4)
    run_all(scheduler, [Request((1, 2, place), 10) for place in range(4)])
    assert target.widths == [12] + [4] * 9


def test_a_good_draft_saves_steps() -> None:
    target = FakeTarget()
    drafter = RandomDrafter(target=target, knowledge=1.0)
    scheduler = Scheduler(
        target, drafter, DraftPolicy(StepCost.flat()), max_sequences=1
    )
    (answer,) = run_all(scheduler, [Request((1, 2, 3), 60)])
    assert target.num_evaluations < 60
    num_accepted = sum(len(event.sources) for event in answer.events)
    assert num_accepted == sum(event.num_drafted for event in answer.events)
    assert num_accepted + target.num_evaluations == 60


def test_empty_draft_is_one_plain_step() -> None:
    target = FakeTarget()
    scheduler = Scheduler(
        target, WatchedDrafter(), DraftPolicy(StepCost.flat()), max_sequences=1
    )
    (answer,) = run_all(scheduler, [Request((1, 2, 3), 6)])
    assert target.widths == [3, 1, 1, 1, 1, 1]
    assert all(event.num_drafted == 0 for event in answer.events)


def test_no_requests_are_no_steps() -> None:
    target = FakeTarget()
    scheduler = Scheduler(target, None, DraftPolicy(StepCost.flat()), max_sequences=2)
    assert list(scheduler.run([])) == []
    assert target.num_evaluations == 0


@pytest.mark.parametrize("request_", [Request((), 3), Request((1,), 0)])
def test_an_empty_prompt_or_answer_is_a_mistake(request_: Request) -> None:
    scheduler = Scheduler(
        FakeTarget(), None, DraftPolicy(StepCost.flat()), max_sequences=2
    )
    with pytest.raises(ValueError, match="needs a prompt"):
        list(scheduler.run([request_]))


def test_two_runs_at_once_are_a_mistake() -> None:
    scheduler = Scheduler(
        FakeTarget(), None, DraftPolicy(StepCost.flat()), max_sequences=1
    )
    first = scheduler.run([Request((1,), 3)])
    next(first)
    with pytest.raises(ValueError, match="must end"):
        next(scheduler.run([Request((1,), 3)]))
    assert isinstance(next(first), Emitted)


def test_requests_that_fail_on_the_way_release_the_others() -> None:
    target = FakeTarget()
    drafter = WatchedDrafter()
    scheduler = Scheduler(
        target, drafter, DraftPolicy(StepCost.flat()), max_sequences=2
    )

    def requests() -> Iterator[Request]:
        yield Request((1, 2), 5)
        raise OSError("the input broke")

    with pytest.raises(OSError, match="the input broke"):
        list(scheduler.run(requests()))
    assert not target.cache
    assert drafter.num_begun == drafter.num_ended
    assert len(run_all(scheduler, [Request((1, 2), 5)] * 4)) == 4


def test_an_end_test_that_fails_releases_everything() -> None:
    target = FakeTarget()
    scheduler = Scheduler(target, None, DraftPolicy(StepCost.flat()), max_sequences=2)

    def fail(token_id: int) -> bool:
        raise OSError("no end test")

    with pytest.raises(OSError, match="no end test"):
        list(scheduler.run([Request((1, 2), 5), Request((1, 2), 5, is_end=fail)]))
    assert not target.cache
    assert len(run_all(scheduler, [Request((1, 2), 5)] * 4)) == 4


def test_the_end_test_sees_each_emitted_token_once_and_in_order() -> None:
    target = FakeTarget()
    seen: list[int] = []

    def look(token_id: int) -> bool:
        seen.append(token_id)
        return False

    request = Request((1, 2, 3), 30, is_end=look)
    drafter = RandomDrafter(target=target, knowledge=0.9)
    scheduler = Scheduler(
        target, drafter, DraftPolicy(StepCost.flat()), max_sequences=1
    )
    (answer,) = run_all(scheduler, [request])
    assert seen == answer.token_ids


def test_the_drafter_sees_every_token() -> None:
    seen: list[list[int]] = []

    class Watching(WatchedDrafter):
        def end(self, sequence_id: int) -> None:
            seen.append(self.texts[sequence_id])
            super().end(sequence_id)

    scheduler = Scheduler(
        FakeTarget(), Watching(), DraftPolicy(StepCost.flat()), max_sequences=1
    )
    (answer,) = run_all(scheduler, [Request((1, 2, 3), 7)])
    assert seen == [[1, 2, 3, *answer.token_ids]]


def test_prompts_are_cut_into_pieces_of_a_batch() -> None:
    target = FakeTarget(max_batch=4)
    scheduler = Scheduler(target, None, DraftPolicy(StepCost.flat()), max_sequences=1)
    run_all(scheduler, [Request((1, 2, 3, 4, 1, 2, 3, 4, 1, 2), 2)])
    assert target.widths == [4, 4, 2, 1]
    assert all(
        later.position == earlier.position + len(earlier.token_ids)
        for (earlier,), (later,) in pairwise(target.steps)
    )


@given(make_requests(GREEDY), st.integers(0, 9))
def test_tokens_that_end_an_answer_are_never_drafted(
    requests: list[Request], seed: int
) -> None:
    target = FakeTarget()
    drafter = RandomDrafter(target=target, random=Random(seed))
    policy = DraftPolicy(StepCost.flat(), min_gain=-1.0)
    plain = run_all(Scheduler(FakeTarget(), None, policy, max_sequences=3), requests)
    ending = [replace(request, ends_alone=is_end) for request in requests]
    drafted = run_all(Scheduler(target, drafter, policy, max_sequences=3), ending)
    assert [answer.token_ids for answer in drafted] == [
        answer.token_ids for answer in plain
    ]
    events = [event for answer in drafted for event in answer.events]
    assert all(END not in event.draft.token_ids for event in events)


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=60),
    st.integers(1, 24),
    st.integers(0, 6),
)
def test_prompts_are_read_together_before_there_is_a_place(
    lengths: list[int], max_sequences: int, max_ahead: int
) -> None:
    target = FakeTarget(vocab_size=5)
    requests = [Request((2, 3), length) for length in lengths]
    scheduler = Scheduler(
        target,
        None,
        DraftPolicy(StepCost.flat()),
        max_sequences=max_sequences,
        max_ahead=max_ahead,
    )
    assert len(run_all(scheduler, requests)) == len(lengths)
    begun = [sum(chunk.position == 0 for chunk in step) for step in target.steps]
    # The last to start may be fewer: none is left to wait for.
    started = [num for num in begun if num]
    assert all(num >= max_ahead for num in started[:-1])
    assert sum(begun) == len(lengths)
    writing = [len(step) - num for step, num in zip(target.steps, begun, strict=True)]
    # No place is empty while an answer has its first token and waits for one.
    for step in range(1, len(target.steps)):
        num_over = sum(place <= step for place, _ in target.releases)
        num_live = sum(begun[:step]) - num_over
        assert writing[step] == min(max_sequences, num_live)


class CountingDrafter(RandomDrafter):
    """Notes for how many sequences it was asked at once."""

    most_asked = 0

    def propose(
        self, sequence_ids: Sequence[int], limits: Sequence[int]
    ) -> list[Draft]:
        self.most_asked = max(self.most_asked, len(sequence_ids))
        return super().propose(sequence_ids, limits)


@given(requests=make_requests(GREEDY), most=st.integers(0, 5), seed=st.integers(0, 9))
def test_many_sequences_get_no_drafts_where_few_may(
    requests: list[Request], most: int, seed: int
) -> None:
    def write(drafter: Drafter | None) -> list[list[int]]:
        scheduler = Scheduler(
            FakeTarget(seed=seed),
            drafter,
            DraftPolicy(StepCost.flat()),
            max_sequences=5,
            max_drafting=most,
        )
        return [answer.token_ids for answer in run_all(scheduler, requests)]

    drafter = CountingDrafter(target=FakeTarget(seed=seed), random=Random(seed))
    assert write(drafter) == write(None)
    assert drafter.most_asked <= most
