"""`polyspec bench paper`: the paper's experiment, computed as there and timed."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyspec.cli import diagnostics, options, output
from polyspec.errors import PolySpecError, UsageError

if TYPE_CHECKING:
    from polyspec.benchmarks.paper import PaperRow
    from polyspec.benchmarks.suite import Suite
    from polyspec.languages import Language
    from polyspec.loading import Loaded, LoadedDraft
    from polyspec.settings import Settings


def paper(
    languages: Annotated[
        str,
        typer.Option(
            help="Target languages, with commas between; paper for its eleven, all for "
            "these and the others of the 27."
        ),
    ] = "all",
    tasks: Annotated[str, typer.Option(help="Of translate and story.")] = (
        "translate,story"
    ),
    drafters: Annotated[
        str | None,
        typer.Option(
            help="Of none, model, model:NAME|PATH, bigram, table, source, memory, "
            "history and auto; otherwise all that there is a draft model and a corpus "
            "for."
        ),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="English in the first column; a folder holds <language>.tsv files, "
            "and languages without one are not translated into.",
        ),
    ] = None,
    corpora: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="Text that the bigram drafter counts; a folder holds "
            "<language>.train.* files.",
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=200, help="Texts for each language and task.")
    ] = 20,
    greedy: Annotated[
        bool,
        typer.Option(
            "--greedy",
            help="Take the likeliest token; otherwise top-k 100 and top-p 0.9.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Start of the random draws.")] = 0,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep every text in FILE (.jsonl); a run that was stopped goes on "
            "from it, and one that is complete is reported again.",
        ),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write the tables to FILE, as Markdown."
        ),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Also draw plots into FOLDER, PNG and SVG."
        ),
    ] = None,
    model: options.Model = None,
    draft_model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="Model of the drafter `model`; otherwise the catalogue's pair.",
        ),
    ] = None,
    threads: options.Threads = None,
    gpu_layers: options.GpuLayers = None,
    draft_gpu_layers: options.DraftGpuLayers = None,
) -> None:
    """Run the experiment of arXiv 2605.30580: every drafter, language and task.

    Drafters take turns text by text. The last line of standard output is one JSON
    object.

    Example: polyspec bench paper --languages paper --limit 10 --record run.jsonl
    """
    from polyspec.benchmarks.paper import TASKS, make_suite
    from polyspec.benchmarks.paper_plots import require_matplotlib
    from polyspec.benchmarks.suite import require_known
    from polyspec.drafting.compose import name_of_draft_model
    from polyspec.loading import load_model
    from polyspec.settings import load_settings

    wanted = _find_languages(languages)
    chosen_tasks = _names(tasks, "--tasks")
    require_known(chosen_tasks, TASKS, "task")
    chosen = _choose_drafters(drafters, corpora or [])
    if plots is not None:
        require_matplotlib()
    settings = load_settings(
        {
            "model": model,
            "threads": threads,
            "gpu_layers": gpu_layers,
            "draft_gpu_layers": draft_gpu_layers,
        }
    )
    with ExitStack() as stack:
        loaded = stack.enter_context(load_model(settings, diagnostics.note))
        drafts: dict[str, LoadedDraft] = {}
        for name in chosen:
            wanted_draft = name_of_draft_model(name)
            if wanted_draft is not None:
                is_asked = bool(drafters or draft_model)
                wanted_draft = wanted_draft or draft_model or ""
                draft = _load_draft(settings, loaded, wanted_draft, is_asked, stack)
                drafts |= {} if draft is None else {name: draft}
        if "model" not in drafts:
            chosen = tuple(name for name in chosen if name != "model")
        suite = make_suite(
            wanted,
            chosen_tasks,
            chosen,
            limit=limit,
            pairs=pairs,
            corpora=corpora or (),
            seed=seed,
            is_greedy=greedy,
        )
        if not suite.groups:
            raise UsageError(
                "there is nothing to translate",
                cause=f"{pairs} has a <language>.tsv for none of the languages",
                remedy="name another folder with --pairs, or measure stories",
            )
        rows = _measure(loaded, suite, record, drafts)
        _report(loaded, rows, seed, markdown, plots)


def _find_languages(text: str) -> "tuple[Language, ...]":
    from polyspec.benchmarks.paper import PAPER_LANGUAGES, all_languages
    from polyspec.languages import find_language

    if text.strip() == "all":
        return all_languages()
    if text.strip() == "paper":
        return tuple(map(find_language, PAPER_LANGUAGES))
    return tuple(find_language(name) for name in _names(text, "--languages"))


def _names(text: str, option: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UsageError(
            f"{option} names nothing to measure",
            remedy=f"leave {option} out, or see polyspec bench paper --help",
        )
    return tuple(dict.fromkeys(names))


def _choose_drafters(text: str | None, corpora: Sequence[Path]) -> tuple[str, ...]:
    from polyspec.benchmarks.paper import DRAFTERS
    from polyspec.benchmarks.suite import require_known
    from polyspec.drafting.compose import name_of_draft_model

    if text is None:
        return tuple(name for name in DRAFTERS if name != "bigram" or corpora)
    names = _names(text, "--drafters")
    others = [name for name in names if not name_of_draft_model(name)]
    require_known(others, DRAFTERS, "drafter")
    if "bigram" in names and not corpora:
        raise UsageError(
            "the bigram drafter has nothing to count",
            remedy="name text of the languages: --corpora FOLDER",
        )
    return names


def _load_draft(
    settings: "Settings",
    loaded: "Loaded",
    name: str,
    is_asked: bool,
    stack: ExitStack,
) -> "LoadedDraft | None":
    """Load the draft model; without one the drafter is left out unless asked for."""
    from polyspec.loading import load_draft

    try:
        return stack.enter_context(load_draft(settings, loaded, name, diagnostics.note))
    except PolySpecError as error:
        if is_asked:
            raise
        diagnostics.note(f"model: left out: {error.problem}")
        return None


def _measure(
    loaded: "Loaded",
    suite: "Suite",
    record: Path | None,
    drafts: "dict[str, LoadedDraft]",
) -> "list[PaperRow]":
    from polyspec.benchmarks.decode import run_suite
    from polyspec.benchmarks.paper import make_rows

    groups = []
    for texts in run_suite(loaded, suite, diagnostics.note, record, drafts):
        (row,) = make_rows([texts])
        name = f"{row.language} {row.task} {texts[0].drafter}"
        diagnostics.note(f"{name}: {row.speedup:.3f} times as fast")
        groups.append(texts)
    return make_rows(groups)


def _report(
    loaded: "Loaded",
    rows: "list[PaperRow]",
    seed: int,
    markdown: Path | None,
    plots: Path | None,
) -> None:
    from polyspec.benchmarks.paper_plots import plot_paper
    from polyspec.benchmarks.paper_report import (
        compare_router,
        format_markdown,
        format_paper,
        mean_rows,
    )
    from polyspec.benchmarks.signature import make_signature
    from polyspec.documents.output_file import open_output

    signature = make_signature(loaded, seed)
    if markdown is not None:
        with open_output(markdown) as file:
            file.write(format_markdown(rows, signature))
    if plots is not None and rows:
        for path in plot_paper(rows, plots):
            diagnostics.note(f"drawn: {path}")
    output.write_line(format_paper(rows))
    output.write_json(
        {
            "signature": signature,
            "rows": [row.as_fields() for row in rows],
            "means": mean_rows(rows),
            "router": compare_router(rows),
        }
    )
