"""A real model drafts: for itself, on other sequences, and for one it does not fit."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.scheduler import Request, Scheduler
from polyspec.decoding.step_cost import StepCost
from polyspec.decoding.stop_rule import StopRule
from polyspec.drafting.model import ModelDrafter
from polyspec.drafting.token_map import read_token_map
from polyspec.engine.model import Model
from polyspec.engine.target import ContextOptions, LlamaTarget
from polyspec.errors import EngineError
from polyspec.training.encoding import open_encoder
from polyspec.training.surgery import Cut, cut_model
from polyspec.training.vocabulary import choose_tokens
from tests.fakes import Answer, run_all
from tests.model.test_engine import PROMPTS, encode, find

pytestmark = pytest.mark.model

FREE = StepCost.from_samples({1: 1e-6, 64: 1e-6})
RULE = StopRule(StepCost.flat(), FREE)


@pytest.fixture(scope="module")
def model(models_dir: Path) -> Iterator[Model]:
    with Model(find(models_dir, "smollm2-135m-instruct"), gpu_layers=0) as loaded:
        yield loaded


@pytest.fixture
def targets(model: Model) -> Iterator[list[LlamaTarget]]:
    """Two contexts of one model: who decides, and who drafts."""
    options = ContextOptions(num_sequences=6, context_size=1024, num_threads=2)
    made = [LlamaTarget(model, options) for _ in range(2)]
    yield made
    for target in made:
        target.close()


def write(
    target: LlamaTarget, drafter: ModelDrafter | None, prompts: Sequence[str]
) -> list[Answer]:
    policy = DraftPolicy(StepCost.flat(), min_gain=0.0, max_drafted=4)
    scheduler = Scheduler(target, drafter, policy, max_sequences=3)
    requests = [Request(encode(target, prompt), 24) for prompt in prompts]
    answers = run_all(scheduler, requests)
    scheduler.close()
    return answers


def test_a_model_agrees_with_itself(targets: list[LlamaTarget]) -> None:
    target, small = targets
    drafter = ModelDrafter(small, RULE, is_careful=False)
    answers = write(target, drafter, PROMPTS)
    num_drafted = sum(e.num_drafted for a in answers for e in a.events)
    num_accepted = sum(len(e.sources) for a in answers for e in a.events)
    assert num_drafted > 50
    # Wider steps round differently, so a close call may go the other way.
    assert num_accepted / num_drafted > 0.9
    assert target.num_steps < small.num_steps


def test_probabilities_are_about_right(targets: list[LlamaTarget]) -> None:
    target, small = targets
    drafter = ModelDrafter(small, RULE)
    write(target, drafter, PROMPTS)
    assert drafter.chance_rates.mean > 0.85


def test_a_draft_context_that_is_too_small_stops_no_run(
    model: Model, targets: list[LlamaTarget]
) -> None:
    options = ContextOptions(num_sequences=6, context_size=256, num_threads=2)
    small = LlamaTarget(model, options)
    failures: list[EngineError] = []
    drafter = ModelDrafter(small, RULE, on_failure=failures.append, is_careful=False)
    prompts = [f"{number} {PROMPTS[0] * 6}" for number in range(4)]
    answers = write(targets[0], drafter, prompts)
    small.close()
    assert [len(answer.token_ids) for answer in answers] == [24] * 4
    assert not failures


def test_a_model_cut_to_the_tokens_of_a_text_still_agrees(
    targets: list[LlamaTarget], tmp_path: Path
) -> None:
    target, _ = targets
    header = target.model.header
    (tmp_path / "corpus.txt").write_text("\n".join(PROMPTS))
    with open_encoder(header, print) as encoder:
        kept = choose_tokens(header, corpora=[tmp_path / "corpus.txt"], encoder=encoder)
    plain = write(target, None, PROMPTS)
    written = {token_id for answer in plain for token_id in answer.token_ids}
    kept = np.union1d(kept, np.array(sorted(written))).astype(np.int32)
    layers = tuple(range(header.integer("llama.block_count") or 0))
    cut_model(header, Cut(layers, kept), {}, tmp_path / "cut.gguf")
    with Model(tmp_path / "cut.gguf", gpu_layers=0) as trimmed:
        small = LlamaTarget(trimmed, target.options)
        token_map = read_token_map(trimmed.header, header)
        drafter = ModelDrafter(small, RULE, token_map=token_map, is_careful=False)
        answers = write(target, drafter, PROMPTS)
        small.close()
    assert len(token_map) < header.vocabulary_size / 20
    num_drafted = sum(e.num_drafted for a in answers for e in a.events)
    num_accepted = sum(len(e.sources) for a in answers for e in a.events)
    assert num_accepted / num_drafted > 0.9
