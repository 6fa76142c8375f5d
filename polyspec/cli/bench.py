"""`polyspec bench`: how fast this machine is, as ratios measured side by side."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyspec.cli import diagnostics, options, output
from polyspec.cli.bench_memory import memory
from polyspec.cli.bench_paper import paper
from polyspec.cli.bench_quality import quality
from polyspec.cli.bench_replay import replay
from polyspec.errors import UsageError

if TYPE_CHECKING:
    from polyspec.languages import Language
    from polyspec.settings import Settings

app = typer.Typer(
    help="Measure speed and quality on this machine.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Languages = Annotated[
    str,
    typer.Option(
        "--languages", help="Target languages, with commas between; all for the 27."
    ),
]
Pairs = Annotated[
    Path | None,
    typer.Option(
        "--pairs",
        metavar="FILE|FOLDER",
        help="English in the first column; a folder holds <language>.tsv files.",
    ),
]


@app.command()
def ladder(
    model: options.Model = None,
    threads: options.Threads = None,
    gpu_layers: options.GpuLayers = None,
) -> None:
    """Time steps of 1 to 64 tokens and find those that are exact.

    The result is kept and decides how many tokens are drafted from then on.

    Example: polyspec bench ladder --model gemma-3-270m
    """
    from polyspec.benchmarks.report import format_ladder, plot_ladder
    from polyspec.benchmarks.signature import make_signature
    from polyspec.engine.ladder import THOROUGH
    from polyspec.loading import load_model

    settings = _settings(model, threads, gpu_layers)
    with load_model(settings, diagnostics.note, THOROUGH) as loaded:
        cost = loaded.step_cost
        output.write_line(format_ladder(cost))
        output.write_line()
        output.write_line(plot_ladder(cost))
        rows = [
            {
                "width": width,
                "seconds": cost.of(width),
                "cost": cost.relative(width),
                "identical": width == 1 or width in cost.identical_widths,
            }
            for width in cost.measured_widths
        ]
        output.write_json({"signature": make_signature(loaded), "rows": rows})


@app.command()
def decode(
    languages: Languages = "fra,deu",
    tasks: Annotated[
        str, typer.Option(help="Of translate, story and copied.")
    ] = "translate,story",
    drafters: Annotated[
        str,
        typer.Option(
            help="Of none, history, table, auto and model, compared with plain."
        ),
    ] = "none,history",
    pairs: Pairs = None,
    limit: Annotated[
        int, typer.Option(min=1, help="Texts for each language and task.")
    ] = 16,
    repeats: Annotated[
        int, typer.Option(min=1, help="Times for each text; the mean counts.")
    ] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Start of the random draws.")] = 0,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep every text in FILE (.jsonl), for `bench replay`; a run that "
            "was stopped goes on from it.",
        ),
    ] = None,
    exact: options.Exact = False,
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
    """Compare drafted with plain decoding, text by text.

    The last line of standard output is one JSON object.

    Example: polyspec bench decode --languages fra,yor --drafters none,history
    """
    from polyspec.benchmarks import suite as bench
    from polyspec.benchmarks.decode import run_decode
    from polyspec.benchmarks.report import format_decode, mean_decode
    from polyspec.benchmarks.signature import make_signature
    from polyspec.loading import load_draft, load_model

    suite = bench.Suite(
        languages=_find_languages(languages),
        tasks=_names(tasks, "--tasks"),
        drafters=_names(drafters, "--drafters"),
        limit=limit,
        repeats=repeats,
        pairs=pairs,
        seed=seed,
        is_exact=exact,
    )
    bench.require_known(suite.tasks, bench.TASKS, "task")
    bench.require_known(suite.drafters, bench.DRAFTERS, "drafter")
    settings = _settings(
        model, threads, gpu_layers, exact=exact, draft_gpu_layers=draft_gpu_layers
    )
    with ExitStack() as stack:
        loaded = stack.enter_context(load_model(settings, diagnostics.note))
        drafts = {}
        if "model" in suite.drafters:
            wanted = load_draft(settings, loaded, draft_model or "", diagnostics.note)
            drafts["model"] = stack.enter_context(wanted)
        rows = []
        for row in run_decode(loaded, suite, diagnostics.note, record, drafts):
            diagnostics.note(f"{row.speedup:.3f} times as fast")
            rows.append(row)
        output.write_line(format_decode(rows))
        output.write_json(
            {
                "signature": make_signature(loaded, seed),
                "rows": [row.as_fields() for row in rows],
                "means": mean_decode(rows),
            }
        )


@app.command()
def parallel(
    language: Annotated[str, typer.Option(help="Target language.")] = "fra",
    pairs: Pairs = None,
    limit: Annotated[int, typer.Option(min=2, help="Sentences to translate.")] = 64,
    side_by_side: Annotated[
        int | None, typer.Option("--parallel", min=1, help="Sentences side by side.")
    ] = None,
    model: options.Model = None,
    threads: options.Threads = None,
    gpu_layers: options.GpuLayers = None,
) -> None:
    """Translate sentences side by side and one after another.

    Example: polyspec bench parallel --pairs fra.tsv --limit 64
    """
    from dataclasses import asdict

    from polyspec.benchmarks.signature import make_signature
    from polyspec.benchmarks.suite import read_sources
    from polyspec.benchmarks.throughput import measure_parallel
    from polyspec.languages import find_language
    from polyspec.loading import load_model

    wanted = find_language(language)
    sources = read_sources(pairs, wanted)[:limit]
    settings = _settings(model, threads, gpu_layers)
    with ExitStack() as stack:
        # As a document gets it, against what a single sentence gets.
        loaded = stack.enter_context(
            load_model(settings, diagnostics.note, num_texts=len(sources))
        )
        alone = loaded
        if not loaded.model.is_repacked:
            alone = stack.enter_context(load_model(settings, diagnostics.note))
        number = side_by_side or min(loaded.best_parallel, len(sources))
        result = measure_parallel(
            alone, loaded, sources, wanted, number, report=diagnostics.note
        )
        output.write_line(
            f"{result.num_sentences} sentences: {result.one_by_one_s:.1f} s one by "
            f"one, {result.side_by_side_s:.1f} s with {number} side by side: "
            f"{result.speedup:.2f} times as fast; "
            f"{result.identical:.0%} of the translations are equal"
        )
        output.write_json(
            {
                "signature": make_signature(loaded),
                "rows": [asdict(result) | {"speedup": result.speedup}],
            }
        )


@app.command()
def overhead(
    model: options.Model = None,
    threads: options.Threads = None,
    gpu_layers: options.GpuLayers = None,
) -> None:
    """Compare one plain sequence with llama.cpp called in a bare loop.

    Example: polyspec bench overhead --model gemma-3-270m
    """
    from polyspec.benchmarks.signature import make_signature
    from polyspec.benchmarks.throughput import measure_overhead
    from polyspec.loading import load_model

    with load_model(_settings(model, threads, gpu_layers), diagnostics.note) as loaded:
        ratio = measure_overhead(loaded)
        output.write_line(f"{ratio:.3f} of the speed of a bare loop")
        output.write_json(
            {"signature": make_signature(loaded), "rows": [{"ratio": ratio}]}
        )


app.command()(replay)
app.command()(paper)
app.command()(quality)
app.command()(memory)


def _find_languages(text: str) -> "tuple[Language, ...]":
    from polyspec.languages import find_language, known_languages

    if text.strip() == "all":
        return known_languages()
    return tuple(find_language(name) for name in _names(text, "--languages"))


def _names(text: str, option: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UsageError(
            f"{option} names nothing to measure",
            remedy=f"leave {option} out, or see polyspec bench decode --help",
        )
    return names


def _settings(
    model: str | None,
    threads: int | None,
    gpu_layers: int | None,
    *,
    exact: bool = False,
    draft_gpu_layers: int | None = None,
) -> "Settings":
    from polyspec.settings import load_settings

    return load_settings(
        {
            "model": model,
            "threads": threads,
            "gpu_layers": gpu_layers,
            "draft_gpu_layers": draft_gpu_layers,
            "exact": exact or None,
        }
    )
