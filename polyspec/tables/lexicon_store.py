"""Lexicons by their two languages: those that ship, and the user's own."""

from pathlib import Path

from polyspec.paths import data_dir, shipped_tables_dir


def own_lexicon_path(source: str, target: str) -> Path:
    """Where the user's own lexicon of two languages lies or will lie."""
    return data_dir() / "tables" / lexicon_file_name(source, target)


def find_lexicon(source: str, target: str) -> Path | None:
    """The lexicon of two languages, ISO 639-3; the user's own rather than ours."""
    shipped = shipped_tables_dir() / lexicon_file_name(source, target)
    paths = (own_lexicon_path(source, target), shipped)
    return next((path for path in paths if path.is_file()), None)


def lexicon_file_name(source: str, target: str) -> str:
    """The name of the lexicon of two languages."""
    # A suffix of its own: a folder's tables are all its files that end in .gguf.
    return f"{source}-{target}.lexicon"
