"""Sampled answers follow the target's distribution, with drafts and without."""

from collections import Counter
from itertools import product
from random import Random

import numpy as np
import pytest

from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.interfaces import Drafter
from polyspec.decoding.sampling import Sampling, penalize
from polyspec.decoding.scheduler import Request, Scheduler
from polyspec.decoding.step_cost import StepCost
from polyspec.decoding.stop_rule import StopRule
from polyspec.drafting.chain import ChainDrafter
from polyspec.drafting.model import ModelDrafter
from polyspec.drafting.token_map import TokenMap
from tests.fakes import FakeTarget, RandomDrafter, make_clock, run_all
from tests.reference import reference_candidates

PROMPT = (1, 2, 3)
LENGTH = 3
NUM_ANSWERS = 3000


def quantile(num_free: int) -> float:
    """The 99.9 % quantile of chi-square, after Wilson and Hilferty 1931."""
    share = 2.0 / (9.0 * num_free)
    return float(num_free * (1.0 - share + 3.0902 * share**0.5) ** 3)


def exact_chances(
    target: FakeTarget, sampling: Sampling
) -> dict[tuple[int, ...], float]:
    """The chance of each answer of `LENGTH` tokens, by the chain rule."""
    chances = {}
    for answer in product(range(target.vocab_size), repeat=LENGTH):
        chance = 1.0
        for place, token_id in enumerate(answer):
            written = answer[:place]
            logits = target.logits_after([*PROMPT, *written])
            logits = penalize(logits, written, sampling.repetition_penalty)
            chance *= reference_candidates(logits, sampling).get(token_id, 0.0)
        if chance > 0.0:
            chances[answer] = chance
    return chances


def write(
    sampling: Sampling, drafter: Drafter | None, cost: StepCost | None = None
) -> list[tuple[int, ...]]:
    policy = DraftPolicy(cost or StepCost.flat(), min_gain=0.0)
    scheduler = Scheduler(
        FakeTarget(vocab_size=4),
        drafter,
        policy,
        max_sequences=8,
        clock=make_clock(),
    )
    requests = [
        Request(PROMPT, LENGTH, sampling=sampling, stream=stream)
        for stream in range(NUM_ANSWERS)
    ]
    return [tuple(answer.token_ids) for answer in run_all(scheduler, requests)]


@pytest.mark.parametrize("is_drafted", [False, True])
@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=1.0, seed=1),
        Sampling(temperature=1.4, top_k=3, top_p=0.95, seed=2),
        Sampling(temperature=0.8, min_p=0.05, repetition_penalty=1.3, seed=3),
    ],
    ids=["plain", "top-k and top-p", "min-p and penalty"],
)
def test_sampled_answers_follow_the_distribution(
    sampling: Sampling, is_drafted: bool
) -> None:
    target = FakeTarget(vocab_size=4)
    drafter = RandomDrafter(target=target, random=Random(7)) if is_drafted else None
    check_distribution(target, sampling, Counter(write(sampling, drafter)))


def check_distribution(
    target: FakeTarget, sampling: Sampling, counts: Counter[tuple[int, ...]]
) -> None:
    """Compare answers with what the target would have written by itself."""
    chances = exact_chances(target, sampling)
    assert set(counts) <= set(chances), "what the filters exclude was drawn"
    assert sum(chances.values()) == pytest.approx(1.0)
    # Answers that are expected fewer than five times are counted together.
    rare = {answer for answer, chance in chances.items() if chance * NUM_ANSWERS < 5}
    cells = [
        (counts[answer], chance * NUM_ANSWERS)
        for answer, chance in chances.items()
        if answer not in rare
    ]
    if rare:
        expected = sum(chances[answer] for answer in rare) * NUM_ANSWERS
        cells.append((sum(counts[answer] for answer in rare), expected))
    statistic = sum((seen - wanted) ** 2 / wanted for seen, wanted in cells)
    assert statistic < quantile(len(cells) - 1)


