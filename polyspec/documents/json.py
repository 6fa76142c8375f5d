"""JSON and JSON Lines: the strings among their values.

Python's own scanner decodes the strings and tells where each one ends; the structure
around them is walked without recursion, so nesting of any depth is read.
"""

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from polyspec.documents.encodings import read_whole
from polyspec.documents.faults import line_of, malformed
from polyspec.documents.icu import make_text_slot
from polyspec.documents.interfaces import (
    CodeKind,
    Content,
    Document,
    InlineCode,
    ReadOptions,
    SegmentNote,
    tidy_content,
)
from polyspec.documents.keys import is_wanted_key
from polyspec.documents.slots import (
    Part,
    Span,
    TextDocument,
    join_content,
    splice,
)
from polyspec.documents.streamed_text import open_streamed, split_lines

_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*+"')
_SURROGATE = re.compile("[\ud800-\udfff]")


class Json:
    """Messages and data."""

    name = "json"
    title = "JSON"
    extensions = (".json", ".arb", ".webmanifest")
    limits = (
        "Values that are strings are translated, keys are not; --keys chooses some. "
        "Keys that begin with @, as in ARB files, are left out. The branches of ICU "
        "messages are texts of their own, as many as in the source."
    )
    is_streamed = False

    def recognises(self, head: bytes) -> bool:
        return False

    def open(self, path: Path, options: ReadOptions) -> Document:
        decoded = read_whole(path, options.encoding)
        return TextDocument.of(
            path,
            decoded,
            lambda text: _read_value(text, options.keys),
        )


class JsonLines:
    """One value of JSON a line."""

    name = "jsonl"
    title = "JSON Lines"
    extensions = (".jsonl", ".ndjson")
    limits = "As JSON; each line is a value of at most a million characters."
    is_streamed = True

    def recognises(self, head: bytes) -> bool:
        return False

    def open(self, path: Path, options: ReadOptions) -> Document:
        return open_streamed(
            path, options, lambda chunks: _read_lines(chunks, options.keys)
        )


def _read_lines(chunks: Iterator[str], keys: tuple[str, ...]) -> Iterator[Part]:
    for number, line in enumerate(split_lines(chunks), 1):
        if line.strip(" \t\r\n"):
            yield from _read_value(line, keys, number)
        else:
            yield line


def _read_value(
    text: str, keys: tuple[str, ...], line: int | None = None
) -> Iterator[Part]:
    return splice(text, _Scanner(text, keys, line).find_spans())


class _Scanner:
    """Walks along a text and finds the strings in it."""

    def __init__(self, text: str, keys: tuple[str, ...], line: int | None) -> None:
        self._text = text
        self._keys = keys
        self._line = line
        self._place = 0
        self._path: list[str | int] = []
        """Of each open object the key, of each open array the number of its value."""

    def find_spans(self) -> Iterator[Span]:
        self._skip_space()
        span = self._take_value()
        while self._path or span:
            if span:
                yield span
                span = None
            if self._path:
                span = self._go_on()
        if self._place < len(self._text):
            raise self._malformed("there is text after the value")

    def _take_value(self) -> Span | None:
        """Read a string or a number, or go into an object or an array."""
        sign = self._text[self._place : self._place + 1]
        if sign == "{":
            self._place += 1
            self._path.append("")
            self._open("}")
        elif sign == "[":
            self._place += 1
            self._path.append(-1)
            self._open("]")
        elif sign == '"':
            start, value = self._take_string()
            return self._make_span(start, value)
        else:
            match = _SCALAR.match(self._text, self._place)
            if match is None:
                raise self._malformed("a value is missing")
            self._end_value(match.end())
        return None

    def _open(self, closing: str) -> None:
        """Note an empty object or array at once, so that a comma is not waited for."""
        self._skip_space()
        if self._text.startswith(closing, self._place):
            self._path.pop()
            self._end_value(self._place + 1)
        else:
            # Marks that the next value is the first.
            self._path.append("\0")

    def _go_on(self) -> Span | None:
        """Read what comes next inside of the innermost object or array."""
        is_first = self._path[-1] == "\0"
        if is_first:
            self._path.pop()
        inner = self._path[-1]
        closing = "]" if isinstance(inner, int) else "}"
        if not is_first:
            if self._text.startswith(closing, self._place):
                self._path.pop()
                self._end_value(self._place + 1)
                return None
            if not self._text.startswith(",", self._place):
                raise self._malformed(f"a comma or {closing} is missing")
            self._place += 1
            self._skip_space()
        self._path[-1] = inner + 1 if isinstance(inner, int) else self._take_key()
        return self._take_value()

    def _take_key(self) -> str:
        _, key = self._take_string()
        if not self._text.startswith(":", self._place):
            raise self._malformed("a colon is missing")
        self._place += 1
        self._skip_space()
        return key

    def _take_string(self) -> tuple[int, str]:
        start = self._place
        match = _STRING.match(self._text, start)
        if match is None:
            raise self._malformed("a string is missing or has no end")
        self._end_value(match.end())
        return start, json.loads(match.group())

    def _end_value(self, end: int) -> None:
        self._place = end
        self._skip_space()

    def _skip_space(self) -> None:
        match = _SPACE.match(self._text, self._place)
        self._place = match.end() if match else self._place

    def _make_span(self, start: int, value: str) -> Span | None:
        path = ".".join(map(str, self._path))
        is_meta = any(str(key).startswith("@") for key in self._path)
        has_text = any(char.isalpha() for char in value)
        if is_meta or not has_text or not is_wanted_key(path, self._keys):
            return None
        end = self._text.rindex('"', start, self._place) + 1
        raw = self._text[start:end]
        encode = partial(_encode, is_ascii=r"\u" in raw and raw.isascii())
        note = SegmentNote(key=path)
        slot = make_text_slot(raw, value, _decode(value), encode, note)
        return Span(start, end, slot)

    def _malformed(self, cause: str) -> Exception:
        line = self._line or line_of(self._text, self._place)
        return malformed("JSON", cause, line=line)


def _decode(value: str) -> Content:
    """A string; half a character, which JSON may hold, is a code."""
    pieces: list[str | InlineCode] = []
    place = 0
    for match in _SURROGATE.finditer(value):
        raw = json.dumps(match.group())[1:-1]
        pieces += [value[place : match.start()], InlineCode(raw, CodeKind.PLACEHOLDER)]
        place = match.end()
    return tidy_content((*pieces, value[place:]))


def _encode(content: Content, is_ascii: bool) -> str:
    def encode(text: str) -> str:
        return json.dumps(text, ensure_ascii=is_ascii)[1:-1]

    return f'"{join_content(content, encode)}"'
