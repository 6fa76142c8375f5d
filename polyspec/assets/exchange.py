"""Units of TMX and CSV files into the memory.

A file is read to its end before anything is stored, so that a malformed one changes
nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from polyspec.assets.language_pair import LanguagePair, is_same_language, tag_of
from polyspec.assets.markers import have_same_markers, number_markers, renumber
from polyspec.assets.paragraphs import pair_sentences
from polyspec.assets.rows import Row, read_rows
from polyspec.assets.segments import NewSegment, Origin
from polyspec.assets.tmx_reader import TmxUnit, read_tmx
from polyspec.assets.tmx_writer import ORIGIN_PROPERTY
from polyspec.assets.translation_memory import TranslationMemory
from polyspec.documents.faults import malformed
from polyspec.errors import UsageError

_BATCH = 500
"""Stored at once, so that other processes wait for no longer than that takes."""
_CSV_TITLE = "CSV of a translation memory"
_SOURCE_NAMES = frozenset(("source", "src"))
_TARGET_NAMES = frozenset(("translation", "target", "trg", "tgt"))


@dataclass(frozen=True, slots=True)
class ImportedUnit:
    """A pair of texts as a file has it."""

    segment: NewSegment | None
    """None where it cannot be kept: a text is missing, or a language unknown."""
    origin: Origin = Origin.IMPORT


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What became of a file."""

    num_kept: int
    num_skipped: int
    """Without one of the texts, in a language that is unknown or not asked for, with
    markup that differs, or known already from a user."""


