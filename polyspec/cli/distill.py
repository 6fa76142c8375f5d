"""`polyspec tables distill`: a table from the target's own output."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyspec.cli import diagnostics, options, output

if TYPE_CHECKING:
    from polyspec.settings import Settings
    from polyspec.training.distill import Plan
    from polyspec.training.journal import Journal


def distill(
    language: Annotated[str, typer.Option(help="Language to write in.")],
    task: Annotated[str, typer.Option(help="What to write: translate or story.")],
    model: Annotated[
        str,
        typer.Option("--model", "-m", metavar="NAME|PATH", help="Model that writes."),
    ],
    sources: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What to translate, in any form that `tables build` reads.",
        ),
    ] = None,
    from_: Annotated[
        str, typer.Option("--from", metavar="LANGUAGE", help="Language of --sources.")
    ] = "en",
    tokens: Annotated[
        int, typer.Option(min=1, help="About how many tokens to write in all.")
    ] = 40_000,
    words: Annotated[
        int, typer.Option(min=1, max=20000, help="About how many words a story has.")
    ] = 120,
    texts: Annotated[
        list[Path] | None,
        typer.Option(
            "--with", metavar="FILE", help="A text to count as well; may be repeated."
        ),
    ] = None,
    licence: Annotated[
        list[str] | None,
        typer.Option(help="Licence of the texts of --with: one for all, or for each."),
    ] = None,
    own_weight: Annotated[
        int,
        typer.Option(
            min=1, max=1000, help="Times to count its own output beside --with."
        ),
    ] = 5,
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The table; otherwise in your tables."),
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Keeps what is written; otherwise beside the table."
        ),
    ] = None,
    max_bytes: Annotated[
        int, typer.Option(min=4096, help="Size of the table at most.")
    ] = 500_000,
    seed: options.Seed = None,
    gpu_layers: options.GpuLayers = None,
    threads: options.Threads = None,
    ctx: options.Context = None,
    parallel: options.Parallel = None,
) -> None:
    """Let a model translate or write, and build a table from its own output.

    What it writes is kept as it comes: after an interruption the same command goes on
    from there, and a larger --tokens adds to it.

    Example: polyspec tables distill --language yor --task story --model gemma-3-270m
    """
    from polyspec.catalog.store import find_model
    from polyspec.gguf_header import read_gguf_header
    from polyspec.languages import find_language
    from polyspec.settings import load_settings
    from polyspec.tables.builder import BuildRequest, name_corpora
    from polyspec.tables.store import own_table_path
    from polyspec.training.distill import Plan, require_sound
    from polyspec.training.encoding import open_encoder
    from polyspec.training.journal import Journal, Subject
    from polyspec.training.own_table import build_own_table

    target = find_language(language)
    plan = Plan(target, task, tokens, find_language(from_), sources, words)
    require_sound(plan)
    corpora = name_corpora(texts, licence or ["unknown"]) if texts else []
    path = find_model(model)
    settings = load_settings(
        {
            "model": str(path),
            "draft": "none",
            "seed": seed,
            "gpu_layers": gpu_layers,
            "threads": threads,
            "ctx": ctx,
            "parallel": parallel,
        }
    )
    request = BuildRequest(
        target.code, read_gguf_header(path), corpora, max_bytes=max_bytes
    )
    table = out or own_table_path(target.code, request.fingerprint)
    subject = Subject(path.stem, request.fingerprint, target.code, task)
    kept = journal or table.with_suffix(f".{path.stem}.{task}.jsonl")
    with Journal(kept, subject) as opened:
        write_journal(settings, plan, opened)
    with (
        open_encoder(request.header, diagnostics.note) as encoder,
        diagnostics.progress(f"building the {target.code} table", None) as bar,
    ):
        request = replace(request, report=bar.stage, encoder=encoder)
        weight = own_weight if texts else 1
        build_own_table(opened, _licence_of(path), request, table, weight)
    output.write_line(str(table))


def write_journal(settings: "Settings", plan: "Plan", journal: "Journal") -> None:
    """Let the model write what the journal lacks, with a bar."""
    from polyspec.training.distill import write_outputs
    from polyspec.translator import open_translator

    if journal.num_tokens >= plan.num_tokens:
        return
    label = f"{plan.task} in {plan.language.name}"
    try:
        with (
            open_translator(settings, diagnostics.note) as translator,
            diagnostics.progress(label, plan.num_tokens, "tokens") as bar,
        ):
            write_outputs(translator, plan, journal, bar.update)
    except KeyboardInterrupt:
        diagnostics.note(
            f"{journal.num_tokens} tokens are kept in {journal.path}; "
            "the same command goes on from there"
        )
        raise
    if journal.num_tokens < plan.num_tokens:
        diagnostics.note(f"all sources are done: {journal.num_tokens} tokens")


def _licence_of(model: Path) -> str:
    from polyspec.catalog.store import installed_models

    records = [found.record for found in installed_models() if found.path == model]
    return next((record.licence for record in records if record), "")
