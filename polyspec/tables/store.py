"""Tables by language and tokenizer: those that ship, and the user's own."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from polyspec.errors import TableError, TableFormatError, TableMismatchError
from polyspec.paths import data_dir, shipped_tables_dir
from polyspec.tables.format import TableInfo, read_table_header
from polyspec.tables.reader import Table

_FINGERPRINT_CHARS = 12


@dataclass(frozen=True, slots=True)
class ListedTable:
    """A table in one of the folders."""

    name: str
    path: Path
    size_bytes: int
    is_shipped: bool
    info: TableInfo | None
    """None where the file is damaged."""


def table_name(language: str, fingerprint: str) -> str:
    """The name of a table, for example `deu.3c1c93b8a0f2`."""
    return f"{language}.{fingerprint[:_FINGERPRINT_CHARS]}"


def own_table_path(language: str, fingerprint: str) -> Path:
    """Where the user's own table of a language and a tokenizer lies or will lie."""
    return _own_dir() / f"{table_name(language, fingerprint)}.gguf"


def list_tables() -> tuple[ListedTable, ...]:
    """All tables, the user's own before those that ship, each folder by name."""
    return tuple(_listed(_own_dir(), False)) + tuple(
        _listed(shipped_tables_dir(), True)
    )


def find_table(name_or_path: str) -> Path:
    """The file of a table by name, or by path.

    Raises:
        TableError: There is none.
    """
    for folder in (_own_dir(), shipped_tables_dir()):
        path = folder / f"{name_or_path}.gguf"
        if Path(name_or_path).name == name_or_path and path.is_file():
            return path
    with contextlib.suppress(OSError, ValueError):
        if Path(name_or_path).is_file():
            return Path(name_or_path)
    raise TableError(
        f"there is no table {name_or_path}",
        cause="neither a name that is known nor a file",
        remedy="see what there is with: polyspec tables list",
    )


def find_table_for(language: str, fingerprint: str) -> Path | None:
    """The table of a language for a tokenizer, the user's own rather than ours."""
    name = f"{table_name(language, fingerprint)}.gguf"
    paths = (folder / name for folder in (_own_dir(), shipped_tables_dir()))
    return next((path for path in paths if path.is_file()), None)


def open_table_for(language: str, fingerprint: str, model: str) -> Table:
    """Open the table of a language for a tokenizer.

    Args:
        language: ISO 639-3.
        fingerprint: Of the model's tokenizer.
        model: What the user calls the model.

    Raises:
        TableMismatchError: There are tables of the language, for other tokenizers.
        TableError: There is no table of the language, or it is damaged.
    """
    path = find_table_for(language, fingerprint)
    if path is not None:
        table = Table(path)
        table.require_match(fingerprint, model)
        return table
    remedy = f"polyspec tables build FILE --language {language} --model {model}"
    others = [
        table.info.fingerprint
        for table in list_tables()
        if table.info is not None and table.info.language == language
    ]
    if others:
        raise TableMismatchError(
            f"no {language} table can draft for {model}",
            cause=f"table tokenizer {others[0]}, model {fingerprint}",
            remedy=f"build one with: {remedy}",
        )
    raise TableError(
        f"there is no {language} table for {model}",
        cause=f"neither {_own_dir()} nor {shipped_tables_dir()} holds "
        f"{table_name(language, fingerprint)}.gguf",
        remedy=f"build it with: {remedy}; or pass --draft auto",
    )


def remove_table(name: str) -> int:
    """Delete one of the user's own tables and return its size in bytes.

    Raises:
        TableError: There is none of that name, or it ships with the program.
    """
    own = {table.name: table for table in _listed(_own_dir(), False)}
    if name in own:
        own[name].path.unlink()
        return own[name].size_bytes
    shipped = {table.name for table in _listed(shipped_tables_dir(), True)}
    raise TableError(
        f"cannot remove the table {name}",
        cause="it ships with the program" if name in shipped else "there is none",
        remedy="see your own with: polyspec tables list",
    )


def _own_dir() -> Path:
    return data_dir() / "tables"


def _listed(folder: Path, is_shipped: bool) -> Iterator[ListedTable]:
    paths = sorted(folder.glob("*.gguf")) if folder.is_dir() else []
    for path in paths:
        info = None
        with contextlib.suppress(TableFormatError):
            info = read_table_header(path)[1]
        yield ListedTable(path.stem, path, path.stat().st_size, is_shipped, info)
