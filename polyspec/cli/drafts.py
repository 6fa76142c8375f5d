"""`polyspec drafts`: small draft models cut out of a target."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyspec.cli import diagnostics, options, output
from polyspec.errors import UsageError

if TYPE_CHECKING:
    from polyspec.arrays import TokenArray
    from polyspec.gguf_header import GgufHeader

app = typer.Typer(
    name="drafts",
    help="Make small draft models from a target, and see what they are worth.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def make(
    target: Annotated[
        str, typer.Option(help="The model to draft for: a name or a path.")
    ],
    vocab: Annotated[
        str,
        typer.Option(
            help="Languages whose tokens to keep, with commas between; for "
            "translation also the source language. Their n-gram tables name the "
            "tokens, or --corpus does."
        ),
    ],
    out: Annotated[Path, typer.Option("--output", "-o", help="The draft model.")],
    layers: Annotated[
        str,
        typer.Option(
            help="How many layers to keep, taken from all over the depth; or their "
            "numbers from 0, such as 0,6,12,17."
        ),
    ] = "4",
    corpora: Annotated[
        list[Path] | None,
        typer.Option(
            "--corpus",
            metavar="FILE",
            help="A text whose tokens to keep as well; may be repeated.",
        ),
    ] = None,
    max_tokens: Annotated[
        int,
        typer.Option(
            min=512,
            help="Most tokens to keep; those of tables and of control stay anyway.",
        ),
    ] = 16384,
) -> None:
    """Cut a draft model out of a target: some layers, some tokens.

    It runs as it is, with `--draft model:FILE`, but guesses badly until it is trained:
    see polyspec train draft.

    Example: polyspec drafts make --target gemma-3-270m --vocab eng,yor -o yor.gguf
    """
    from polyspec.catalog.store import find_model
    from polyspec.gguf_header import read_gguf_header
    from polyspec.languages import find_language
    from polyspec.training.surgery import Cut, cut_model

    header = read_gguf_header(find_model(target))
    codes = [find_language(name.strip()).code for name in vocab.split(",")]
    kept = _parse_layers(header, layers)
    token_ids = _choose_tokens(header, codes, corpora or [], max_tokens)
    card = {"languages": ",".join(codes)}
    cut_model(header, Cut(kept, token_ids), card, out)
    diagnostics.note(
        f"kept {len(kept)} layers ({', '.join(map(str, kept))}) and "
        f"{len(token_ids)} of {header.vocabulary_size} tokens"
    )
    output.write_line(str(out))


def _parse_layers(header: "GgufHeader", text: str) -> tuple[int, ...]:
    from polyspec.training.layers import choose_layers, require_layers

    try:
        numbers = [int(number) for number in text.split(",")]
    except ValueError:
        raise UsageError(
            f"--layers {text} names no layers",
            remedy="pass a number of layers, or numbers with commas between",
        ) from None
    if len(numbers) == 1:
        return choose_layers(header, numbers[0])
    return require_layers(header, numbers)


def _choose_tokens(
    header: "GgufHeader", codes: list[str], corpora: list[Path], max_tokens: int
) -> "TokenArray":
    from polyspec.training.encoding import open_encoder
    from polyspec.training.vocabulary import choose_tokens

    if not corpora:
        return choose_tokens(header, codes, max_tokens=max_tokens)
    with open_encoder(header, diagnostics.note) as encoder:
        return choose_tokens(
            header, codes, corpora, encoder=encoder, max_tokens=max_tokens
        )


@app.command("eval")
def evaluate(
    draft: Annotated[
        Path, typer.Argument(metavar="DRAFT", help="The draft model, as a file.")
    ],
    journals: Annotated[
        list[Path],
        typer.Argument(
            metavar="JOURNAL...",
            help="What the target wrote, as `tables distill --journal` and `train "
            "draft` keep it (.jsonl).",
        ),
    ],
    target: Annotated[
        str, typer.Option(help="The model that it drafts for: a name or a path.")
    ],
    ladder: Annotated[
        str,
        typer.Option(
            help="Cost of the target's steps: cuda, cpu, like 2=1.07,4=1.28, or "
            "measured on this machine."
        ),
    ] = "cuda",
    cost: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help="Cost of a step of the draft, as a share of one of the target; "
            "otherwise the share of bytes that it reads.",
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, help="Answers of each journal at most.")
    ] = 200,
    from_: Annotated[
        str, typer.Option("--from", metavar="LANGUAGE", help="Language of the sources.")
    ] = "en",
    threads: options.Threads = None,
) -> None:
    """Say what a draft is worth on what its target wrote, beside the n-gram table.

    The target is not run: its tokens are written again, and steps are counted by the
    ladder, those of the draft included. The last line of output is one JSON object.

    Example: polyspec drafts eval yor.gguf yor.translate.jsonl --target gemma-3-270m
    """
    from polyspec.benchmarks.draft_suite import DraftBench, format_worth
    from polyspec.benchmarks.ladders import find_ladder
    from polyspec.catalog.store import find_model
    from polyspec.gguf_header import read_gguf_header
    from polyspec.languages import find_language
    from polyspec.training.examples import read_answers

    header = read_gguf_header(find_model(target))
    source_language = find_language(from_)
    rows = []
    costs = find_ladder(ladder, header)
    with DraftBench(draft, header, costs, cost, threads) as bench:
        for path in journals:
            subject, answers = read_answers(path, header, source_language, limit)
            pairs = [(each.prompt_ids, each.answer_ids) for each in answers]
            rows += bench.measure(subject.language, subject.task, pairs)
            diagnostics.note(f"{path.name}: done")
    output.write_line(format_worth(rows))
    output.write_json({"cost": bench.cost, "rows": [row.as_fields() for row in rows]})
