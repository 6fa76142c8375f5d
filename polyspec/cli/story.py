"""`polyspec story`: a theme in, a story out."""

import time
from contextlib import closing
from typing import Annotated

import typer

from polyspec.cli import diagnostics, options, output
from polyspec.cli.model_choice import STORY
from polyspec.cli.run_stats import RunStats, draft_fields, drafter_fields, show_stats
from polyspec.cli.trace_file import open_trace

_EXAMPLES = """\b
Examples:
  polyspec story --language en --theme "a lighthouse in winter"
  polyspec story --language de --theme "der alte Hafen" --words 200 --seed 7
"""


def story(
    theme: Annotated[
        str, typer.Option(metavar="TEXT", help="What the story is about.")
    ],
    language: Annotated[
        str, typer.Option(metavar="LANGUAGE", help="Language to write in.")
    ] = "en",
    words: Annotated[
        int, typer.Option(min=1, max=20000, help="About how many words.")
    ] = 200,
    model: options.Model = None,
    draft: options.Draft = None,
    memory: options.Memory = None,
    private: options.Private = False,
    exact: options.Exact = False,
    temperature: options.Temperature = None,
    top_k: options.TopK = None,
    top_p: options.TopP = None,
    min_p: options.MinP = None,
    repetition_penalty: options.RepetitionPenalty = None,
    seed: options.Seed = None,
    gpu_layers: options.GpuLayers = None,
    draft_gpu_layers: options.DraftGpuLayers = None,
    threads: options.Threads = None,
    ctx: options.Context = None,
    kv_type: options.CacheType = None,
    stats: options.Stats = False,
    trace_file: options.Trace = None,
    json: options.AsJson = False,
) -> None:
    """Write a story about a theme, word by word as the model writes it.

    Without --seed each run draws another story.
    """
    from polyspec.languages import find_language
    from polyspec.settings import load_settings

    find_language(language)
    settings = load_settings(
        {
            "model": model,
            "draft": draft,
            "memory": memory,
            "private": private or None,
            "exact": exact or None,
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "min_p": min_p,
            "repetition_penalty": repetition_penalty,
            "seed": seed,
            "gpu_layers": gpu_layers,
            "draft_gpu_layers": draft_gpu_layers,
            "threads": threads,
            "ctx": ctx,
            "kv_type": kv_type,
            "parallel": 1,
        }
    )
    from polyspec.stories.writer import StoryPiece
    from polyspec.translator import open_translator

    with (
        open_trace(trace_file) as trace,
        open_translator(settings, diagnostics.note, task=STORY) as translator,
    ):
        trace.begin(translator)
        for line in translator.notes:
            diagnostics.note(line)
        if translator.loaded.profile.only_translates:
            diagnostics.note(
                f"{translator.loaded.model.path.stem} was made to translate and writes "
                "poor stories; others are in: polyspec models list"
            )
        started = time.perf_counter()
        events = translator.write_story(language, theme, words)
        with closing(events):
            for event in events:
                if isinstance(event, StoryPiece):
                    if not json:
                        output.write_text(event.text)
                    continue
                sums = RunStats()
                sums.add(event.num_tokens, event.counts)
                trace.add(event.trace)
                trace.end(translator)
                if json:
                    output.write_json(
                        {
                            "text": event.text,
                            "theme": theme,
                            "language": find_language(language).code,
                            "num_tokens": event.num_tokens,
                            "elapsed_s": round(event.elapsed_s, 4),
                            "draft": draft_fields(event.counts),
                            "drafters": drafter_fields(translator),
                            "note": event.note,
                        }
                    )
                else:
                    output.write_line()
                if event.note:
                    diagnostics.note(event.note)
                if stats:
                    show_stats(sums, translator, time.perf_counter() - started)


story.__doc__ = f"{story.__doc__}\n\n{_EXAMPLES}"
