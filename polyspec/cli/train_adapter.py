"""`polyspec train adapter`: a small file that makes a model a translator."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyspec.cli import diagnostics, options, output
from polyspec.errors import UsageError

if TYPE_CHECKING:
    from polyspec.gguf_header import GgufHeader
    from polyspec.training.adapter_run import AdapterTraining, HoldThenFall
    from polyspec.training.pairs import PairFile, PairSampler


def adapter(
    target: Annotated[str, typer.Option(help="The model: Gemma 3, any size.")],
    pairs: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE",
            help="Sentences and their translations, named after the language: "
            "deu.tsv or deu.news.tsv.zst; may be repeated.",
        ),
    ],
    out: Annotated[Path, typer.Option("--output", "-o", help="The adapter.")],
    weight: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE=N",
            help="How often to draw from a file beside others, 1 by default: "
            "hin=0.2 or yor.bible=0.1; may be repeated.",
        ),
    ] = None,
    avoid: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Pairs that will measure the result; what is in them is left out.",
        ),
    ] = None,
    from_: Annotated[
        str, typer.Option("--from", metavar="LANGUAGE", help="Language of the sources.")
    ] = "en",
    start: Annotated[
        str | None,
        typer.Option(
            metavar="ADAPTER",
            help="Begin with this adapter, a name or a .gguf, instead of from nothing.",
        ),
    ] = None,
    objective: Annotated[
        str,
        typer.Option(
            help="likelihood learns each translation; chrf++ lets a translator draw "
            "some of its own, and learns which are nearest."
        ),
    ] = "likelihood",
    steps: Annotated[int, typer.Option(min=1, help="Steps of training.")] = 2000,
    minutes: Annotated[
        float | None,
        typer.Option(min=0.1, help="Stop after so long; run again to go on."),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.0, help="Highest learning rate; 0.0003, or 0.0001 for chrf++."
        ),
    ] = None,
    rank: Annotated[
        int, typer.Option(min=1, max=256, help="Size of the adapter.")
    ] = 32,
    batch: Annotated[int, typer.Option(min=1, help="Pairs of a step.")] = 16,
    number_format: Annotated[
        str, typer.Option("--format", help="Numbers of the file: f16 or q8_0.")
    ] = "f16",
    corpus: Annotated[
        str, typer.Option(help="Names the pairs and their licences in the adapter.")
    ] = "",
    figures: Annotated[
        str,
        typer.Option(help="What was measured with it; a run that is done writes anew."),
    ] = "",
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Keeps the run; otherwise beside the output."
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(help="Where torch computes: cpu, cuda, cuda:1 or mps.")
    ] = "cpu",
    is_compiled: Annotated[
        bool,
        typer.Option("--compile", help="Compile first: some minutes, then faster."),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Start of the random draws.")] = 0,
    threads: options.Threads = None,
) -> None:
    """Train a low-rank adapter on pairs of sentences.

    The run is kept every few steps: after an interruption the same command goes on from
    there, and another --steps makes it longer or ends it sooner.

    Example: polyspec train adapter --target gemma-3-270m --pairs deu.tsv -o german.gguf
    """
    from polyspec.catalog.store import find_model
    from polyspec.gguf_header import read_gguf_header
    from polyspec.training.adapter_export import require_format
    from polyspec.training.requirements import require_libraries

    require_libraries("torch", "gguf")
    require_format(number_format, rank)
    files = name_files(pairs, weight or [])
    header = read_gguf_header(find_model(target))
    from polyspec.training.adapter_run import (
        REWARD,
        AdapterOptions,
        AdapterTraining,
    )

    schedule = _make_schedule(objective, steps, rate, has_start=start is not None)
    chosen = AdapterOptions(
        schedule,
        rank=rank,
        alpha=2.0 * rank,
        batch_size=batch,
        seed=seed,
        num_threads=threads,
        device=device,
        is_compiled=is_compiled,
        objective=objective,
        number_format=number_format,
    )
    is_wide = objective == REWARD
    sampler = _read_pairs(files, avoid or [], from_, header, batch, seed, is_wide)
    kept = checkpoint or out.with_suffix(".checkpoint")
    begun = read_gguf_header(find_model(start)) if start else None
    training = AdapterTraining(header, sampler, chosen, kept, begun)
    _train(training, steps, minutes, kept)
    card = {"corpus": corpus, "figures": figures}
    training.export(out, {key: text for key, text in card.items() if text})
    output.write_line(str(out))


def name_files(paths: list[Path], weights: list[str]) -> "list[PairFile]":
    """Tell the languages of files by their names, and how often to draw from each.

    Raises:
        UsageError: A name is no language, or a weight is none or of no file.
    """
    from polyspec.languages import find_language
    from polyspec.training.pairs import PairFile

    shares: dict[str, float] = {}
    stems = {path.name.partition(".tsv")[0] for path in paths}
    for text in weights:
        stem, _, number = text.partition("=")
        try:
            shares[stem] = float(number)
        except ValueError:
            shares[stem] = -1.0
        if stem not in stems or not 0 < shares[stem] < float("inf"):
            raise UsageError(
                f"{text!r} is no weight of a file",
                cause=f"the files are {', '.join(sorted(stems))}",
                remedy="pass for example --weight hin=0.2",
            )
    named = []
    for path in paths:
        stem = path.name.partition(".tsv")[0]
        language = find_language(stem.partition(".")[0])
        named.append(PairFile(language, path, shares.get(stem, 1.0)))
    return named


def _make_schedule(
    objective: str, steps: int, rate: float | None, *, has_start: bool
) -> "HoldThenFall":
    """The rates that suit an objective, where none was passed.

    Raises:
        UsageError: There is no such objective, or it needs more than was passed.
    """
    from polyspec.training.adapter_run import LIKELIHOOD, OBJECTIVES, HoldThenFall
    from polyspec.training.requirements import require_libraries

    if objective not in OBJECTIVES:
        raise UsageError(
            f"there is no objective {objective!r}",
            cause=f"there are {' and '.join(OBJECTIVES)}",
            remedy="pass one of them to --objective",
        )
    if objective == LIKELIHOOD:
        peak = 3e-4 if rate is None else rate
        return HoldThenFall(steps, peak, num_warmup=50, save_every=50)
    require_libraries("sacrebleu")
    if not has_start:
        raise UsageError(
            "a model that is no translator cannot learn from its own translations",
            cause=f"--objective {objective} begins with an adapter",
            remedy="pass one with --start",
        )
    peak = 1e-4 if rate is None else rate
    return HoldThenFall(steps, peak, num_warmup=8, save_every=10)


def _read_pairs(
    files: "list[PairFile]",
    avoid: list[Path],
    source: str,
    header: "GgufHeader",
    batch_size: int,
    seed: int,
    is_wide: bool,
) -> "PairSampler":
    from polyspec.languages import find_language
    from polyspec.tables.corpus import read_pairs
    from polyspec.tables.encoder import make_encoder
    from polyspec.training.adapter_run import find_foreign
    from polyspec.training.pairs import PairSampler, fold

    bos_id = header.integer("tokenizer.ggml.bos_token_id")
    with diagnostics.progress("reading pairs", None, "pairs") as bar:
        sampler = PairSampler(
            files,
            find_language(source),
            make_encoder(header),
            bos_ids=() if bos_id is None else (bos_id,),
            batch_size=batch_size,
            seed=seed,
            avoid=frozenset(
                fold(side)
                for path in avoid
                for pair in read_pairs(path)
                for side in pair
            ),
            is_wide=is_wide,
        )
        bar.update(sum(sampler.num_pairs.values()))
    for file, found in find_foreign(sampler):
        diagnostics.note(
            f"{file.path} seems to hold {found.name}, not {file.language.name}"
        )
    return sampler


def _train(
    training: "AdapterTraining", steps: int, minutes: float | None, kept: Path
) -> None:
    """Train, and say where the run is kept when it ends early."""
    if training.num_done:
        diagnostics.note(f"going on after step {training.num_done}, from {kept}")
    try:
        with diagnostics.progress("training", steps, "steps") as bar:

            def report(num_done: int, loss: float) -> None:
                bar.stage(f"loss {loss:.3f}")
                bar.update(num_done)

            training.run(report, minutes)
    except KeyboardInterrupt:
        diagnostics.note(f"the run is kept in {kept}; the same command goes on")
        raise
    if training.num_done < steps:
        diagnostics.note(
            f"the time is over after step {training.num_done} of {steps}; the same "
            "command goes on"
        )
