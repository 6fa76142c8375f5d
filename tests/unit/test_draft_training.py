"""Drafts trained on a small random target: lessons, loss, checkpoints, export."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
nn = torch.nn

from polyspec.drafting.token_map import TokenMap, read_token_map  # noqa: E402
from polyspec.engine.model import Model  # noqa: E402
from polyspec.engine.target import ContextOptions, LlamaTarget  # noqa: E402
from polyspec.errors import EngineError, ModelError  # noqa: E402
from polyspec.gguf_header import GgufHeader, read_gguf_header  # noqa: E402
from polyspec.training.draft_export import compare_logits, export_draft  # noqa: E402
from polyspec.training.draft_loss import DraftLoss, LessonDraws, measure_row  # noqa: E402
from polyspec.training.packing import PackedRow, pack  # noqa: E402
from polyspec.training.surgery import Cut, cut_model, read_card  # noqa: E402
from polyspec.training.teacher import Example, Lesson, Teacher  # noqa: E402
from polyspec.training.torch_gemma import Gemma, load_gemma  # noqa: E402
from polyspec.training.trainer import Schedule, Trainer  # noqa: E402
from tests.fakes import FakeTarget  # noqa: E402
from tests.tiny_gemma import TOKENS, WORDS, write_tiny_gemma  # noqa: E402

FIRST_WORD = len(TOKENS) - len(WORDS)
SHORT = Schedule(num_steps=12, peak_rate=1e-2, num_warmup=2, save_every=4)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other take longer than the sums of so small a model."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def target(tmp_path: Path) -> GgufHeader:
    return read_gguf_header(write_tiny_gemma(tmp_path / "target.gguf"))


@pytest.fixture
def draft(target: GgufHeader, tmp_path: Path) -> GgufHeader:
    words = np.arange(FIRST_WORD, len(TOKENS), 2)
    ids = np.concatenate([[0, 1, 2, 3], words]).astype(np.int32)
    cut_model(target, Cut((0, 5), ids), {}, tmp_path / "draft.gguf")
    return read_gguf_header(tmp_path / "draft.gguf")


def make_lessons(num: int = 12) -> list[Lesson]:
    rng = np.random.default_rng(0)
    teacher = Teacher(FakeTarget(vocab_size=len(TOKENS)), num_kept=4)
    beginning = tuple(range(FIRST_WORD, FIRST_WORD + 6))
    return [
        teacher.teach(
            Example(
                (2, *beginning, *rng.integers(FIRST_WORD, len(TOKENS), 3).tolist()),
                tuple(rng.integers(FIRST_WORD, len(TOKENS), 5).tolist()),
            )
        )
        for _ in range(num)
    ]


def make_draws(token_map: TokenMap, seed: int = 0) -> LessonDraws:
    return LessonDraws(
        make_lessons(), token_map, seed=seed, batch_size=6, max_tokens=40
    )


def train(
    draft: GgufHeader,
    checkpoint: Path,
    target: GgufHeader,
    stop_at: int | None = None,
    schedule: Schedule = SHORT,
) -> tuple[Gemma, list[float]]:
    model = load_gemma(draft.path)
    trainer = Trainer[PackedRow](
        model, DraftLoss(model), schedule, checkpoint, {"draft": "tiny"}
    )
    losses: list[float] = []

    def report(num_done: int, loss: float) -> None:
        losses.append(loss)
        if num_done == stop_at:
            raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        trainer.run(make_draws(read_token_map(draft, target)), report)
    return model, losses


def test_a_lesson_is_what_the_target_finds_likely_after_each_token() -> None:
    target = FakeTarget(vocab_size=50, max_batch=3)
    example = Example((1, 2, 3), (4, 5, 6, 7))
    lesson = Teacher(target, num_kept=5).teach(example)
    text = [*example.prompt_ids, *example.answer_ids]
    for place in range(4):
        logits = target.logits_after(text[: 3 + place])
        order = np.argsort(-logits, kind="stable")[:5]
        expected = logits[order] - np.log(np.exp(logits).sum())
        assert lesson.likely_ids[place].tolist() == order.tolist()
        np.testing.assert_allclose(lesson.log_probabilities[place], expected, atol=5e-3)


def test_what_texts_have_in_common_is_read_once() -> None:
    target = FakeTarget(vocab_size=50)
    teacher = Teacher(target)
    alone = [Teacher(FakeTarget(vocab_size=50)) for _ in range(2)]
    examples = [Example((1, 2, 3, 4), (5, 6)), Example((1, 2, 3, 9), (7, 8))]
    for example, other in zip(examples, alone, strict=True):
        lesson, expected = teacher.teach(example), other.teach(example)
        np.testing.assert_array_equal(lesson.likely_ids, expected.likely_ids)
    assert target.widths == [5, 2]


def test_lessons_in_a_row_do_not_see_each_other(
    draft: GgufHeader, target: GgufHeader
) -> None:
    model = load_gemma(draft.path)
    token_map = read_token_map(draft, target)
    lessons = make_lessons(4)
    (together,) = pack(lessons, token_map, 1000)
    alone = [row for lesson in lessons for row in pack([lesson], token_map, 1000)]
    assert len(together.ids) < sum(len(row.ids) for row in alone)
    loss = measure_row(model, together)
    sums = sum(measure_row(model, row) for row in alone)
    torch.testing.assert_close(loss, sums, rtol=1e-5, atol=1e-4)


def test_rows_keep_to_their_size(draft: GgufHeader, target: GgufHeader) -> None:
    rows = pack(make_lessons(), read_token_map(draft, target), 30)
    assert all(len(row.ids) <= 30 for row in rows)
    assert sum(len(row.places) for row in rows) == 12 * 5


def test_the_loss_falls(draft: GgufHeader, target: GgufHeader, tmp_path: Path) -> None:
    _, losses = train(draft, tmp_path / "run.pt", target)
    assert len(losses) == 12
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("stop_at", [4, 6, 8])
def test_a_run_that_was_killed_goes_on_bit_for_bit(
    draft: GgufHeader, target: GgufHeader, tmp_path: Path, stop_at: int
) -> None:
    whole, _ = train(draft, tmp_path / "whole.pt", target)
    train(draft, tmp_path / "run.pt", target, stop_at=stop_at)
    resumed, losses = train(draft, tmp_path / "run.pt", target)
    assert len(losses) == 12 - stop_at // 4 * 4
    for name, weights in whole.state_dict().items():
        assert torch.equal(weights, resumed.state_dict()[name]), name


def test_a_checkpoint_of_another_run_is_refused(
    draft: GgufHeader, target: GgufHeader, tmp_path: Path
) -> None:
    train(draft, tmp_path / "run.pt", target, stop_at=4)
    other = Schedule(num_steps=20, peak_rate=1e-2, num_warmup=2, save_every=4)
    with pytest.raises(ModelError, match="cannot be continued") as refusal:
        train(draft, tmp_path / "run.pt", target, schedule=other)
    assert refusal.value.cause == "its num_steps is 12, not 20"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04nonsense", b"\x80\x04K\x01."])
def test_a_file_that_is_no_checkpoint_is_refused(
    draft: GgufHeader, target: GgufHeader, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "run.pt").write_bytes(content)
    with pytest.raises(ModelError, match="cannot be continued"):
        train(draft, tmp_path / "run.pt", target)


class Toy(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3))


def run_toy(path: Path, measure, num_items: int = 4) -> Toy:  # type: ignore[no-untyped-def]
    toy = Toy()
    trainer = Trainer[int](
        toy, lambda items: measure(toy, items), Schedule(3), path, {}
    )
    trainer.run(lambda step: list(range(num_items)), lambda *_: None)
    return toy


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_batch(
    tmp_path: Path,
) -> None:
    def measure(toy: Toy, items: Sequence[int]) -> tuple[object, int]:
        return toy.weight.sum() * float("nan"), len(items)

    with pytest.raises(ModelError, match="step 1: the loss is no number"):
        run_toy(tmp_path / "run.pt", measure)
    assert (tmp_path / "run.pt.bad-batch").exists()
    assert not (tmp_path / "run.pt").exists()


def test_batches_are_halved_until_they_fit(tmp_path: Path) -> None:
    sizes: list[int] = []

    def measure(toy: Toy, items: Sequence[int]) -> tuple[object, int]:
        sizes.append(len(items))
        if len(items) > 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return (toy.weight * sum(items)).sum(), 1

    halved = run_toy(tmp_path / "halved.pt", measure)
    assert sizes[:4] == [4, 2, 1, 1]
    whole = run_toy(
        tmp_path / "whole.pt",
        lambda toy, items: ((toy.weight * sum(items)).sum(), len(items)),
    )
    assert torch.allclose(halved.weight, whole.weight)


def test_a_single_item_that_does_not_fit_ends_the_run(tmp_path: Path) -> None:
    def measure(toy: Toy, items: Sequence[int]) -> tuple[object, int]:
        raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(EngineError, match="not enough memory"):
        run_toy(tmp_path / "run.pt", measure)


def test_other_errors_are_passed_on(tmp_path: Path) -> None:
    def measure(toy: Toy, items: Sequence[int]) -> tuple[object, int]:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        run_toy(tmp_path / "run.pt", measure)


def test_the_rate_rises_and_falls() -> None:
    schedule = Schedule(num_steps=100, peak_rate=1.0, num_warmup=10)
    rates = [schedule.rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == rates[10] == 1.0
    assert all(later <= sooner for sooner, later in pairwise(rates[10:]))
    assert rates[-1] == pytest.approx(0.1, abs=0.01)


@pytest.fixture
def exported(draft: GgufHeader, target: GgufHeader, tmp_path: Path) -> Path:
    model, _ = train(draft, tmp_path / "run.pt", target)
    export_draft(model, draft, {"strategy": "task"}, tmp_path / "trained.gguf")
    return tmp_path / "trained.gguf"


def test_an_exported_draft_runs_in_llama_cpp_with_the_same_logits(
    exported: Path, target: GgufHeader
) -> None:
    header = read_gguf_header(exported)
    assert read_card(header)["strategy"] == "task"
    assert read_card(header)["layers"] == "0,5"
    num = len(read_token_map(header, target))
    texts = [[2, *range(4, num)], [2, *range(num - 1, 4, -1)]]
    with Model(exported, gpu_layers=0) as loaded:
        context = LlamaTarget(loaded, ContextOptions(1, 64, num_threads=1))
        found = compare_logits(load_gemma(exported), context, texts)
        context.close()
    assert found.num_positions == sum(map(len, texts))
    assert found.largest < 0.05 * found.spread
