"""`polyspec translate`: text from arguments, a file or a pipe, in another language."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyspec.cli import diagnostics, options, output
from polyspec.cli.document_job import DocumentChoice, translate_document
from polyspec.cli.run_stats import RunStats, draft_fields, show_stats
from polyspec.cli.sources import Source, open_source
from polyspec.cli.trace_file import Trace, open_trace
from polyspec.errors import UsageError

if TYPE_CHECKING:
    from polyspec.translation.pipeline import TranslatedSegment
    from polyspec.translator import Translator

_EXAMPLES = """\b
Examples:
  polyspec translate "The library opens at nine." --to fr
  polyspec translate --in letter.txt -o brief.txt --from en --to German
  polyspec translate --in manual.docx -o handbuch.docx --to de
  cat notes.txt | polyspec translate --to yo --stats > notes.yo.txt
"""


def translate(
    text: Annotated[
        list[str] | None,
        typer.Argument(help="The text; without it, --in or standard input."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="LANGUAGE", help="Language to translate into."),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="LANGUAGE", help="Language of the text."),
    ] = None,
    in_: Annotated[
        Path | None, typer.Option("--in", metavar="FILE", help="Read the text of FILE.")
    ] = None,
    output_file: options.OutputFile = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="Format of --in, see polyspec formats; otherwise it is found out.",
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES", help="Columns of a table, by name or number, with commas."
        ),
    ] = None,
    keys: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERNS", help="Keys of JSON, YAML and the like, such as menu.*"
        ),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of the text that is read.")
    ] = None,
    model: options.Model = None,
    draft: options.Draft = None,
    memory: options.Memory = None,
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
    parallel: options.Parallel = None,
    stats: options.Stats = False,
    trace_file: options.Trace = None,
    json: options.AsJson = False,
) -> None:
    """Translate a text or a document and keep what surrounds the words.

    Languages are codes or English names: fr, fra, French, pt-BR. The text is read as
    English unless --from says otherwise.
    """
    from polyspec.languages import find_language
    from polyspec.settings import load_settings

    chosen = {
        "to": to,
        "from_": from_,
        "encoding": encoding,
        "model": model,
        "draft": draft,
        "memory": memory,
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
        "parallel": parallel,
    }
    settings = load_settings(chosen)
    if settings.to is None:
        raise UsageError(
            "no target language is named",
            remedy="pass --to CODE, for example --to fr",
        )
    for name in (settings.to, settings.from_):
        if name:
            find_language(name)
    choice = DocumentChoice(
        None if text else in_,
        format_,
        columns,
        keys,
        encoding,
        wants_lines=json or trace_file is not None,
    )
    document = choice.open(settings)
    if document is not None:
        translate_document(settings, document, output_file, has_stats=stats)
        return
    with open_source(text or [], in_, settings.encoding) as source:
        if source.is_empty:
            _write_nothing(output_file)
            return
        from polyspec.translator import open_translator

        with (
            open_trace(trace_file) as trace,
            _open_sink(output_file, source) as write,
            open_translator(settings, diagnostics.note) as translator,
        ):
            for line in translator.notes:
                diagnostics.note(line)
            trace.begin(translator)
            is_streaming = output_file is None and not json and sys.stdout.isatty()
            sums, started = RunStats(), time.perf_counter()
            segments = _run(translator, source, write, is_streaming, as_json=json)
            with _show_progress(output_file) as progress:
                for segment in segments:
                    sums.add(segment.num_tokens, segment.counts)
                    _trace(trace, segment)
                    progress.update(sums.num_segments)
            trace.end(translator)
            if stats:
                show_stats(sums, translator, time.perf_counter() - started)


translate.__doc__ = f"{translate.__doc__}\n\n{_EXAMPLES}"


def _run(
    translator: "Translator",
    source: Source,
    write: Callable[[str], None],
    is_streaming: bool,
    *,
    as_json: bool,
) -> Iterator["TranslatedSegment"]:
    """Write the translation as it comes; give each segment that is finished."""
    from polyspec.translation.pipeline import TranslatedPiece, TranslatedSegment

    with closing(
        translator.translate(source.chunks, is_streaming=is_streaming)
    ) as events:
        for event in events:
            if isinstance(event, TranslatedSegment):
                if as_json:
                    write(_as_json(translator, event))
                elif not is_streaming:
                    write(event.output)
                if event.note:
                    if is_streaming:
                        diagnostics.start_line()
                    diagnostics.note(f"segment {event.index + 1}: {event.note}")
                yield event
            elif isinstance(event, TranslatedPiece):
                write(event.text)
            else:
                write("\n")
                diagnostics.note("the last segment went wrong; it is written again")


def _trace(trace: Trace, segment: "TranslatedSegment") -> None:
    before, after = segment.segment.prefix, segment.segment.suffix
    if not segment.trace:  # nothing to translate: the text stands for itself
        before += segment.text
    trace.add(segment.trace, before, after)


@contextmanager
def _show_progress(path: Path | None) -> Iterator[diagnostics.Progress]:
    """Count segments on a terminal while the text itself goes into a file."""
    if path is None or sys.stderr is None or not sys.stderr.isatty():
        yield diagnostics.SILENT
        return
    with diagnostics.progress("translating", None, "segments") as progress:
        yield progress


def _as_json(translator: "Translator", segment: "TranslatedSegment") -> str:
    import json

    fields = {
        "source": segment.segment.text,
        "text": segment.text,
        "source_language": translator.source_language().code,
        "target_language": translator.target_language().code,
        "num_tokens": segment.num_tokens,
        "elapsed_s": round(segment.elapsed_s, 4),
        "draft": draft_fields(segment.counts),
        "before": segment.segment.prefix,
        "after": segment.segment.suffix,
        "note": segment.note,
    }
    line = json.dumps(fields, ensure_ascii=False) + "\n"
    return line.encode("utf-8", "backslashreplace").decode("utf-8")


@contextmanager
def _open_sink(path: Path | None, source: Source) -> Iterator[Callable[[str], None]]:
    """Give a function that writes to standard output or to a file of its own."""
    if path is None or str(path) == "-":
        yield output.write_text
        return
    from polyspec.documents.output_file import open_output

    with open_output(path, has_mark=source.has_mark) as file:
        yield file.write


def _write_nothing(path: Path | None) -> None:
    """An empty text has an empty translation."""
    if path is not None and str(path) != "-":
        from polyspec.documents.output_file import open_output

        with open_output(path):
            pass