def test_the_test_would_notice_a_wrong_distribution() -> None:
    target = FakeTarget(vocab_size=4)
    counts = Counter(write(Sampling(temperature=1.0, seed=1), None))
    chances = exact_chances(target, Sampling(temperature=1.3))
    statistic = sum(
        (counts[answer] - chance * NUM_ANSWERS) ** 2 / (chance * NUM_ANSWERS)
        for answer, chance in chances.items()
    )
    assert statistic > quantile(len(chances) - 1)


def test_a_seed_gives_the_same_answers_with_drafts_and_without() -> None:
    sampling = Sampling(temperature=1.2, seed=9)
    target = FakeTarget(vocab_size=4)
    drafted = write(sampling, RandomDrafter(target=target, random=Random(3)))
    assert drafted == write(sampling, None)


def test_streams_and_seeds_draw_differently() -> None:
    first = write(Sampling(temperature=1.2, seed=1), None)
    second = write(Sampling(temperature=1.2, seed=2), None)
    assert first != second
    assert len(set(first)) > 10
    assert np.mean([a == b for a, b in zip(first, second, strict=True)]) < 0.5


# A drafted token costs a tenth of a step and then more: drafts are worth it or not, as
# the draft model's distribution has it.
LADDER = StepCost.from_samples({1: 3.0, 2: 3.3, 5: 4.5, 64: 40.0})
QUICK = StepCost.from_samples({1: 0.1, 64: 1.0})


@pytest.mark.parametrize("has_map", [False, True])
@pytest.mark.parametrize("model_seed", [0, 5])
@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=1.0, seed=1),
        Sampling(temperature=1.4, top_k=3, top_p=0.95, seed=2),
        Sampling(temperature=0.8, min_p=0.05, repetition_penalty=1.3, seed=3),
    ],
    ids=["plain", "top-k and top-p", "min-p and penalty"],
)
def test_drawn_drafts_leave_the_distribution_unchanged(
    sampling: Sampling, model_seed: int, has_map: bool
) -> None:
    """With lengths chosen by cost, rates learned on the way, and a trimmed draft."""
    token_map = TokenMap(np.array([2, 0, 3], np.int32), 1) if has_map else None
    model = FakeTarget(
        vocab_size=3 if has_map else 4, seed=model_seed, num_sequences=10
    )
    drafter = ModelDrafter(
        model, StopRule(LADDER, QUICK), token_map=token_map, draws=True
    )
    feedback = DraftPolicy(LADDER).feedback
    chain = ChainDrafter({"model": drafter}, feedback)
    answers = write(sampling, chain, LADDER)
    assert feedback.counters.of("model").num_proposed > NUM_ANSWERS // 20
    check_distribution(FakeTarget(vocab_size=4), sampling, Counter(answers))


def test_drawing_accepts_more_than_comparing() -> None:
    sampling = Sampling(temperature=1.0, seed=1)
    shares = []
    for draws in (False, True):
        model = FakeTarget(vocab_size=4, num_sequences=10)
        rule = StopRule(StepCost.flat(), QUICK)
        drafter = ModelDrafter(model, rule, draws=draws)
        write(sampling, drafter)
        shares.append(drafter.chance_rates.mean)
    compared, drawn = shares
    assert drawn > compared + 0.1


def test_a_drawn_draft_is_not_mixed_with_others() -> None:
    sampling = Sampling(temperature=1.0, seed=4)
    target = FakeTarget(vocab_size=4)
    model = ModelDrafter(
        FakeTarget(vocab_size=4, num_sequences=10),
        StopRule(StepCost.flat(), QUICK),
        draws=True,
    )
    feedback = DraftPolicy(LADDER).feedback
    chain = ChainDrafter(
        {"model": model, "other": RandomDrafter(target=target, random=Random(7))},
        feedback,
    )
    assert write(sampling, chain) == write(sampling, None)
