"""CSV and TSV: the cells of chosen columns.

Python's `csv` sniffs the delimiter. The records are scanned here, since `csv` does not
tell how a cell was quoted and so cannot write a row as it was.
Format: RFC 4180, with LF as well as CRLF.
"""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from polyspec.documents.encodings import SAMPLE_BYTES
from polyspec.documents.faults import malformed
from polyspec.documents.interfaces import (
    Content,
    Document,
    ReadOptions,
    SegmentNote,
    plain_text,
)
from polyspec.documents.slots import Part, make_slot
from polyspec.documents.streamed_text import cut_end, open_streamed, split_lines
from polyspec.errors import UsageError

_MAX_RECORD_CHARS = 1 << 17
_DELIMITERS = ",;\t|"
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+|(?:https?|ftp)://\S+|[A-Z0-9_-]*\d[A-Z0-9_-]*")


class _Table:
    """A table whose cells are kept apart by one sign."""

    name = "csv"
    title = "CSV"
    extensions: tuple[str, ...] = (".csv",)
    limits = (
        "--columns names the columns or counts them from 1; by names, the first row is "
        "a header and stays. Without it every cell that holds words is translated, the "
        "first row too."
    )
    is_streamed = True
    delimiter = ""
    """Found out where empty."""

    def recognises(self, head: bytes) -> bool:
        return False

    def open(self, path: Path, options: ReadOptions) -> Document:
        def read(chunks: Iterator[str]) -> Iterator[Part]:
            return _read_parts(chunks, self.delimiter, options.columns)

        return open_streamed(path, options, read)


class Csv(_Table):
    """Tables with commas, semicolons or bars."""


class Tsv(_Table):
    """Tables with tabs."""

    name = "tsv"
    title = "TSV"
    extensions = (".tsv", ".tab")
    delimiter = "\t"


def _read_parts(
    chunks: Iterator[str], delimiter: str, columns: tuple[str, ...]
) -> Iterator[Part]:
    first = next(chunks, "")
    delimiter = delimiter or _sniff(first)
    scanner = _Scanner(delimiter)
    choice: _Columns | None = None
    for number, line, cells in scanner.read(split_lines(_put_back(first, chunks))):
        if choice is None:
            choice = _Columns([cell.text for cell in cells], columns)
            if choice.has_header:
                yield line
                continue
        place = 0
        for index, cell in enumerate(cells):
            if choice.is_wanted(index, cell.text):
                yield line[place : cell.start]
                note = SegmentNote(key=f"{choice.name(index)}{number}")
                raw = line[cell.start : cell.end]
                yield make_slot(raw, (cell.text,), scanner.encoder(raw), note)
                place = cell.end
        yield line[place:]


def _put_back(first: str, chunks: Iterator[str]) -> Iterator[str]:
    yield first
    yield from chunks


def _sniff(sample: str) -> str:
    lines = sample[:SAMPLE_BYTES].splitlines()[:50]
    try:
        found = csv.Sniffer().sniff("\n".join(lines), _DELIMITERS).delimiter
    except csv.Error:
        return ","
    return found if found in _DELIMITERS else ","


class _Columns:
    """Which columns are translated, and what they are called."""

    def __init__(self, header: list[str], wanted: tuple[str, ...]) -> None:
        self._header = header
        self.has_header = bool(wanted) and not all(name.isdecimal() for name in wanted)
        self._indices = {self._find(name) for name in wanted}

    def is_wanted(self, index: int, text: str) -> bool:
        if not any(char.isalpha() for char in text):
            return False
        if self._indices:
            return index in self._indices
        return not _ADDRESS.fullmatch(text.strip())

    def name(self, index: int) -> str:
        """What stands before the number of a row in the key of a cell."""
        if self.has_header and index < len(self._header):
            return f"{self._header[index].strip()} "
        return f"{index + 1}:"

    def _find(self, name: str) -> int:
        names = [text.strip() for text in self._header]
        if self.has_header and name in names:
            return names.index(name)
        if name.isdecimal() and int(name) > 0:
            return int(name) - 1
        raise UsageError(
            f"there is no column {name!r}",
            cause=f"the columns are {', '.join(names)}",
            remedy="pass --columns with some of them, or with numbers from 1",
        )


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell and where it stands in its record."""

    start: int
    end: int
    text: str


class _Scanner:
    """Cuts records into cells."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        sign = re.escape(delimiter)
        self._cell = re.compile(
            rf'"((?:[^"]|"")*+)"(?={sign}|\Z)|[^{sign}]*+', re.DOTALL
        )

    def read(self, lines: Iterator[str]) -> Iterator[tuple[int, str, list[_Cell]]]:
        """The number of its first line, the text and the cells of each record."""
        record, first = "", 1
        for number, line in enumerate(lines, 1):
            first = first if record else number
            is_inside = bool(record)
            record += line
            if is_inside and '"' not in line and len(record) <= _MAX_RECORD_CHARS:
                continue
            body, end = cut_end(record)
            cells = self._split(body)
            is_open = cells and self._is_open(body[cells[-1].start :])
            if is_open and len(record) <= _MAX_RECORD_CHARS:
                continue
            if is_open:
                break
            yield first, body + end, cells
            record = ""
        if record:
            raise malformed("table", "a cell in quotes has no end", line=first)

    def _is_open(self, cell: str) -> bool:
        """Whether quotes are open at the end of a record's last cell."""
        return cell.startswith('"') and (cell.count('"') % 2 == 1)

    def _split(self, body: str) -> list[_Cell]:
        cells, place = [], 0
        while place <= len(body):
            match = self._cell.match(body, place)
            if match is None:
                break
            quoted = match.group(1)
            # Within open quotes, delimiters are text.
            if quoted is None and match.group().startswith('"'):
                rest = body[place:]
                if rest.count('"') % 2 == 1:
                    cells.append(_Cell(place, len(body), rest))
                    break
            text = match.group() if quoted is None else quoted.replace('""', '"')
            cells.append(_Cell(match.start(), match.end(), text))
            place = match.end() + 1
        return cells

    def encoder(self, raw: str) -> Callable[[Content], str]:
        """What writes a cell, in quotes if it had some or needs them."""

        def encode(content: Content) -> str:
            text = plain_text(content)
            signs = [self._delimiter, "\n", "\r"]
            # A table that has bare quotes inside of cells is not read by RFC 4180.
            if '"' not in raw or text.startswith('"'):
                signs.append('"')
            is_quoted = raw.startswith('"') or any(sign in text for sign in signs)
            return '"' + text.replace('"', '""') + '"' if is_quoted else text

        return encode
