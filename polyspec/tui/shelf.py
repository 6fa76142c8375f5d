"""What lies in the folders: models and tables. Read on a thread."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from polyspec.errors import ModelError, PolySpecError

if TYPE_CHECKING:
    from polyspec.catalog.listing import ListedModel


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The model that suits this machine."""

    name: str
    reason: str
    size_bytes: int | None
    licence: str
    licence_notice: str
    languages: str


@dataclass(frozen=True, slots=True)
class TableLine:
    """One n-gram table."""

    name: str
    language: str
    size_bytes: int
    matches: bool
    """Whether it can draft for the model that was asked about."""


def read_models() -> "tuple[ListedModel, ...]":
    """All models, installed or not.

    Raises:
        ModelError: The catalogue cannot be read.
    """
    from polyspec.catalog.listing import list_models

    return list_models()


def suggest_model() -> Suggestion:
    """The model of the catalogue that this machine can hold.

    Raises:
        ModelError: None fits, or the catalogue cannot be read.
    """
    from polyspec.catalog.choice import choose_for_this_machine
    from polyspec.catalog.manifest import read_catalogue

    choice = choose_for_this_machine(read_catalogue())
    entry = choice.entry
    return Suggestion(
        entry.name,
        choice.reason,
        entry.size_bytes,
        entry.licence,
        entry.licence_notice,
        entry.languages,
    )


def has_models() -> bool:
    """Whether any model is installed."""
    from polyspec.catalog.store import installed_models

    return bool(installed_models())


def read_tables(model_path: str) -> tuple[TableLine, ...]:
    """All tables, those that match a model first; none matches where it is unreadable.

    Args:
        model_path: File of the model; empty for none.
    """
    from polyspec.languages import find_language
    from polyspec.tables.store import list_tables

    fingerprint = _fingerprint(model_path) if model_path else ""
    lines = []
    for table in list_tables():
        if table.info is None:
            continue
        try:
            language = find_language(table.info.language).name
        except PolySpecError:
            language = table.info.language
        matches = bool(fingerprint) and table.info.fingerprint == fingerprint
        lines.append(TableLine(table.name, language, table.size_bytes, matches))
    return tuple(sorted(lines, key=lambda line: (not line.matches, line.language)))


def _fingerprint(model_path: str) -> str:
    try:
        written_ns = Path(model_path).stat().st_mtime_ns
    except OSError:
        return ""
    return _read_fingerprint(model_path, written_ns)


@lru_cache(maxsize=64)
def _read_fingerprint(model_path: str, _written_ns: int) -> str:
    """Kept, since each move of the mark asks, and a vocabulary takes 0.1 s to read."""
    from polyspec.catalog.adapters import read_base_header
    from polyspec.gguf_header import tokenizer_fingerprint

    try:
        return tokenizer_fingerprint(read_base_header(Path(model_path)))
    except ModelError:
        return ""
