r"""Java properties: the values of a resource bundle.

javaproperties splits a file into its elements and keeps the source of each; only the
value's part of it is replaced. Format: `java.util.Properties.load`.
"""

import io
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from polyspec.documents.encodings import DecodedText, EncodingChoice, read_whole
from polyspec.documents.faults import malformed
from polyspec.documents.interfaces import (
    Content,
    Document,
    ReadOptions,
    SegmentNote,
    plain_text,
)
from polyspec.documents.keys import is_wanted_key
from polyspec.documents.slots import Part, TextDocument, make_slot
from polyspec.errors import DocumentError

_KEY = re.compile(
    r"[ \t\f]*(?:\\(?:\r\n|[^\r]|\r)|[^\s:=\\])*[ \t\f]*(?:[:=][ \t\f]*)?"
    r"(?:\\(?:\r\n|\n|\r)[ \t\f]*)*"
)
_ARGUMENT = re.compile(r"\{\d")
_ESCAPES = {"\\": "\\\\", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\f": r"\f"}


class Properties:
    """Texts of Java programs."""

    name = "properties"
    title = "Java properties"
    extensions = (".properties",)
    limits = (
        "Values are translated, keys and comments are not; --keys chooses some. A file "
        "that is no UTF-8 is read as ISO-8859-1; a value that runs over several lines "
        "becomes one line."
    )
    is_streamed = False

    def recognises(self, head: bytes) -> bool:
        return False

    def open(self, path: Path, options: ReadOptions) -> Document:
        decoded = _read(path, options.encoding)
        return TextDocument.of(
            path,
            decoded,
            lambda text: _read_parts(text, options.keys),
        )


def _read(path: Path, encoding: str | None) -> DecodedText:
    """UTF-8 as in newer bundles, otherwise ISO-8859-1 as before Java 9."""
    try:
        return read_whole(path, encoding or "utf-8")
    except DocumentError:
        if encoding is not None:
            raise
    decoded = read_whole(path, "iso-8859-1")
    note = f"{path} is no UTF-8 and is read as ISO-8859-1"
    return DecodedText(decoded.text, EncodingChoice("iso-8859-1", notes=(note,)))


def _read_parts(text: str, keys: tuple[str, ...]) -> Iterator[Part]:
    from javaproperties import InvalidUEscapeError, KeyValue, parse

    is_ascii = text.isascii()
    try:
        # Newlines are not translated: the sources, joined, are the text.
        for element in parse(io.StringIO(text, newline="")):
            if (
                not isinstance(element, KeyValue)
                or not is_wanted_key(element.key, keys)
                or not element.value
            ):
                yield element.source
            else:
                yield from _read_value(element.source, element, is_ascii)
    except InvalidUEscapeError as err:
        raise malformed("properties file", str(err)) from err


def _read_value(source: str, element: object, is_ascii: bool) -> Iterator[Part]:
    key: str = getattr(element, "key", "")
    value: str = getattr(element, "value", "")
    match = _KEY.match(source)
    start = match.end() if match else 0
    end = len(source.rstrip("\r\n"))
    has_arguments = bool(_ARGUMENT.search(value))
    is_text = any(char.isalpha() for char in value)
    if start >= end or not is_text or any("\ud800" <= c <= "\udfff" for c in value):
        yield source
        return
    # Where a value has arguments, it is a MessageFormat, whose quotes are doubled.
    content = (value.replace("''", "'") if has_arguments else value,)
    encode = partial(_encode, is_ascii=is_ascii, is_message=has_arguments)
    yield source[:start]
    yield make_slot(source[start:end], content, encode, SegmentNote(key=key))
    yield source[end:]


def _encode(content: Content, is_ascii: bool, is_message: bool) -> str:
    text = plain_text(content)
    if is_message:
        text = text.replace("'", "''")
    text = "".join(_ESCAPES.get(char, char) for char in text)
    if text.startswith(" "):
        text = f"\\{text}"
    if not is_ascii:
        return text
    units = text.encode("utf-16-be")
    numbers = (units[at] << 8 | units[at + 1] for at in range(0, len(units), 2))
    return "".join(chr(n) if n < 0x7F else f"\\u{n:04X}" for n in numbers)
