"""Drafts with a distribution of their own leave the target's unchanged."""

from collections import Counter

import numpy as np
import pytest

from polyspec.arrays import FloatArray, TokenArray
from polyspec.decoding.sampling import Chooser, Sampling, candidates, draw
from polyspec.decoding.verify import verify_drawn, verify_resampled
from tests.fakes import FakeTarget
from tests.properties.test_distribution import exact_chances, quantile

PROMPT = (1, 2, 3)
LENGTH = 3
NUM_ANSWERS = 1500
NUM_DRAFTED = 2
SAMPLINGS = [
    Sampling(temperature=1.0, seed=1),
    Sampling(temperature=1.4, top_k=3, top_p=0.95, seed=2),
    Sampling(temperature=0.8, min_p=0.05, repetition_penalty=1.3, seed=3),
]
Distribution = tuple[TokenArray, FloatArray]


def propose(
    model: FakeTarget, sampling: Sampling, text: list[int], rng: np.random.Generator
) -> tuple[list[int], list[Distribution]]:
    """Draw a draft of two tokens from the model's own distribution."""
    ids: list[int] = []
    distributions = []
    for _ in range(NUM_DRAFTED):
        known, chances = candidates(model.logits_after([*text, *ids]), sampling)
        distributions.append((known, chances))
        ids.append(draw(known, chances, rng.random()))
    return ids, distributions


def write(
    sampling: Sampling, target: FakeTarget, model: FakeTarget, stream: int
) -> tuple[tuple[int, ...], int]:
    """One answer of `LENGTH` tokens, and how many of its first drafts were accepted."""
    chooser = Chooser(sampling, stream)
    rng = np.random.default_rng([99, stream])
    written: list[int] = []
    num_accepted = 0
    while len(written) < LENGTH:
        text = [*PROMPT, *written]
        draft_ids, distributions = propose(model, sampling, text, rng)
        rows = [
            target.logits_after([*text, *draft_ids[:count]])
            for count in range(NUM_DRAFTED + 1)
        ]
        emitted = verify_resampled(
            draft_ids, distributions, np.stack(rows), chooser, written
        )
        assert 1 <= len(emitted) <= NUM_DRAFTED + 1
        if not written:
            num_accepted = int(emitted[0] == draft_ids[0] and len(emitted) > 1)
        written += emitted
    return tuple(written[:LENGTH]), num_accepted


@pytest.mark.parametrize("model_seed", [0, 5])
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_resampled_answers_follow_the_distribution(
    sampling: Sampling, model_seed: int
) -> None:
    target = FakeTarget(vocab_size=4)
    model = FakeTarget(vocab_size=4, seed=model_seed)
    counts = Counter(
        write(sampling, target, model, stream)[0] for stream in range(NUM_ANSWERS)
    )
    chances = exact_chances(target, sampling)
    assert set(counts) <= set(chances), "what the filters exclude was drawn"
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


def test_as_many_are_accepted_as_the_distributions_have_in_common() -> None:
    sampling = SAMPLINGS[0]
    target, model = FakeTarget(vocab_size=4), FakeTarget(vocab_size=4, seed=5)
    found = [write(sampling, target, model, s)[1] for s in range(NUM_ANSWERS)]
    wanted, proposed = (
        dict(zip(*candidates(m.logits_after(PROMPT), sampling), strict=True))
        for m in (target, model)
    )
    common = sum(min(wanted[i], proposed[i]) for i in range(4))
    compared = sum(wanted[i] * proposed[i] for i in range(4))
    assert np.mean(found) == pytest.approx(common, abs=0.05)
    assert common > compared


def test_a_model_with_the_same_distribution_is_always_accepted() -> None:
    target = FakeTarget(vocab_size=4)
    found = [write(SAMPLINGS[1], target, target, stream)[1] for stream in range(200)]
    assert all(found)


def test_a_one_best_draft_is_accepted_as_often_as_by_comparing() -> None:
    target = FakeTarget()
    logits = np.stack([target.logits_after(PROMPT), target.logits_after([*PROMPT, 1])])
    ids, chances = candidates(logits[0], Sampling(temperature=1.0))
    best = int(ids[0])
    point = (np.array([best], dtype=np.int32), np.array([1.0]))
    resampled, compared = [], []
    for stream in range(NUM_ANSWERS):
        chooser = Chooser(Sampling(temperature=1.0), stream)
        emitted = verify_resampled([best], [point], logits, chooser, [])
        assert (len(emitted) == 2) == (emitted[0] == best)
        resampled.append(emitted[0] == best)
        compared.append(verify_drawn([best], logits, chooser, [])[0] == best)
    for accepted in (resampled, compared):
        assert np.mean(accepted) == pytest.approx(chances[0], abs=0.05)


def test_the_order_of_a_distribution_does_not_matter() -> None:
    target, model = FakeTarget(), FakeTarget(seed=5)
    sampling = Sampling(temperature=1.0)
    logits = np.stack([target.logits_after(PROMPT), target.logits_after([*PROMPT, 1])])
    ids, chances = candidates(model.logits_after(PROMPT), sampling)
    for stream in range(50):
        chooser = Chooser(sampling, stream)
        first = verify_resampled([1], [(ids, chances)], logits, chooser, [])
        turned = (ids[::-1], chances[::-1])
        assert verify_resampled([1], [turned], logits, chooser, []) == first
