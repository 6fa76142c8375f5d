"""Reading texts of any size and form line by line, in bounded memory."""

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from polyspec.errors import TableError

_MAX_LINE_CHARS = 1 << 16
"""A longer line comes in pieces."""
_MAX_RECORD_CHARS = 1 << 24
"""What must be read whole: a line of JSON or of a table."""
_COLUMNS = ("text", "sentence", "content", "story")
"""Names by which the column or field of the text is known, the likeliest first."""
_NAMED_COLUMN = re.compile(
    r"(?P<file>.+\.(?:parquet|(?:jsonl|ndjson)(?:\.gz|\.zst)?)):(?P<column>[^:]+)"
)
_RECORDS = {".jsonl", ".ndjson"}
_OFFLINE = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "1",
}
_ROWS = 512
"""Rows that are taken from a Parquet file at once."""


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a text that are not blank, stripped; very long ones in pieces.

    `.zst` and `.gz` are unpacked. Of a `.tsv` the last column is taken. Of a
    `.parquet` or `.jsonl` the column or field called text, sentence, content or story
    is taken, or the only one that holds text; `corpus.parquet:title` names another.

    Raises:
        TableError: The file cannot be read, is not UTF-8 text, or leaves open which
            column holds the text.
    """
    path, column = _split_column(path)
    if path.suffix == ".parquet":
        texts = _read_parquet(path, column)
    elif _RECORDS & set(path.suffixes):
        texts = _read_records(path, column)
    elif ".tsv" in path.suffixes:
        lines = _read_pieces(path, _MAX_RECORD_CHARS)
        texts = (line.rpartition("\t")[2] for _, line in _require_whole(path, lines))
    else:
        texts = (piece for _, piece in _read_pieces(path, _MAX_LINE_CHARS))
    for text in texts:
        for line in _split_lines(text):
            if line := line.strip():
                yield line


def read_pairs(path: Path) -> Iterator[tuple[str, str]]:
    """First and last column of each line of a `.tsv`, which may be packed.

    Lines in which either is blank are left out.

    Raises:
        TableError: The file cannot be read, is not UTF-8 text, or has no columns.
    """
    lines = _require_whole(path, _read_pieces(path, _MAX_RECORD_CHARS))
    for number, line in lines:
        source, tab, rest = line.partition("\t")
        if not tab and source.strip():
            raise TableError(
                f"{path} holds no pairs of sentences",
                cause=f"line {number} has no tab",
                remedy="pass a .tsv with the source first and the translation last",
            )
        target = rest.rpartition("\t")[2].strip()
        if source.strip() and target:
            yield source.strip(), target


def _split_column(path: Path) -> tuple[Path, str | None]:
    named = _NAMED_COLUMN.fullmatch(path.name)
    if named is None or path.exists():
        return path, None
    return path.with_name(named["file"]), named["column"]


def _split_lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        for start in range(0, len(line), _MAX_LINE_CHARS):
            yield line[start : start + _MAX_LINE_CHARS]


def _read_pieces(path: Path, most: int) -> Iterator[tuple[int, str]]:
    """Number and text of each line, of at most `most` characters at a time."""
    number = 1
    try:
        with _open(path) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig")
            while piece := text.readline(most):
                if "\0" in piece:
                    raise _refuse(path, f"there is a zero byte in line {number}")
                yield number, piece
                number += piece.endswith("\n")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        cause = f"byte {byte:#04x} after line {number - 1} is no UTF-8"
        raise _refuse(path, cause) from error
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, getattr(error, "strerror", "") or str(error)) from error


def _require_whole(
    path: Path, pieces: Iterator[tuple[int, str]]
) -> Iterator[tuple[int, str]]:
    for number, piece in pieces:
        if len(piece) >= _MAX_RECORD_CHARS:
            raise _refuse(path, f"line {number} has over {len(piece)} characters")
        yield number, piece


def _read_records(path: Path, column: str | None) -> Iterator[str]:
    """The text of each line of JSON; where it is null the line is passed over."""
    for number, line in _require_whole(path, _read_pieces(path, _MAX_RECORD_CHARS)):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _refuse(path, f"line {number} is no JSON") from error
        if not isinstance(record, dict):
            raise _refuse(path, f"line {number} is no JSON object")
        if column not in record:
            texts = [key for key, value in record.items() if isinstance(value, str)]
            column = _choose(path, column, texts, list(record))
        text = record[column]
        if not isinstance(text, str | None):
            raise _refuse(path, f"{column!r} in line {number} is no text")
        # JSON can write halves of characters, which no text can hold.
        yield (text or "").encode("utf-8", "replace").decode()


def _read_parquet(path: Path, column: str | None) -> Iterator[str]:
    """The text of each row; DuckDB decodes a few thousand rows at a time."""
    import duckdb

    if not path.is_file():
        raise _unreadable(path, "no such file")
    # A name with a star is a name; and a folder `lang=yo` adds no column.
    source = "FROM read_parquet(?, hive_partitioning = false)"
    name = re.sub(r"([*?[])", r"[\1]", str(path))
    try:
        with duckdb.connect(config=_OFFLINE) as database:
            columns = database.execute(f"DESCRIBE SELECT * {source}", [name]).fetchall()
            texts = [str(name) for name, kind, *_ in columns if kind == "VARCHAR"]
            chosen = _choose(
                path, column, texts, [str(column[0]) for column in columns]
            )
            quoted = '"' + chosen.replace('"', '""') + '"'
            found = database.execute(f"SELECT {quoted} {source}", [name])
            while rows := found.fetchmany(_ROWS):
                yield from (text for (text,) in rows if text)
    except duckdb.InterruptException as error:
        raise KeyboardInterrupt from error
    except duckdb.Error as error:
        raise _unreadable(path, str(error).partition("\n")[0]) from error


def _choose(
    path: Path, wanted: str | None, texts: Sequence[str], names: Sequence[str]
) -> str:
    """The column to read.

    Args:
        path: Where it is.
        wanted: What the user or an earlier line named.
        texts: The columns that hold text.
        names: All columns.
    """
    if wanted is not None and wanted in texts:
        return wanted
    known = next((name for name in _COLUMNS if name in texts), None)
    only = texts[0] if len(texts) == 1 else None
    chosen = known or only
    if wanted is None and chosen is not None:
        return chosen
    among = f"its columns are {', '.join(map(repr, names))}" if names else "it has none"
    raise TableError(
        f"{path} has no text column {wanted!r}"
        if wanted
        else f"it is not known which column of {path} is the text",
        cause=among,
        remedy=f"name one that holds text, for example {path.name}:COLUMN",
    )


def _refuse(path: Path, cause: str) -> TableError:
    return TableError(
        f"{path} is not text", cause=cause, remedy="convert it to UTF-8 first"
    )


def _unreadable(path: Path, cause: str) -> TableError:
    return TableError(
        f"cannot read the text {path}",
        cause=cause.lower(),
        remedy="check the path, or get the file again",
    )


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    if path.suffix == ".zst":
        import zstandard

        with path.open("rb") as packed:
            try:
                yield zstandard.ZstdDecompressor().stream_reader(
                    packed, read_across_frames=True
                )
            except zstandard.ZstdError as error:
                raise OSError(str(error)) from error
    elif path.suffix == ".gz":
        with gzip.open(path) as unpacked:
            yield unpacked  # type: ignore[misc]
    else:
        with path.open("rb") as file:
            yield file
