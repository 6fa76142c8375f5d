r"""Apple `.strings`: the values of `"key" = "value";`.

Scanned here: no maintained library reads them and keeps comments and spacing.
Format: Apple, "Internationalization and Localization Guide", strings files.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from polyspec.documents.encodings import read_whole
from polyspec.documents.faults import line_of, malformed
from polyspec.documents.interfaces import (
    Content,
    Document,
    ReadOptions,
    SegmentNote,
    plain_text,
)
from polyspec.documents.keys import is_wanted_key
from polyspec.documents.slots import Span, TextDocument, make_slot, splice

_STRING = r'"(?:[^"\\]|\\.)*+"'
_SPACE = re.compile(r"(?:\s|//[^\r\n]*)*+")
_COMMENT = re.compile(r"/\*(.*?)\*/", re.DOTALL)
_ENTRY = re.compile(
    rf"({_STRING}|[\w.$:/-]+)\s*(?:=\s*({_STRING}|[\w.$:/-]+)\s*)?;", re.DOTALL
)
_ESCAPE = re.compile(r"\\(U[0-9A-Fa-f]{4}|[0-7]{3}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_NAMES = {"\n": r"\n", "\t": r"\t", "\r": r"\r", '"': r"\"", "\\": "\\\\"}


class AppleStrings:
    """Texts of programs for macOS and iOS."""

    name = "strings"
    title = "Apple strings"
    extensions = (".strings",)
    limits = (
        "Values are translated, keys and comments are not; --keys chooses some. "
        ".stringsdict and .xcstrings are other formats (the latter is JSON)."
    )
    is_streamed = False

    def recognises(self, head: bytes) -> bool:
        return False

    def open(self, path: Path, options: ReadOptions) -> Document:
        decoded = read_whole(path, options.encoding)
        return TextDocument.of(
            path,
            decoded,
            lambda text: splice(text, _find_spans(text, options.keys)),
        )


def _find_spans(text: str, keys: tuple[str, ...]) -> Iterator[Span]:
    place, comment = 0, ""
    while place < len(text):
        space = _SPACE.match(text, place)
        place = space.end() if space else place
        if place == len(text):
            return
        found = _COMMENT.match(text, place)
        if found is not None:
            comment, place = found.group(1).strip(), found.end()
            continue
        entry = _ENTRY.match(text, place)
        if entry is None:
            shown = text[place : place + 30].split("\n", maxsplit=1)[0]
            cause = f"{shown!r} begins no entry"
            raise malformed("strings file", cause, line=line_of(text, place))
        key = _decode(entry.group(1))
        if is_wanted_key(key, keys):
            yield from _make_span(entry, SegmentNote(key=key, comment=comment))
        place, comment = entry.end(), ""


def _make_span(entry: re.Match[str], note: SegmentNote) -> Iterator[Span]:
    raw = entry.group(2) or ""
    value = _decode(raw)
    if any(char.isalpha() for char in value):
        slot = make_slot(raw, (value,), _encode, note)
        yield Span(entry.start(2), entry.end(2), slot)


def _decode(raw: str) -> str:
    if not raw.startswith('"'):
        return raw

    def decode(match: re.Match[str]) -> str:
        code: str = match.group(1)
        if code[0] == "U" and len(code) == 5:
            char = chr(int(code[1:], 16))
            return match.group() if "\ud800" <= char <= "\udfff" else char
        if len(code) == 3:
            return chr(int(code, 8))
        return _ESCAPED.get(code, code)

    return _ESCAPE.sub(decode, raw[1:-1])


def _encode(content: Content) -> str:
    text = "".join(_NAMES.get(char, char) for char in plain_text(content))
    return f'"{text}"'
