"""Comma- and tab-separated tables with a header, read whole and with care."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from polyspec.documents.encodings import read_whole
from polyspec.documents.faults import malformed

_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Row:
    """One row."""

    line: int
    """Number of its last line, from 1."""
    cells: tuple[str, ...]


def read_rows(path: Path, title: str, delimiter: str | None = None) -> Iterator[Row]:
    """The rows of a table that are not empty.

    Args:
        path: The file, of at most 64 MiB.
        title: Of the format, for messages.
        delimiter: Stands between cells; found out where not given.

    Raises:
        DocumentError: It cannot be read, is no text, or a cell has no end.
    """
    text = read_whole(path).text
    lines = text.splitlines(keepends=True)
    delimiter = delimiter or _guess_delimiter("".join(lines[:1]))
    reader = csv.reader(iter(lines), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Row(reader.line_num, tuple(cell.strip() for cell in cells))
    except csv.Error as err:
        raise malformed(title, str(err), line=reader.line_num) from err


def _guess_delimiter(header: str) -> str:
    """The sign that the first line has most of."""
    return max(_DELIMITERS, key=header.count)
