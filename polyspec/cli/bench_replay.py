"""`polyspec bench replay`: what drafting would do to texts, without a model."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyspec.cli import diagnostics, output
from polyspec.errors import TableError, UsageError

if TYPE_CHECKING:
    from polyspec.benchmarks.replay_rows import ReplayRow
    from polyspec.benchmarks.replay_suite import ReplayBench
    from polyspec.gguf_header import GgufHeader


def replay(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Recordings of `bench decode --record` (.jsonl), or texts as the "
            "model would write them; of a .tsv the last column.",
        ),
    ],
    drafters: Annotated[
        str | None,
        typer.Option(
            help="Of auto, none, table, source, history and memory, with commas "
            "between; otherwise those that were recorded, and the table for texts."
        ),
    ] = None,
    ladder: Annotated[
        str,
        typer.Option(
            help="Cost of steps: cuda, cpu, like 2=1.07,4=1.28,8=1.72, or measured: "
            "on this machine, or by the recorded run."
        ),
    ] = "measured",
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", help="The model whose tokenizer counts: a name or a path."
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            help="Language of the texts; otherwise their names begin with its code."
        ),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(help="This table, a name or a path, in place of the language's."),
    ] = None,
    learn_from: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="RECORDING",
            help="Replay this first and keep what drafters learned from it, as if the "
            "texts had been written in an earlier run.",
        ),
    ] = None,
    baselines: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="Also replay a bigram table and llama.cpp's n-gram cache, counted on "
            "this text; a folder holds <language>.train.* files.",
        ),
    ] = None,
    parallel: Annotated[
        int, typer.Option(min=1, max=256, help="Texts written side by side.")
    ] = 1,
) -> None:
    """Replay texts with drafters: what is accepted, and how much faster it goes.

    Runs no model. The last line of standard output is one JSON object.

    Example: polyspec bench replay yor.tsv --model gemma-3-270m --ladder cuda
    """
    from polyspec.benchmarks.records import read_recording
    from polyspec.benchmarks.replay_suite import ReplayBench
    from polyspec.benchmarks.report import format_replay, mean_replays
    from polyspec.tables.store import find_table

    chosen = _choose_drafters(drafters)
    bench = ReplayBench(
        _read_header(model, files),
        ladder,
        parallel,
        find_table(table) if table else None,
        [read_recording(path) for path in learn_from or ()],
        baselines or (),
    )
    rows = _replay_all(bench, files, chosen, language)
    output.write_line(format_replay(rows))
    fields = [row.as_fields() for row in rows]
    means = mean_replays(rows)
    output.write_json({"signature": bench.signature, "rows": fields, "means": means})


def _choose_drafters(names: str | None) -> tuple[str, ...]:
    from polyspec.drafting.compose import require_drafter

    if names is None:
        return ()
    chosen = tuple(name.strip() for name in names.split(",") if name.strip())
    if not chosen:
        raise UsageError(
            "--drafters names nothing to replay",
            remedy="leave it out, or see polyspec bench replay --help",
        )
    for name in chosen:
        require_drafter(name)
    return chosen


def _read_header(model: str | None, files: Sequence[Path]) -> "GgufHeader":
    """The header of the model that is named, or that a recording was made with."""
    from polyspec.benchmarks.records import SUFFIX, read_recording
    from polyspec.catalog.adapters import read_base_header
    from polyspec.catalog.store import default_model, find_model

    recorded = [path for path in files if path.suffix == SUFFIX]
    if model is None and recorded:
        model = read_recording(recorded[0]).head.model
    return read_base_header(find_model(model) if model else default_model())


def _replay_all(
    bench: "ReplayBench",
    files: Sequence[Path],
    drafters: tuple[str, ...],
    language: str | None,
) -> list["ReplayRow"]:
    """Replay every file; a text without a table is left out where others have one."""
    from polyspec.benchmarks.records import SUFFIX, read_recording

    rows: list[ReplayRow] = []
    for path in files:
        diagnostics.note(f"{path.name}: replaying")
        if path.suffix == SUFFIX:
            recording = read_recording(path)
            rows += bench.replay_recording(recording, drafters, diagnostics.note)
            continue
        try:
            rows += bench.replay_text(path, drafters or ("table",), language)
        except TableError as error:
            if len(files) == 1:
                raise
            diagnostics.note(f"{path.name}: left out: {error.problem}")
    return rows
