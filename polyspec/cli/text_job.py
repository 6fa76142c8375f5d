"""A text from an argument, a file or a pipe, translated as it is read."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from polyspec.cli import diagnostics, output
from polyspec.cli.history_note import HistoryNote
from polyspec.cli.model_choice import describe_task
from polyspec.cli.run_stats import RunStats, draft_fields, show_stats
from polyspec.cli.sources import Source, open_source
from polyspec.cli.trace_file import Trace, open_trace

if TYPE_CHECKING:
    from polyspec.settings import Settings
    from polyspec.translation.pipeline import TranslatedSegment
    from polyspec.translator import Translator


def translate_text(
    settings: "Settings",
    texts: list[str],
    in_: Path | None,
    output_file: Path | None,
    *,
    trace_file: Path | None = None,
    has_stats: bool = False,
    as_json: bool = False,
) -> None:
    """Translate a text and write each piece as soon as it is known."""
    with open_source(texts, in_, settings.encoding) as source:
        if source.is_empty:
            _write_nothing(output_file)
            return
        from polyspec.detection import read_ahead
        from polyspec.translator import open_translator

        sample, chunks = read_ahead(source.chunks)
        task = describe_task(settings, sample)
        whole = replace(source, chunks=chunks)
        with (
            open_trace(trace_file) as trace,
            _open_sink(output_file, source) as write,
            open_translator(settings, diagnostics.note, task=task) as translator,
        ):
            for line in translator.notes:
                diagnostics.note(line)
            trace.begin(translator)
            is_streaming = output_file is None and not as_json and sys.stdout.isatty()
            sums, started = RunStats(), time.perf_counter()
            num_recalled = 0
            segments = _run(translator, whole, write, is_streaming, as_json=as_json)
            heard = HistoryNote(translator)
            with _show_progress(output_file) as progress:
                for segment in segments:
                    sums.add(segment.num_tokens, segment.counts)
                    heard.add(segment)
                    num_recalled += segment.is_recalled
                    _trace(trace, segment)
                    progress.update(sums.num_segments)
            trace.end(translator)
            if num_recalled:
                diagnostics.note(f"{num_recalled} segments were taken from the memory")
            heard.write(in_.name if in_ is not None and not texts else "")
            if has_stats:
                show_stats(sums, translator, time.perf_counter() - started)


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
        "source_language": (
            segment.other_language or translator.source_language()
        ).code,
        "target_language": translator.target_language().code,
        "num_tokens": segment.num_tokens,
        "elapsed_s": round(segment.elapsed_s, 4),
        "draft": draft_fields(segment.counts),
        "before": segment.segment.prefix,
        "after": segment.segment.suffix,
        "note": segment.note,
        "recalled": segment.is_recalled,
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
