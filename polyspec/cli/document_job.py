"""A document translated from file to file for `polyspec translate`."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from polyspec.cli import diagnostics, output
from polyspec.cli.run_stats import RunStats, show_stats
from polyspec.errors import UsageError

if TYPE_CHECKING:
    from polyspec.documents.interfaces import Document
    from polyspec.settings import Settings
    from polyspec.translation.units import TranslatedUnit

_MAX_NAMED = 20
"""So many segments that went wrong are told one by one."""


@dataclass(frozen=True, slots=True)
class DocumentChoice:
    """What the command line says about a document."""

    path: Path | None
    format_name: str | None = None
    columns: str | None = None
    keys: str | None = None
    encoding: str | None = None
    wants_lines: bool = False
    """Whether the segments of a text are asked for, one a line."""

    def open(self, settings: "Settings") -> "Document | None":
        """The document, or None where plain text is to be translated.

        Raises:
            DocumentError: The file cannot be read or is malformed.
            UsageError: The format is unknown, or an option does not fit.
        """
        is_file = self.path is not None and str(self.path) != "-"
        if self.path is None or not is_file or self.wants_lines:
            self._require_text(is_file)
            return None
        from polyspec.documents.interfaces import ReadOptions
        from polyspec.documents.registry import detect_format, find_format
        from polyspec.languages import find_language

        name = self.format_name
        known = find_format(name) if name else detect_format(self.path)
        if known.name == "text":
            return None
        options = ReadOptions(
            encoding=self.encoding,
            source_tag=find_language(settings.from_ or "eng").tag,
            target_tag=find_language(settings.to or "eng").tag,
            columns=_split(self.columns),
            keys=_split(self.keys),
        )
        return known.open(self.path, options)

    def _require_text(self, is_file: bool) -> None:
        if self.format_name in {None, "text"}:
            return
        if is_file:
            raise UsageError(
                f"--json and --trace do not go with the format {self.format_name}",
                cause="they tell of the segments of a plain text",
                remedy="leave them out, or pass --format text",
            )
        raise UsageError(
            f"the format {self.format_name} needs a file",
            cause="a document is read twice, which a pipe or an argument cannot be",
            remedy="name it with --in FILE",
        )


def translate_document(
    settings: "Settings", document: "Document", path: Path | None, *, has_stats: bool
) -> None:
    """Translate a document into a file, or to standard output.

    What went wrong in a segment is told as it happens, and how many there were at the
    end.
    """
    from polyspec.translator import open_translator

    for note in document.notes:
        diagnostics.note(note)
    # Read to its end, so that a malformed one is refused before hours of work.
    num_segments, num_translatable = _count_segments(document)
    if not num_translatable:
        diagnostics.note("there is nothing to translate in the document")
        with _open_bytes(path) as sink:
            document.write(sink, lambda _: None)
        return
    sums, tally, started = RunStats(), _Tally(), time.perf_counter()
    with (
        _open_bytes(path) as sink,
        open_translator(settings, diagnostics.note) as translator,
        _show_progress(path, num_segments) as progress,
    ):
        for note in translator.notes:
            diagnostics.note(note)

        def report(unit: "TranslatedUnit") -> None:
            for counts in unit.counts:
                sums.add(unit.num_tokens if counts is unit.counts[0] else 0, counts)
            tally.note(unit)
            progress.update(tally.num_segments)

        translator.translate_document(document, sink, report)
        if has_stats:
            show_stats(sums, translator, time.perf_counter() - started)
    tally.tell()


def _count_segments(document: "Document") -> tuple[int, int]:
    """How many segments there are, and how many of them hold letters."""
    num_segments = num_translatable = 0
    for segment in document.segments():
        num_segments += 1
        num_translatable += segment.is_translatable
    return num_segments, num_translatable


class _Tally:
    """Counts the segments and tells of those that need a look."""

    def __init__(self) -> None:
        self.num_segments = 0
        self._num_flagged = 0
        self._num_kept = 0

    def note(self, unit: "TranslatedUnit") -> None:
        self.num_segments += 1
        self._num_kept += unit.is_kept
        if not unit.note:
            return
        self._num_flagged += 1
        if self._num_flagged <= _MAX_NAMED:
            key = f" ({unit.segment.note.key})" if unit.segment.note.key else ""
            diagnostics.note(f"segment {self.num_segments}{key}: {unit.note}")

    def tell(self) -> None:
        """Sum up, if there is anything to look at."""
        if self._num_flagged:
            diagnostics.note(
                f"{self._num_flagged} of {self.num_segments} segments need a look; "
                f"{self._num_kept} of them keep their source text"
            )


def _split(names: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (names or "").split(",") if part.strip())


@contextmanager
def _open_bytes(path: Path | None) -> Iterator[BinaryIO]:
    """Where the bytes of the document go; to standard output only when complete."""
    if path is not None and str(path) != "-":
        from polyspec.documents.output_file import open_binary_output

        with open_binary_output(path) as file:
            yield file
        return
    from tempfile import TemporaryFile

    with TemporaryFile() as file:
        yield file
        file.seek(0)
        while data := file.read(1 << 16):
            output.write_bytes(data)


@contextmanager
def _show_progress(path: Path | None, total: int) -> Iterator[diagnostics.Progress]:
    """Count segments on a terminal."""
    if path is None or sys.stderr is None or not sys.stderr.isatty():
        yield diagnostics.SILENT
        return
    with diagnostics.progress("translating", total, "segments") as progress:
        yield progress
