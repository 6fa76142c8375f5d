"""Memory and history as the interface shows and changes them. Used on threads.

Each call opens the file and gives it back; every function raises `AssetError` where it
cannot be used.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polyspec.assets.database import Database
    from polyspec.languages import Language

HISTORY, MEMORY = "history", "memory"
_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Record:
    """A translation that was kept."""

    id: int
    source_tag: str
    target_tag: str
    source: str
    translation: str
    when: str
    """Date and time where the user is."""
    origin: str
    """The model or the file it is from, or who made it."""


def find_records(shelf: str, text: str) -> tuple[Record, ...]:
    """What is kept and holds a text, the latest first; at most 200.

    Args:
        shelf: `history` or `memory`.
        text: Sought whatever its case; empty finds all.
    """
    from polyspec.assets.history import History
    from polyspec.assets.translation_memory import TranslationMemory

    with _open() as database:
        if shelf == HISTORY:
            return tuple(
                Record(
                    entry.id,
                    entry.pair.source,
                    entry.pair.target,
                    entry.source or entry.title,
                    entry.translation,
                    _format_time(entry.written_s),
                    entry.title or entry.model,
                )
                for entry in History(database).search(text, limit=_LIMIT)
            )
        return tuple(
            Record(
                one.id,
                one.pair.source,
                one.pair.target,
                one.source,
                one.translation,
                _format_time(one.changed_s),
                one.origin.value,
            )
            for one in TranslationMemory(database).search(text, limit=_LIMIT)
        )


def delete_records(shelf: str, ids: Sequence[int]) -> int:
    """Forget what is kept under some numbers; returns how many there were."""
    from polyspec.assets.history import History
    from polyspec.assets.translation_memory import TranslationMemory

    with _open() as database:
        if shelf == HISTORY:
            return History(database).delete(ids)
        return TranslationMemory(database).delete(ids)


def export_records(shelf: str, path: Path) -> int:
    """Write all that is kept into a new file; returns how much there was.

    Args:
        shelf: `history` or `memory`.
        path: The history becomes a table (.csv, .tsv) or JSON lines; the memory TMX
            (.tmx) or a table.

    Raises:
        DocumentError: There is such a file, or it cannot be written.
        UsageError: The name ends otherwise.
    """
    from polyspec.assets.history import History
    from polyspec.assets.translation_memory import TranslationMemory
    from polyspec.documents.output_file import open_output

    kind = _require_free(path, shelf)
    with _open() as database, open_output(path) as output:
        if shelf == HISTORY:
            return _write_history(kind)(History(database).entries(), output.write)
        return _write_memory(kind)(TranslationMemory(database).segments(), output.write)


def keep_by_hand(
    source: "Language", target: "Language", pairs: Sequence[tuple[str, str]]
) -> int:
    """Keep translations that the user wrote; returns how many there are.

    Args:
        source: Language of the texts.
        target: That of the translations.
        pairs: Texts with their translations.
    """
    from polyspec.assets.language_pair import LanguagePair
    from polyspec.assets.segments import NewSegment, Origin
    from polyspec.assets.translation_memory import TranslationMemory

    pair = LanguagePair.of(source, target)
    segments = [NewSegment(pair, text, translation) for text, translation in pairs]
    with _open() as database:
        return TranslationMemory(database).store(segments, Origin.USER)


def _format_time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


@contextmanager
def _open() -> Iterator["Database"]:
    from polyspec.assets.database import Database, assets_path

    with Database(assets_path(), lambda _: None) as database:
        yield database


def _require_free(path: Path, shelf: str) -> str:
    from polyspec.errors import DocumentError, UsageError

    kinds = (".csv", ".tsv", ".jsonl") if shelf == HISTORY else (".tmx", ".csv", ".tsv")
    kind = path.suffix.lower()
    if kind not in kinds:
        raise UsageError(
            f"the {shelf} cannot be written as {path.name}",
            cause=f"the name ends with none of {', '.join(kinds)}",
            remedy=f"name it {path.stem or shelf}{kinds[0]}",
        )
    if path.exists():
        raise DocumentError(
            f"{path} is there already",
            cause="an export never takes the place of another file",
            remedy="choose another name",
        )
    return kind


def _write_history(kind: str) -> Callable[..., int]:
    from polyspec.assets import exports

    if kind == ".jsonl":
        return exports.write_history_lines
    return lambda entries, write: exports.write_history_csv(
        entries, write, _delimiter(kind)
    )


def _write_memory(kind: str) -> Callable[..., int]:
    from polyspec.assets import exports
    from polyspec.assets.tmx_writer import write_tmx

    if kind == ".tmx":
        return write_tmx
    return lambda segments, write: exports.write_segments_csv(
        segments, write, _delimiter(kind)
    )


def _delimiter(kind: str) -> str:
    return "\t" if kind == ".tsv" else ","
