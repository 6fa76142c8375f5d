"""`polyspec bench quality`: how near translations come to those of people."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyspec.cli import diagnostics, options, output
from polyspec.errors import UsageError

if TYPE_CHECKING:
    from polyspec.benchmarks.hypotheses import HypothesisFile
    from polyspec.benchmarks.quality import PairSet, QualityRow
    from polyspec.settings import Settings
    from polyspec.translator import Translator


def quality(
    pairs: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="English first and a translation last in each line; the name is that "
            "of the language, as in deu.tsv. May be given several times.",
        ),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME|PATH",
            help="Model to judge; may be given several times.",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="First texts of each file; otherwise all.")
    ] = None,
    hypotheses: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Score the translations that --record kept in FILE, without a model.",
        ),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep every translation in FILE (.jsonl); a run that was stopped goes "
            "on from it.",
        ),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write the table to FILE, as Markdown."),
    ] = None,
    parallel: options.Parallel = None,
    threads: options.Threads = None,
    gpu_layers: options.GpuLayers = None,
    ctx: options.Context = None,
) -> None:
    """Score translations against references, to choose a model by.

    chrF, chrF++ and BLEU come from sacrebleu, with their signatures. The last line of
    standard output is one JSON object.

    Example: polyspec bench quality --pairs deu.tsv --pairs fra.tsv --limit 100
    """
    from polyspec.benchmarks.quality import (
        find_pair_files,
        read_pair_set,
        require_sacrebleu,
    )
    from polyspec.settings import load_settings

    require_sacrebleu()
    if (pairs is None) == (hypotheses is None):
        raise UsageError(
            "it is not clear what to score",
            cause="--pairs makes translations, --hypotheses takes those of a file",
            remedy="give one of them",
        )
    if hypotheses is not None:
        _report(_score_file(hypotheses), markdown)
        return
    sets = [read_pair_set(path, limit) for path in find_pair_files(pairs or [])]
    chosen = {
        "parallel": parallel,
        "threads": threads,
        "gpu_layers": gpu_layers,
        "ctx": ctx,
    }
    rows: list[QualityRow] = []
    for model in models or (None,):
        # What is judged is the model, not what it once wrote.
        alone = {"private": True, "memory": False}
        settings = load_settings({"model": model, **chosen, **alone})
        rows += _judge(settings, sets, record)
    _report(rows, markdown)


def _judge(
    settings: "Settings", sets: "Sequence[PairSet]", record: Path | None
) -> "list[QualityRow]":
    """Translate and score every set with one model."""
    from polyspec.benchmarks.hypotheses import HypothesisFile
    from polyspec.translator import open_translator

    kept = HypothesisFile(record)
    with open_translator(settings, diagnostics.note) as translator:
        for note in translator.notes:
            diagnostics.note(note)
        try:
            return [_judge_set(translator, each, kept) for each in sets]
        finally:
            kept.flush()


def _judge_set(
    translator: "Translator", pair_set: "PairSet", kept: "HypothesisFile"
) -> "QualityRow":
    from polyspec.benchmarks.hypotheses import Hypothesis
    from polyspec.benchmarks.quality import score, translate_lines

    language, pairs = pair_set.language, pair_set.pairs
    identity = translator.identify_model()
    model = identity.rpartition(".")[0] or identity
    identity += _describe_drawing(translator.settings)
    done = kept.find(identity, language.code, pairs)
    open_pairs = [pair for pair, found in zip(pairs, done, strict=True) if not found]
    if len(open_pairs) < len(pairs):
        diagnostics.note(
            f"{model} {language.code}: {len(pairs) - len(open_pairs)} of {len(pairs)} "
            "texts are there already"
        )
    label = f"{model} {language.code}"
    sources = [source for source, _ in open_pairs]
    with diagnostics.progress(label, len(open_pairs), "texts") as progress:
        texts = translate_lines(translator, sources, language)
        for number, (pair, text) in enumerate(zip(open_pairs, texts, strict=True)):
            kept.add(Hypothesis(model, identity, language.code, *pair, text))
            progress.update(number + 1)
    complete = [found for found in kept.find(identity, language.code, pairs) if found]
    return score(model, language, complete)


def _describe_drawing(settings: "Settings") -> str:
    """What else decides on the texts, as far as it was set."""
    names = {"temperature", "top_k", "top_p", "min_p", "repetition_penalty", "seed"}
    chosen = settings.model_dump(include=names, exclude_none=True)
    return "".join(f" {name}={value}" for name, value in sorted(chosen.items()))


def _score_file(path: Path) -> "list[QualityRow]":
    from polyspec.benchmarks.hypotheses import Hypothesis, read_hypotheses
    from polyspec.benchmarks.quality import score
    from polyspec.languages import find_language

    groups: dict[tuple[str, str, str], list[Hypothesis]] = {}
    for each in read_hypotheses(path):
        key = (each.identity, each.model, each.language)
        groups.setdefault(key, []).append(each)
    return [
        score(model, find_language(code), group)
        for (_, model, code), group in groups.items()
    ]


def _report(rows: "list[QualityRow]", markdown: Path | None) -> None:
    from polyspec.benchmarks.quality import format_markdown, format_quality, mean_rows
    from polyspec.documents.output_file import open_output

    if markdown is not None:
        with open_output(markdown) as file:
            file.write(format_markdown(rows))
    output.write_line(format_quality(rows))
    output.write_json(
        {"rows": [row.as_fields() for row in rows], "means": mean_rows(rows)}
    )
