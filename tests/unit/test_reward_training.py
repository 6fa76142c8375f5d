"""A translator that learns from translations of its own, on a small random model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("gguf")
pytest.importorskip("sacrebleu")

from polyspec.catalog.store import model_path  # noqa: E402
from polyspec.errors import ModelError  # noqa: E402
from polyspec.gguf_header import GgufHeader, read_gguf_header  # noqa: E402
from polyspec.languages import find_language  # noqa: E402
from polyspec.tables.encoder import make_encoder  # noqa: E402
from polyspec.training.adapter_run import (  # noqa: E402
    REWARD,
    AdapterOptions,
    AdapterTraining,
    HoldThenFall,
)
from polyspec.training.encoding import make_decoder  # noqa: E402
from polyspec.training.lora import add_lora, merge_lora  # noqa: E402
from polyspec.training.pairs import PairFile, PairSampler  # noqa: E402
from polyspec.training.reward_loss import (  # noqa: E402
    Judged,
    RewardLoss,
    measure_judged,
)
from polyspec.training.sampling import AnswerSampler, Sampling  # noqa: E402
from polyspec.training.torch_gemma import Gemma, Past, load_gemma  # noqa: E402
from tests.tiny_gemma import (  # noqa: E402
    TOKENS,
    write_next_words,
    write_tiny_gemma,
)

ENGLISH, GERMAN = find_language("en"), find_language("de")
NEWLINE = TOKENS.index(b"<0x0A>")
EVERYTHING = np.arange(len(TOKENS))
GREEDY = Sampling(num_samples=2, temperature=1e-4)


@pytest.fixture
def base() -> GgufHeader:
    path = model_path("tiny")
    path.parent.mkdir(parents=True, exist_ok=True)
    return read_gguf_header(write_tiny_gemma(path, 2, embedding_scale=0.3))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return write_next_words(tmp_path / "deu.tsv")


@pytest.fixture
def start(base: GgufHeader, pairs: Path, tmp_path: Path) -> GgufHeader:
    """An adapter that has begun to translate."""
    out = tmp_path / "start.gguf"
    options = AdapterOptions(
        HoldThenFall(80, peak_rate=2e-2, num_warmup=2), rank=4, batch_size=16
    )
    training = AdapterTraining(
        base, make_sampler(base, pairs), options, tmp_path / "likelihood"
    )
    training.run(lambda num_done, loss: None)
    training.export(out, {})
    return read_gguf_header(out)


def make_sampler(base: GgufHeader, pairs: Path) -> PairSampler:
    return PairSampler(
        [PairFile(GERMAN, pairs)],
        ENGLISH,
        make_encoder(base),
        bos_ids=(2,),
        batch_size=16,
        seed=0,
        is_wide=True,
    )


def make_training(
    base: GgufHeader, pairs: Path, start: GgufHeader, checkpoint: Path, num_steps: int
) -> AdapterTraining:
    schedule = HoldThenFall(num_steps, peak_rate=2e-3, num_warmup=2, save_every=3)
    options = AdapterOptions(schedule, rank=4, batch_size=16, objective=REWARD)
    return AdapterTraining(
        base, make_sampler(base, pairs), replace(options, alpha=64.0), checkpoint, start
    )


def adapted(base: GgufHeader) -> Gemma:
    model = load_gemma(base.path)
    generator = torch.Generator().manual_seed(2)
    for name, weights in add_lora(model, 4, 8.0, seed=1).items():
        if name.endswith("lora_b"):
            torch.nn.init.normal_(weights, std=0.1, generator=generator)
    return model


def test_reading_in_parts_gives_what_reading_at_once_does(base: GgufHeader) -> None:
    # Longer than the window of 32 that local blocks see.
    ids = torch.randint(4, len(TOKENS), (3, 50), generator=torch.Generator())
    model = load_gemma(base.path)
    whole = model(ids)
    past = Past(2, 50)
    parts = []
    for begin, end in (
        (0, 20),
        (20, 21),
        (21, 40),
        *((k, k + 1) for k in range(40, 50)),
    ):
        positions = torch.arange(begin, end).expand(3, -1)
        mask = torch.arange(end) <= positions[:, None, :, None]
        parts.append(model(ids[:, begin:end], positions, mask, past))
    torch.testing.assert_close(torch.cat(parts, 1), whole)


def test_a_merged_adapter_computes_the_same(base: GgufHeader) -> None:
    ids = torch.tensor([[2, 270, 280, 290, 265]])
    model = adapted(base)
    apart = model.logits(ids)
    with merge_lora(model):
        torch.testing.assert_close(model.logits(ids), apart)
    torch.testing.assert_close(model.logits(ids), apart)


def greedy_answer(model: Gemma, prompt: list[int], max_tokens: int) -> tuple[int, ...]:
    ids = list(prompt)
    while len(ids) < len(prompt) + max_tokens and ids[-1] != NEWLINE:
        ids.append(int(model.logits(torch.tensor([ids]))[0, -1].argmax()))
    return tuple(ids[len(prompt) :])


def test_cold_samples_are_the_likeliest_tokens(base: GgufHeader) -> None:
    model = adapted(base)
    prompts = [[2, 270, 280], [2, 290, 265, 271, 266], [2, 300]]
    sampler = AnswerSampler(model, NEWLINE, GREEDY)
    answers = sampler.draw(prompts, EVERYTHING, 40, torch.Generator())
    with torch.inference_mode():
        wanted = [greedy_answer(model, prompt, 40) for prompt in prompts]
    assert answers == [[answer, answer] for answer in wanted]


def test_an_answer_ends_at_its_end_and_keeps_to_candidates(base: GgufHeader) -> None:
    candidates = np.array([NEWLINE, 270, 280, 290])
    sampling = Sampling(num_samples=40, temperature=3.0, least_probability=0.0)
    sampler = AnswerSampler(load_gemma(base.path), NEWLINE, sampling)
    generator = torch.Generator().manual_seed(1)
    (answers,) = sampler.draw([[2, 270, 280]], candidates, 12, generator)
    assert len({len(answer) for answer in answers}) > 2
    for answer in answers:
        assert set(answer) <= set(candidates.tolist())
        assert NEWLINE not in answer[:-1]
        assert answer[-1] == NEWLINE or len(answer) == 12


def test_what_is_unlikely_is_not_drawn(base: GgufHeader) -> None:
    model = load_gemma(base.path)
    prompt = [2, 270, 280]
    chances = (
        model.logits(torch.tensor([prompt]))[0, -1].detach().softmax(-1).sort().values
    )
    least = float(chances[-3] + chances[-4]) / 2
    sampling = Sampling(num_samples=300, temperature=1.0, least_probability=least)
    sampler = AnswerSampler(model, NEWLINE, sampling)
    generator = torch.Generator().manual_seed(1)
    (answers,) = sampler.draw([prompt], EVERYTHING, 1, generator)
    assert len(set(answers)) == 3


def test_answers_side_by_side_count_as_if_each_stood_alone(base: GgufHeader) -> None:
    model = adapted(base)
    judged = [
        Judged((2, 270, 280, 281), ((271, 281, NEWLINE), (290, NEWLINE)), (1.5, -0.5)),
        Judged((2, 300), ((NEWLINE,), (265, 266, 267, NEWLINE)), (-1.0, 2.0)),
    ]
    total = 0.0
    for each in judged:
        for answer, advantage in zip(each.answers, each.advantages, strict=True):
            logits = model.logits(torch.tensor([each.prompt_ids + answer[:-1]]))[0]
            chances = (logits[len(each.prompt_ids) - 1 :] / 0.7).log_softmax(-1)
            total -= advantage * chances.gather(1, torch.tensor(answer)[:, None]).sum()
    measured = measure_judged(model, judged, EVERYTHING, 0.7)
    torch.testing.assert_close(measured, total)


def test_the_reward_rises(
    base: GgufHeader, pairs: Path, start: GgufHeader, tmp_path: Path
) -> None:
    losses: list[float] = []
    training = make_training(base, pairs, start, tmp_path / "run", 80)
    training.run(lambda num_done, loss: losses.append(loss))
    # The loss is 1 less the mean chrF++ of what was drawn.
    assert all(0.0 <= loss <= 1.0 for loss in losses)
    assert np.mean(losses[-20:]) < 0.92 * np.mean(losses[:10])


def test_a_killed_run_goes_on_bit_for_bit(
    base: GgufHeader, pairs: Path, start: GgufHeader, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "one" / "a.gguf", tmp_path / "two" / "a.gguf"
    whole.parent.mkdir()
    parts.parent.mkdir()
    training = make_training(base, pairs, start, tmp_path / "whole", 6)
    training.run(lambda num_done, loss: None)
    training.export(whole, {})
    # Time is over after the first step.
    for _ in range(6):
        part = make_training(base, pairs, start, tmp_path / "parts", 6)
        part.run(lambda num_done, loss: None, minutes=0.0)
    part.export(parts, {})
    assert parts.read_bytes() == whole.read_bytes()


def test_sentences_whose_answers_are_equally_good_teach_nothing(
    base: GgufHeader, pairs: Path
) -> None:
    model = adapted(base)
    loss = RewardLoss(model, make_decoder(base), 0, Sampling(temperature=1e-4))
    value, num_terms = loss(make_sampler(base, pairs).batch(0))
    value.backward()
    assert num_terms == 1
    assert 0.0 <= float(value.detach()) <= 1.0
    assert not any(
        each.grad.any() for each in model.parameters() if each.grad is not None
    )


def test_a_run_does_not_go_on_with_another_objective(
    base: GgufHeader, pairs: Path, start: GgufHeader, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "run"
    training = make_training(base, pairs, start, checkpoint, 1)
    training.run(lambda num_done, loss: None)
    schedule = HoldThenFall(1, peak_rate=2e-3, num_warmup=2)
    options = AdapterOptions(schedule, rank=4, batch_size=16)
    with pytest.raises(ModelError) as caught:
        AdapterTraining(base, make_sampler(base, pairs), options, checkpoint, start)
    assert caught.value.cause == "its objective is chrf++, not nothing"
