"""`polyspec train draft`: a draft model that learns from its target."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyspec.cli import diagnostics, options, output

if TYPE_CHECKING:
    from polyspec.gguf_header import GgufHeader
    from polyspec.training.draft_lessons import Subject
    from polyspec.training.draft_run import DraftOptions
    from polyspec.training.teacher import Lesson


def draft(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="DRAFT", help="The draft to train, made by `polyspec drafts make`."
        ),
    ],
    target: Annotated[str, typer.Option(help="The model it drafts for.")],
    language: Annotated[str, typer.Option(help="Language that it learns to draft.")],
    out: Annotated[Path, typer.Option("--output", "-o", help="The trained draft.")],
    strategy: Annotated[
        str,
        typer.Option(
            help="What to learn from: task, translations by the target; mono, the text "
            "of --text; mixed, translations and stories by the target."
        ),
    ] = "mixed",
    sources: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Sentences for the target to translate, one a line."
        ),
    ] = None,
    text: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Existing text in the language."),
    ] = None,
    from_: Annotated[
        str, typer.Option("--from", metavar="LANGUAGE", help="Language of --sources.")
    ] = "en",
    work: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Keeps answers, lessons and checkpoints; otherwise beside the output.",
        ),
    ] = None,
    tokens: Annotated[
        int, typer.Option(min=1, help="About how many tokens to learn from.")
    ] = 20_000,
    steps: Annotated[int, typer.Option(min=1, help="Steps of training.")] = 200,
    rate: Annotated[float, typer.Option(min=0.0, help="Highest learning rate.")] = 5e-4,
    batch: Annotated[int, typer.Option(min=1, help="Answers or lines of a step.")] = 16,
    max_tokens: Annotated[
        int, typer.Option(min=64, help="Most tokens computed at once.")
    ] = 1024,
    seed: Annotated[int, typer.Option(min=0, help="Start of the random draws.")] = 0,
    threads: options.Threads = None,
    parallel: options.Parallel = None,
) -> None:
    """Train a draft on what its target finds likely.

    Everything is kept as it comes: after an interruption the same command goes on from
    there.

    Example: polyspec train draft yor.gguf --target gemma-3-270m --language yor
    --strategy task --sources english.txt -o yor.task.gguf
    """
    from polyspec.catalog.store import find_model
    from polyspec.gguf_header import read_gguf_header
    from polyspec.languages import find_language
    from polyspec.training.draft_lessons import Subject, find_mismatch, require_sound
    from polyspec.training.draft_run import DraftOptions, read_draft
    from polyspec.training.requirements import require_libraries

    subject = Subject(
        find_language(language), strategy, tokens, find_language(from_), sources, text
    )
    require_sound(subject)
    require_libraries("torch", "gguf")
    if mismatch := find_mismatch(subject):
        diagnostics.note(mismatch)
    header = read_gguf_header(find_model(target))
    begun = read_draft(model, header)
    folder = work or out.with_suffix(".training")
    lessons = _teach(header, subject, folder, threads, parallel)
    chosen = DraftOptions(
        num_steps=steps,
        rate=rate,
        seed=seed,
        batch_size=batch,
        max_tokens=max_tokens,
        num_threads=threads,
    )
    checkpoint = folder / f"{out.stem}.pt"
    card = {"strategy": strategy, "trained for": subject.language.code}
    _train(begun, header, lessons, chosen, checkpoint, out, card)
    output.write_line(str(out))


def _teach(
    header: "GgufHeader",
    subject: "Subject",
    folder: Path,
    threads: int | None,
    parallel: int | None,
) -> "list[Lesson]":
    """Let the target write what is to be learned, and say what it finds likely."""
    from polyspec.cli.distill import write_journal
    from polyspec.settings import load_settings
    from polyspec.training.draft_lessons import open_journal, teach_subject

    chosen = {"model": str(header.path), "threads": threads, "parallel": parallel}
    settings = load_settings({"draft": "none", **chosen})
    for plan in subject.plans():
        with open_journal(header, plan, folder) as journal:
            write_journal(settings, plan, journal)
    with diagnostics.progress("reading what is to be learned", None, "texts") as bar:
        return teach_subject(header, subject, folder, threads, bar.update)


def _train(
    begun: "GgufHeader",
    header: "GgufHeader",
    lessons: "list[Lesson]",
    chosen: "DraftOptions",
    checkpoint: Path,
    out: Path,
    card: dict[str, str],
) -> None:
    from polyspec.training.draft_run import train_draft

    num_tokens = sum(lesson.num_tokens for lesson in lessons)
    label = f"training on {num_tokens} tokens"
    with diagnostics.progress(label, chosen.num_steps, "steps") as bar:

        def report(num_done: int, loss: float) -> None:
            bar.stage(f"loss {loss:.3f}")
            bar.update(num_done)

        found = train_draft(
            begun,
            header,
            lessons,
            chosen,
            checkpoint=checkpoint,
            out=out,
            card=card,
            report=report,
        )
    diagnostics.note(
        f"torch and llama.cpp choose the same token at {found.num_same_choice} of "
        f"{found.num_positions} positions; logits differ by at most "
        f"{found.largest:.2f}, and spread by {found.spread:.1f}"
    )
