"""From a text to a trained draft, with a small random target in llama.cpp."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from polyspec.drafting.token_map import read_token_map  # noqa: E402
from polyspec.errors import ModelError, UsageError  # noqa: E402
from polyspec.gguf_header import GgufHeader, read_gguf_header  # noqa: E402
from polyspec.languages import find_language  # noqa: E402
from polyspec.training.draft_lessons import Subject, teach_subject  # noqa: E402
from polyspec.training.draft_run import (  # noqa: E402
    DraftOptions,
    read_draft,
    train_draft,
)
from polyspec.training.surgery import Cut, cut_model, read_card  # noqa: E402
from polyspec.training.teacher import Lesson  # noqa: E402
from tests.tiny_gemma import TOKENS, write_tiny_gemma  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def target(tmp_path: Path) -> GgufHeader:
    return read_gguf_header(write_tiny_gemma(tmp_path / "target.gguf"))


@pytest.fixture
def draft(target: GgufHeader, tmp_path: Path) -> GgufHeader:
    ids = np.array([*range(4), *range(5, len(TOKENS))], np.int32)
    cut_model(target, Cut((0, 5), ids), {"languages": "deu"}, tmp_path / "draft.gguf")
    return read_draft(tmp_path / "draft.gguf", target)


def learn(target: GgufHeader, folder: Path, num_tokens: int = 200) -> list[Lesson]:
    text = folder / "text.txt"
    text.write_text("".join(f"one two {number}\n" for number in range(40)))
    english = find_language("eng")
    subject = Subject(find_language("deu"), "mono", num_tokens, english, text=text)
    return teach_subject(target, subject, folder / "work", 1, lambda _: None)


def test_a_draft_is_taught_trained_written_and_compared(
    target: GgufHeader, draft: GgufHeader, tmp_path: Path
) -> None:
    lessons = learn(target, tmp_path)
    losses: list[float] = []
    found = train_draft(
        draft,
        target,
        lessons,
        DraftOptions(num_steps=30, rate=1e-2, batch_size=4, num_threads=1),
        checkpoint=tmp_path / "run.pt",
        out=tmp_path / "trained.gguf",
        card={"strategy": "mono"},
        report=lambda _, loss: losses.append(loss),
    )
    assert losses[-1] < losses[0]
    assert found.num_positions == 200
    assert found.largest < 0.05 * found.spread
    header = read_gguf_header(tmp_path / "trained.gguf")
    assert len(read_token_map(header, target)) == len(TOKENS) - 1
    card = read_card(header)
    assert card["strategy"] == "mono"
    assert card["languages"] == "deu"
    assert card["steps"] == "30"
    assert int(card["tokens"]) == sum(lesson.num_tokens for lesson in lessons)


def test_other_lessons_make_another_run(
    target: GgufHeader, draft: GgufHeader, tmp_path: Path
) -> None:
    lessons = learn(target, tmp_path)

    def run(chosen: list[Lesson]) -> None:
        train_draft(
            draft,
            target,
            chosen,
            DraftOptions(num_steps=1, batch_size=1, num_threads=1),
            checkpoint=tmp_path / "run.pt",
            out=tmp_path / "trained.gguf",
            card={},
            report=lambda *_: None,
        )

    run(lessons)
    with pytest.raises(ModelError, match="cannot be continued") as refusal:
        run(lessons[1:])
    assert refusal.value.cause.startswith("its lessons is")


def test_a_text_without_lines_teaches_nothing(
    target: GgufHeader, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="nothing to learn from"):
        learn(target, tmp_path, num_tokens=0)


def test_a_model_that_was_not_cut_out_is_refused(target: GgufHeader) -> None:
    with pytest.raises(ModelError, match="cannot be trained as a draft") as refusal:
        read_draft(target.path, target)
    assert refusal.value.remedy.endswith("polyspec drafts make --target target")
