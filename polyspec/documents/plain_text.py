"""Plain text read in chunks, with every byte accounted for.

Nothing is replaced and nothing is dropped but a byte order mark: what is no text in the
named encoding is refused, with the offset of the first wrong byte.
"""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from polyspec.errors import DocumentError, UsageError

_CHUNK_BYTES = 1 << 16
# The longer marks first: that of UTF-32 begins like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MAX_MARK_BYTES = 4


class TextReader:
    """Decodes a stream; iterating gives its text in chunks.

    Attributes:
        encoding: What the text is decoded with; settled by the first chunk.
        has_mark: Whether it began with a byte order mark, which is no part of the text.
    """

    def __init__(self, stream: BinaryIO, name: str, encoding: str = "utf-8") -> None:
        self.encoding = require_encoding(encoding)
        self.has_mark = False
        self._stream = stream
        self._name = name
        self._offset = 0
        """Of the first byte that was not decoded yet."""

    def __iter__(self) -> Iterator[str]:
        """Chunks of text; line breaks stay as they are.

        Raises:
            DocumentError: The stream cannot be read, or is no text.
        """
        head = self._read_mark()
        decoder = codecs.getincrementaldecoder(self.encoding)()
        while True:
            data = head or self._read()
            head = b""
            text = self._decode(decoder, data)
            if text:
                yield text
            if not data:
                return

    def _read_mark(self) -> bytes:
        """Settle the encoding; returns what was read beyond the mark."""
        data = b""
        while len(data) < _MAX_MARK_BYTES and (more := self._read()):
            data += more
        encoding = find_mark(data, self.encoding)
        if encoding is None:
            return data
        self.encoding, self.has_mark = encoding, True
        self._offset = len("\ufeff".encode(encoding))
        return data[self._offset :]

    def _read(self) -> bytes:
        try:
            # `read1` gives what is there, so that a pipe is followed as it is written.
            read = getattr(self._stream, "read1", self._stream.read)
            data: bytes = read(_CHUNK_BYTES)
        except OSError as err:
            raise cannot_read(self._name, err) from err
        return data

    def _decode(self, decoder: codecs.IncrementalDecoder, data: bytes) -> str:
        pending = bytes(decoder.getstate()[0])
        if not self.encoding.startswith(("utf-16", "utf-32")) and b"\0" in data:
            raise self._binary(self._offset + len(pending) + data.index(b"\0"))
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeDecodeError as err:
            raise self._undecodable(self._offset + err.start) from err
        except UnicodeError as err:
            raise self._undecodable(self._offset) from err
        if "\0" in text:
            before = text[: text.index("\0")].encode(self.encoding)
            raise self._binary(self._offset + len(before))
        left = bytes(decoder.getstate()[0])
        self._offset += len(pending) + len(data) - len(left)
        return text

    def _undecodable(self, offset: int) -> DocumentError:
        return DocumentError(
            f"cannot read {self._name}",
            cause=f"byte {offset} is not valid {self.encoding.upper()}",
            remedy="name its encoding, for example --encoding latin-1",
        )

    def _binary(self, offset: int) -> DocumentError:
        return DocumentError(
            f"cannot read {self._name}",
            cause=f"there is a NUL byte at offset {offset}: "
            "it looks like a binary file",
            remedy="give a text file, or name its encoding, for example "
            "--encoding utf-16",
        )


def read_text(
    source: Path | BinaryIO, encoding: str = "utf-8", *, name: str = "standard input"
) -> Iterator[str]:
    """The text of a file or a stream, in chunks of bounded size.

    Args:
        source: A file is opened and closed; a stream stays open.
        encoding: A byte order mark of UTF-8, UTF-16 or UTF-32 overrides `utf-8`.
        name: What a stream is called in messages.

    Raises:
        DocumentError: It cannot be read, or is no text in this encoding.
        UsageError: The encoding is unknown.
    """
    if not isinstance(source, Path):
        return iter(TextReader(source, name, encoding))
    stream = open_bytes(source)
    return _read_and_close(stream, TextReader(stream, str(source), encoding))


def require_encoding(name: str) -> str:
    """The standard name of a text encoding.

    Raises:
        UsageError: Python knows none by that name.
    """
    try:
        found = codecs.lookup(name)
        "".encode(name)  # refuses codecs that do not turn text into bytes
    except (LookupError, ValueError) as err:
        raise UsageError(
            f"unknown encoding {name!r}",
            remedy="name one that Python knows, for example utf-8, latin-1 or cp1251",
        ) from err
    return found.name


def find_mark(head: bytes, expected: str = "utf-8") -> str | None:
    """The encoding whose byte order mark a file begins with, or None.

    Args:
        head: The first four bytes or more.
        expected: Standard name of an encoding; unless it is UTF-8, the marks of
            other ones do not count.
    """
    for mark, encoding in _MARKS:
        may_be = expected == "utf-8" or encoding.startswith(expected)
        if head.startswith(mark) and may_be:
            return encoding
    return None


def open_bytes(path: Path) -> BinaryIO:
    """A file to be decoded; the caller closes it.

    Raises:
        DocumentError: It cannot be opened.
    """
    try:
        return path.open("rb")
    except (OSError, ValueError) as err:
        raise cannot_read(str(path), err) from err


def _read_and_close(stream: BinaryIO, reader: TextReader) -> Iterator[str]:
    with stream:
        yield from reader


def cannot_read(name: str, err: OSError | ValueError) -> DocumentError:
    """The error that tells why a file could not be read."""
    reasons: dict[type[Exception], tuple[str, str]] = {
        FileNotFoundError: ("there is no such file", "check the path"),
        IsADirectoryError: ("it is a folder", "name a file in it"),
        PermissionError: ("reading it is not allowed", "change its permissions"),
    }
    cause, remedy = reasons.get(type(err), (str(err), "check the path"))
    return DocumentError(f"cannot read {name}", cause=cause, remedy=remedy)
