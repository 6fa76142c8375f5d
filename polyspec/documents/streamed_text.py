"""Text documents of any size, decoded and cut piece by piece."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from polyspec.documents.encodings import (
    SAMPLE_BYTES,
    EncodingChoice,
    FindDeclared,
    choose_encoding,
    declares_nothing,
)
from polyspec.documents.interfaces import ReadOptions
from polyspec.documents.plain_text import TextReader, cannot_read, open_bytes
from polyspec.documents.slots import Part, TextDocument
from polyspec.errors import DocumentError

ReadParts: TypeAlias = Callable[[Iterator[str]], Iterable[Part]]
"""From chunks of text to the parts of a document."""
_MAX_BLOCK_CHARS = 1 << 20
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")


def open_streamed(
    path: Path,
    options: ReadOptions,
    read_parts: ReadParts,
    find_declared: FindDeclared = declares_nothing,
) -> TextDocument:
    """A document that is read in chunks each time it is passed through.

    Raises:
        DocumentError: It cannot be read, or is no text.
        UsageError: The encoding is unknown.
    """
    choice = _look_at(path, options.encoding, find_declared)
    return TextDocument(
        lambda: _read_file(path, choice.encoding, read_parts),
        encoding=choice.encoding,
        name=str(path),
        has_mark=choice.has_mark,
        notes=choice.notes,
    )


def _read_file(path: Path, encoding: str, read_parts: ReadParts) -> Iterator[Part]:
    """The parts of a file that is open while they are taken."""
    with open_bytes(path) as stream:
        chunks = TextReader(stream, str(path), encoding)
        yield from read_parts(_require_same_bytes(chunks, path))


def _require_same_bytes(chunks: TextReader, path: Path) -> Iterator[str]:
    """The chunks, with an error at the end if their bytes would not be the file's.

    Some encodings of East Asia have two numbers for one character.
    """
    if chunks.encoding.startswith("utf-"):
        yield from chunks
        return
    with open_bytes(path) as stream:
        for chunk in chunks:
            yield chunk
            data = chunk.encode(chunks.encoding)
            if stream.read(len(data)) != data:
                raise DocumentError(
                    f"cannot read {path}",
                    cause=f"its bytes are not kept by {chunks.encoding}",
                    remedy="name its encoding, or convert it to UTF-8 first",
                )


def _look_at(
    path: Path, encoding: str | None, find_declared: FindDeclared
) -> EncodingChoice:
    with open_bytes(path) as stream:
        try:
            head = stream.read(SAMPLE_BYTES)
            is_whole = len(head) < SAMPLE_BYTES
        except OSError as err:
            raise cannot_read(str(path), err) from err
    return choose_encoding(head, str(path), encoding, find_declared, is_whole=is_whole)


def split_lines(chunks: Iterable[str], *, has_cuts: bool = False) -> Iterator[str]:
    """Lines with their ends, which are LF, CRLF or CR.

    Args:
        chunks: Text in pieces of any size.
        has_cuts: Whether a line of over a million characters is cut, instead of being
            an error.
    """
    rest = ""
    for chunk in chunks:
        lines: list[str] = _LINE.findall(rest + chunk)
        # The last one may go on, and its CR may be followed by LF.
        rest = lines.pop() if lines else ""
        yield from lines
        if len(rest) > _MAX_BLOCK_CHARS:
            if not has_cuts:
                raise _too_long("a line")
            cut = rest.rfind(" ", 0, -1) + 1 or len(rest) - 1
            yield rest[:cut]
            rest = rest[cut:]
    yield from _LINE.findall(rest)


def split_blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Runs of lines with text and runs of blank lines, in turn."""
    block: list[str] = []
    is_blank, size = False, 0
    for line in lines:
        if block and is_blank != (not line.strip()):
            yield block
            block, size = [], 0
        is_blank = not line.strip()
        block.append(line)
        size += len(line)
        if size > _MAX_BLOCK_CHARS:
            raise _too_long("a paragraph")
    if block:
        yield block


def cut_end(line: str) -> tuple[str, str]:
    """A line without its end, and the end."""
    body = line.rstrip("\r\n")
    return body, line[len(body) :]


def _too_long(what: str) -> DocumentError:
    return DocumentError(
        "the document cannot be read",
        cause=f"{what} in it is longer than {_MAX_BLOCK_CHARS} characters",
        remedy="check that it is of this format; --format names another",
    )