def import_file(
    memory: TranslationMemory,
    path: Path,
    pair: LanguagePair | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> ImportCounts:
    """Put the units of a TMX, CSV or TSV file into the memory.

    Args:
        memory: Takes them.
        path: The file; what it is, its name tells.
        pair: Take these languages only, whatever regional variety the file names; for
            a table that names no languages, those of its two columns.
        report: Told how many units are done, and of how many.

    Raises:
        AssetError: The memory cannot be written.
        DocumentError: The file cannot be read, or is malformed.
        UsageError: It is of another kind, or its languages are not known.
    """
    total = sum(1 for _ in read_units(path, pair))
    units = read_units(path, pair)
    num_done = num_kept = 0
    while batch := list(islice(units, _BATCH)):
        for origin in Origin:
            segments = [
                unit.segment
                for unit in batch
                if unit.segment is not None and unit.origin is origin
            ]
            num_kept += memory.store(segments, origin)
        num_done += len(batch)
        report(num_done, total)
    return ImportCounts(num_kept, num_done - num_kept)


def read_units(path: Path, pair: LanguagePair | None = None) -> Iterator[ImportedUnit]:
    """The units of a file; raises as `import_file` does."""
    kind = path.suffix.lower()
    if kind == ".tmx":
        for unit in read_tmx(path):
            yield from _split_unit(unit, pair)
    elif kind in {".csv", ".tsv", ".tab"}:
        yield from _read_table(path, pair, None if kind == ".csv" else "\t")
    else:
        raise UsageError(
            f"{path} cannot be imported",
            cause=f"files that end in {kind or 'nothing'} are not known",
            remedy="name a .tmx, .csv or .tsv file",
        )


def _split_unit(unit: TmxUnit, pair: LanguagePair | None) -> Iterator[ImportedUnit]:
    """Give the source of a unit with each of its other languages."""
    texts = [(_find_tag(one.tag), one.text.strip()) for one in unit.variants]
    named = _find_tag(unit.source_tag)
    wanted = pair.source if pair is not None else named
    source = next((text for text in texts if is_same_language(text[0], wanted)), None)
    if source is None and pair is None and texts:
        source = texts[0]  # all languages of the file are equal, or it does not say
    if source is None:
        yield ImportedUnit(None)
        return
    origin_name = unit.properties.get(ORIGIN_PROPERTY, "")
    for tag, text in texts:
        if (tag, text) == source or not _is_wanted(tag, pair):
            continue
        chosen = pair or LanguagePair(source[0], tag)
        yield from _make_units(chosen, source[1], text, origin_name)


def _is_wanted(tag: str, pair: LanguagePair | None) -> bool:
    return pair is None or is_same_language(tag, pair.target)


def _find_tag(name: str) -> str:
    """The language of a tag in a file; empty where none is meant or known."""
    if not name or name == "*all*":
        return ""
    try:
        return tag_of(name)
    except UsageError:
        return ""


def _find_origin(name: str) -> Origin:
    return next((origin for origin in Origin if origin.value == name), Origin.IMPORT)


def _make_units(
    pair: LanguagePair, source: str, translation: str, origin_name: str
) -> Iterator[ImportedUnit]:
    """A pair of texts as one unit, then its sentences where it has several.

    What names one of our origins was written by a memory like this, sentences and all.
    """
    segment = _make_segment(pair, source, translation)
    origin = _find_origin(origin_name)
    yield ImportedUnit(segment, origin)
    is_ours = any(known.value == origin_name for known in Origin)
    if segment is None or is_ours:
        return
    for texts in pair_sentences(pair, source, translation):
        sentence = _make_segment(pair, *texts)
        if sentence is not None:
            yield ImportedUnit(sentence, origin)


def _make_segment(
    pair: LanguagePair, source: str, translation: str
) -> NewSegment | None:
    numbers = number_markers(source)
    source, translation = renumber(source, numbers), renumber(translation, numbers)
    if not (pair.source and pair.target and source and translation):
        return None
    if not have_same_markers(source, translation):
        return None
    return NewSegment(pair, source, translation)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the cells of a table stand; None where it has no such column."""

    source: int = 0
    translation: int = 1
    source_language: int | None = None
    target_language: int | None = None
    origin: int | None = None


def _read_table(
    path: Path, pair: LanguagePair | None, delimiter: str | None
) -> Iterator[ImportedUnit]:
    columns: _Columns | None = None
    for row in read_rows(path, _CSV_TITLE, delimiter):
        if columns is None:
            columns = _find_columns(row)
            if columns is not None:
                continue
            columns = _Columns()
        if columns.source_language is None and pair is None:
            raise UsageError(
                f"the languages of {path} are not known",
                cause="it has no columns source_language and target_language",
                remedy="pass --from CODE and --to CODE",
            )
        yield from _read_row(row, columns, pair)


def _find_columns(row: Row) -> _Columns | None:
    """The columns that a header names; None where the row is none."""
    names = [cell.lower().replace(" ", "_") for cell in row.cells]
    source = _find_name(names, _SOURCE_NAMES)
    translation = _find_name(names, _TARGET_NAMES)
    if source is None or translation is None:
        return None
    languages = (
        _find_name(names, frozenset(("source_language",))),
        _find_name(names, frozenset(("target_language",))),
    )
    if None in languages:
        languages = (None, None)
    return _Columns(
        source, translation, *languages, _find_name(names, frozenset(("origin",)))
    )


def _find_name(names: list[str], wanted: frozenset[str]) -> int | None:
    return next((place for place, name in enumerate(names) if name in wanted), None)


def _read_row(
    row: Row, columns: _Columns, pair: LanguagePair | None
) -> Iterator[ImportedUnit]:
    if len(row.cells) <= max(columns.source, columns.translation):
        raise malformed(_CSV_TITLE, "a row has too few cells", line=row.line)

    def cell(place: int | None) -> str:
        return row.cells[place] if place is not None and place < len(row.cells) else ""

    if columns.source_language is not None:
        source_tag = _find_tag(cell(columns.source_language))
        target_tag = _find_tag(cell(columns.target_language))
        is_other = pair is not None and not (
            is_same_language(source_tag, pair.source)
            and is_same_language(target_tag, pair.target)
        )
        if is_other:
            yield ImportedUnit(None)
            return
        pair = pair or LanguagePair(source_tag, target_tag)
    if pair is None:
        yield ImportedUnit(None)
        return
    source, translation = cell(columns.source), cell(columns.translation)
    yield from _make_units(pair, source, translation, cell(columns.origin))
