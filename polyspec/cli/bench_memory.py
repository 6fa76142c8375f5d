"""`polyspec bench memory`: what the translation memory saves."""

from pathlib import Path
from typing import Annotated

import typer

from polyspec.cli import diagnostics, options, output


def memory(
    language: Annotated[str, typer.Option(help="Target language.")] = "deu",
    pairs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="English in the first column; a folder holds <language>.tsv files.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=5, help="Lines of the document.")] = 100,
    changed: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Share of the lines that are changed."),
    ] = 0.2,
    repeats: Annotated[
        int, typer.Option(min=1, help="Runs of each kind; the fastest counts.")
    ] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Which words are changed.")] = 0,
    exact: options.Exact = False,
    model: options.Model = None,
    parallel: options.Parallel = None,
    threads: options.Threads = None,
    gpu_layers: options.GpuLayers = None,
) -> None:
    """Translate a document again of which some lines have changed.

    One word of every changed line is another one. The document is translated without
    a memory, with similar translations as drafts, and with identical lines reused. The
    last line of standard output is one JSON object.

    Example: polyspec bench memory --pairs deu.tsv --limit 100
    """
    from polyspec.benchmarks.retranslation import make_revision, measure_retranslation
    from polyspec.benchmarks.signature import make_signature
    from polyspec.benchmarks.suite import read_sources
    from polyspec.languages import find_language
    from polyspec.loading import load_model
    from polyspec.settings import load_settings

    wanted = find_language(language)
    revision = make_revision(read_sources(pairs, wanted)[:limit], changed, seed)
    settings = load_settings(
        {
            "from_": "en",
            "to": language,
            "exact": exact or None,
            "model": model,
            "parallel": parallel,
            "threads": threads,
            "gpu_layers": gpu_layers,
        }
    )
    num_texts = len(revision.before)
    with load_model(settings, diagnostics.note, num_texts=num_texts) as loaded:
        rows = measure_retranslation(
            loaded, settings, revision, diagnostics.note, repeats
        )
        for row in rows:
            output.write_line(
                f"{row.use}: {row.speedup:.2f} times as fast as without a memory "
                f"({row.elapsed_s:.1f} s, {row.plain_s:.1f} s), {row.num_changed} of "
                f"{row.num_lines} lines changed; of the others {row.kept:.0%} read as "
                f"before, {row.num_flagged} left out that were flagged then; "
                f"{row.num_followed} of {row.num_tokens} tokens came from similar "
                "translations"
            )
        output.write_json(
            {
                "signature": make_signature(loaded, seed),
                "rows": [row.as_fields() for row in rows],
            }
        )
