"""A draft trained on lessons, written, and compared with what llama.cpp makes of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from polyspec.drafting.token_map import has_token_map, read_token_map
from polyspec.errors import ModelError
from polyspec.gguf_header import GgufHeader, read_gguf_header
from polyspec.training.draft_lessons import open_teacher
from polyspec.training.surgery import require_other_file
from polyspec.training.teacher import Lesson

if TYPE_CHECKING:
    from polyspec.training.draft_export import Comparison

_NUM_COMPARED = 200
"""Positions at which torch and llama.cpp are compared."""


@dataclass(frozen=True, slots=True)
class DraftOptions:
    """How a draft is trained."""

    num_steps: int
    rate: float = 5e-4
    """The highest."""
    seed: int = 0
    batch_size: int = 16
    """Lessons of a step."""
    max_tokens: int = 1024
    """Most tokens of a row in which lessons stand side by side."""
    num_threads: int | None = None


def read_draft(path: Path, target: GgufHeader) -> GgufHeader:
    """The header of a draft that can be trained for a target.

    Raises:
        ModelError: It was not cut out of such a target.
    """
    header = read_gguf_header(path)
    if not has_token_map(header):
        raise ModelError(
            f"{path} cannot be trained as a draft",
            cause="it was not cut out of a target",
            remedy="make a draft first with: polyspec drafts make "
            f"--target {target.path.stem}",
        )
    read_token_map(header, target)
    return header


def train_draft(
    draft: GgufHeader,
    target: GgufHeader,
    lessons: Sequence[Lesson],
    options: DraftOptions,
    *,
    checkpoint: Path,
    out: Path,
    card: Mapping[str, str],
    report: Callable[[int, float], None],
) -> "Comparison":
    """Train a draft on lessons, write it, and compare torch with llama.cpp.

    Args:
        draft: What training begins with, cut out of the target.
        target: Of the model that taught.
        lessons: All.
        options: How.
        checkpoint: Where the run is kept; it goes on from there.
        out: Where the trained draft is to be.
        card: What it is to say of itself besides.
        report: Told the number of steps done and the mean loss of the last.

    Raises:
        ModelError: The draft is not one of this target, the checkpoint is of another
            run, or the loss is no number.
        EngineError: There is not enough memory.
        DocumentError: A file cannot be written.
        UsageError: The trained draft would replace the one that training began with.
    """
    import torch

    from polyspec.training.draft_export import export_draft
    from polyspec.training.draft_loss import DraftLoss, LessonDraws
    from polyspec.training.torch_gemma import load_gemma
    from polyspec.training.trainer import Schedule, Trainer

    require_other_file(draft, out)
    if options.num_threads is not None:
        torch.set_num_threads(options.num_threads)
    token_map = read_token_map(draft, target)
    model = load_gemma(draft.path)
    draws = LessonDraws(
        lessons,
        token_map,
        seed=options.seed,
        batch_size=options.batch_size,
        max_tokens=options.max_tokens,
    )
    trainer = Trainer(
        model,
        DraftLoss(model),
        Schedule(options.num_steps, options.rate),
        checkpoint,
        _describe_run(draft, target, lessons, options),
    )
    trainer.run(draws, report)
    export_draft(model, draft, _make_card(target, lessons, options) | dict(card), out)
    read = (
        token_map.to_draft([*lesson.prompt_ids.tolist(), *lesson.answer_ids.tolist()])
        for lesson in lessons
    )
    return compare_file(out, read)


def compare_file(path: Path, texts: Iterable[Sequence[int]]) -> "Comparison":
    """Compare torch with llama.cpp on the first 200 positions of texts.

    Args:
        path: Of a draft.
        texts: In its own ids.

    Raises:
        ModelError: The file cannot be loaded.
    """
    from polyspec.training.draft_export import compare_logits
    from polyspec.training.torch_gemma import load_gemma

    chosen: list[Sequence[int]] = []
    num_left = _NUM_COMPARED
    for text in texts:
        chosen.append(text[:num_left])
        num_left -= len(chosen[-1])
        if not num_left:
            break
    with open_teacher(path) as target:
        return compare_logits(load_gemma(path), target, chosen)


def _describe_run(
    draft: GgufHeader,
    target: GgufHeader,
    lessons: Sequence[Lesson],
    options: DraftOptions,
) -> dict[str, str]:
    """What makes two runs the same."""
    return {
        "target": target.path.stem,
        "draft": _digest_file(draft.path),
        "lessons": _digest_lessons(lessons),
        "seed": str(options.seed),
        "batch size": str(options.batch_size),
        "max tokens": str(options.max_tokens),
    }


def _make_card(
    target: GgufHeader, lessons: Sequence[Lesson], options: DraftOptions
) -> dict[str, str]:
    return {
        "steps": str(options.num_steps),
        "seed": str(options.seed),
        "rate": str(options.rate),
        "texts": str(len(lessons)),
        "tokens": str(sum(lesson.num_tokens for lesson in lessons)),
        "licence": target.text("general.license") or "that of the target",
    }


def _digest_file(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _digest_lessons(lessons: Sequence[Lesson]) -> str:
    digest = sha256()
    for lesson in lessons:
        for array in (lesson.prompt_ids, lesson.answer_ids, lesson.log_probabilities):
            digest.update(array.tobytes())
    return digest.hexdigest()
