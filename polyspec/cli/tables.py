"""`polyspec tables`: build, see, check, replay and remove n-gram tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyspec.cli import diagnostics, output
from polyspec.cli.distill import distill
from polyspec.cli.lexicon import lexicon
from polyspec.errors import UsageError

if TYPE_CHECKING:
    from polyspec.tables.format import TableInfo
    from polyspec.tables.store import ListedTable

app = typer.Typer(
    name="tables",
    help="Build, see, check, replay and remove n-gram tables.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Name = Annotated[
    str, typer.Argument(help="A name that `polyspec tables list` shows, or a path.")
]
_Model = Annotated[
    str, typer.Option(help="The model whose tokenizer counts: a name or a path.")
]
_AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]


@app.command()
def build(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="UTF-8 texts, a sentence or paragraph a line, plain, .gz or .zst; "
            "of a .tsv the last column; of a .parquet or .jsonl the column text, "
            "sentence, content or story, or another: FILE.parquet:COLUMN.",
        ),
    ],
    language: Annotated[str, typer.Option(help="Language of the texts.")],
    model: _Model,
    licence: Annotated[
        list[str] | None,
        typer.Option(help="Licence of the texts: one for all, or one for each."),
    ] = None,
    valid: Annotated[
        Path | None,
        typer.Option(help="Text to calibrate on; otherwise a share of the texts."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The table; otherwise in your tables."),
    ] = None,
    max_bytes: Annotated[
        int, typer.Option(min=4096, help="Size of the table at most.")
    ] = 500_000,
    max_order: Annotated[
        int, typer.Option(min=1, max=8, help="Most tokens of a context.")
    ] = 6,
    min_count: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Least occurrences of a context; otherwise 2, and 3 in long texts.",
        ),
    ] = None,
    memory: Annotated[
        int, typer.Option(min=512, help="Megabytes of memory to use.")
    ] = 1024,
) -> None:
    """Build the table of a language for the tokenizer of a model.

    Example: polyspec tables build yoruba.txt --language yor --model gemma-3-270m
    """
    from polyspec.catalog.adapters import read_base_header
    from polyspec.catalog.store import find_model
    from polyspec.languages import find_language
    from polyspec.tables.builder import BuildRequest, build_table, name_corpora
    from polyspec.tables.store import own_table_path
    from polyspec.training.encoding import open_encoder

    code = find_language(language).code
    header = read_base_header(find_model(model))
    corpora = name_corpora(files, licence or ["unknown"])
    with (
        open_encoder(header, diagnostics.note) as encoder,
        diagnostics.progress(f"building the {code} table", None) as bar,
    ):
        request = BuildRequest(
            code,
            header,
            corpora,
            held_out=valid,
            max_order=max_order,
            min_count=min_count,
            max_bytes=max_bytes,
            memory_bytes=memory << 20,
            report=bar.stage,
            encoder=encoder,
        )
        path = out or own_table_path(code, request.fingerprint)
        build_table(request, path)
    output.write_line(str(path))


@app.command("list")
def list_all(as_json: _AsJson = False) -> None:
    """List the tables that ship and your own.

    Example: polyspec tables list
    """
    from polyspec.tables.store import list_tables

    for table in list_tables():
        if as_json:
            output.write_json(_listed_fields(table))
        else:
            output.write_line(_row(table))


@app.command()
def inspect(name: _Name, as_json: _AsJson = False) -> None:
    """Show what a table says about itself.

    Example: polyspec tables inspect yor.3c1c93b8a0f2
    """
    from polyspec.tables.format import read_table_header
    from polyspec.tables.store import find_table

    fields = _info_fields(read_table_header(find_table(name))[1])
    if as_json:
        output.write_json(fields)
        return
    for key, value in fields.items():
        output.write_line(f"{key.replace('_', ' ')}: {_shown(value)}")


@app.command()
def verify(
    name: Annotated[
        str | None, typer.Argument(help="A table's name or path; without one, all.")
    ] = None,
) -> None:
    """Compare tables with their checksums.

    Example: polyspec tables verify
    """
    from polyspec.tables.reader import Table
    from polyspec.tables.store import find_table, list_tables

    paths = [find_table(name)] if name else [table.path for table in list_tables()]
    for path in paths:
        with Table(path) as table:
            table.verify()
            output.write_line(f"{path.stem}: intact, SHA-256 {table.info.checksum}")


@app.command("eval")
def evaluate(
    name: _Name,
    file: Annotated[Path, typer.Argument(help="Text as the model would write it.")],
    model: _Model,
    ladder: Annotated[
        str,
        typer.Option(
            help="Cost of steps: cuda, cpu, measured, or like 2=1.07,4=1.28,8=1.72."
        ),
    ] = "cuda",
    as_json: _AsJson = False,
) -> None:
    """Replay a text: what would be accepted, and how much faster it would go.

    Runs no model. Example: polyspec tables eval yor.3c1c93b8a0f2 news.txt
    --model gemma-3-270m --ladder cpu
    """
    from polyspec.benchmarks.ladders import find_ladder
    from polyspec.benchmarks.replay import read_answers, replay_answers
    from polyspec.catalog.adapters import read_base_header
    from polyspec.catalog.store import find_model
    from polyspec.decoding.draft_policy import DraftPolicy
    from polyspec.drafting.chain import ChainDrafter
    from polyspec.drafting.table import NAME, TableDrafter
    from polyspec.gguf_header import tokenizer_fingerprint
    from polyspec.tables.reader import Table
    from polyspec.tables.store import find_table

    header = read_base_header(find_model(model))
    policy = DraftPolicy(find_ladder(ladder, header))
    with Table(find_table(name)) as table:
        table.require_match(tokenizer_fingerprint(header), header.path.stem)
        answers = read_answers(file, header)
        drafter = ChainDrafter({NAME: TableDrafter(table)}, policy.feedback)
        done = replay_answers(drafter, policy, answers)
    if as_json:
        output.write_json(done.as_fields())
        return
    output.write_line(
        f"{done.num_tokens} tokens in {done.num_steps} steps, "
        f"{done.num_accepted} of {done.num_drafted} drafted tokens accepted "
        f"({done.acceptance_rate:.0%}), {done.speed_up:.2f} times as fast"
    )


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="Name of one of your own tables.")],
) -> None:
    """Delete one of your own tables.

    Example: polyspec tables remove yor.3c1c93b8a0f2
    """
    from polyspec.tables.store import remove_table

    freed_bytes = remove_table(name)
    output.write_line(f"{name}: removed, {diagnostics.format_amount(freed_bytes)} free")


@app.command()
def merge(
    tables: Annotated[
        list[str],
        typer.Argument(metavar="TABLE...", help="Two names or paths, or more."),
    ],
    weight: Annotated[
        list[float] | None,
        typer.Option(help="What a token of each table's texts counts; once for each."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The table; otherwise in your tables."),
    ] = None,
    max_bytes: Annotated[
        int, typer.Option(min=4096, help="Size of the table at most.")
    ] = 500_000,
) -> None:
    """Join tables of one language and one tokenizer.

    Each weighs as much as the texts it was counted from, or more with --weight. Where
    the texts are at hand, building a table from all of them is better.

    Example: polyspec tables merge yor.3c1c93b8a0f2 mine.gguf -o both.gguf
    """
    from polyspec.tables.format import read_table_header
    from polyspec.tables.merging import merge_tables
    from polyspec.tables.store import find_table, own_table_path

    if len(tables) < 2:
        raise UsageError("one table cannot be joined", remedy="name two or more")
    if weight and (len(weight) != len(tables) or not all(0 < w < 1e9 for w in weight)):
        raise UsageError(
            f"{len(tables)} tables cannot have the weights {weight}",
            remedy="pass --weight once for each table in their order, all above 0",
        )
    paths = [find_table(name) for name in tables]
    info = read_table_header(paths[0])[1]
    path = out or own_table_path(info.language, info.fingerprint)
    with diagnostics.progress(f"joining {len(paths)} tables", None):
        merge_tables(paths, path, max_bytes, weight)
    output.write_line(str(path))


app.command()(distill)
app.command()(lexicon)


def _listed_fields(table: "ListedTable") -> dict[str, object]:
    return {
        "name": table.name,
        "path": str(table.path),
        "size_bytes": table.size_bytes,
        "is_shipped": table.is_shipped,
        "is_damaged": table.info is None,
        "language": table.info.language if table.info else None,
        "fingerprint": table.info.fingerprint if table.info else None,
    }


def _row(table: "ListedTable") -> str:
    size = diagnostics.format_amount(table.size_bytes)
    origin = "shipped" if table.is_shipped else "your own"
    if table.info is None:
        return f"{table.name:<18}  {size:>8}  {origin:<8}  damaged"
    tokens = f"{table.info.num_corpus_tokens / 1e6:.1f} M tokens counted"
    return f"{table.name:<18}  {size:>8}  {origin:<8}  {tokens}"


def _info_fields(info: "TableInfo") -> dict[str, object]:
    return {
        "language": info.language,
        "tokenizer_fingerprint": info.fingerprint,
        "vocabulary_size": info.vocabulary_size,
        "states_per_order": list(info.states_per_order),
        "corpora": [f"{corpus.name} ({corpus.licence})" for corpus in info.corpora],
        "num_corpus_tokens": info.num_corpus_tokens,
        "pruning": info.pruning,
        "calibration_error": round(info.calibration_error, 4),
        "build_arguments": info.build_arguments,
        "checksum": info.checksum,
    }


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
