"""ICU messages: the branches of a plural or a choice are texts of their own.

    {n, plural, one {# file} other {# files}} left
        ->  "<1/> left", "<1/> file", "<1/> files"

Format: Unicode ICU, "MessageFormat". Quoting by apostrophes is respected; a message
that is not well-formed is one text, in which the braces are what they are.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from polyspec.documents.interfaces import (
    CodeKind,
    Content,
    InlineCode,
    SegmentNote,
    tidy_content,
)
from polyspec.documents.slots import Slot, Unit, make_slot

_START = re.compile(r"\{\s*[\w.]+\s*,\s*(plural|select|selectordinal)\s*,")
_BRANCH = re.compile(r"\s*(?:offset:\d+\s*)?(=\d+|[\w-]+)\s*\{")
_END = re.compile(r"\s*\}")
_STOP = re.compile(r"'[{}#|][^']*(?:''[^']*)*(?:'|\Z)|''|[{}#]")
_INNER = re.compile("\0(\\d+)\0")
_MAX_DEPTH = 10


@dataclass(slots=True)
class _Message:
    """The texts of a message; the first is the message itself."""

    texts: list[tuple[str, Content]] = field(default_factory=list)
    """Which branch each one is, and its content. A code holds NUL, number, NUL where
    another text belongs."""


class _MalformedError(Exception):
    """It only looks like a message."""


def make_message_slot(
    raw: str, text: str, encode: Callable[[Content], str], note: SegmentNote
) -> Slot | None:
    """The slot of a message with branches, or None where there are none.

    Args:
        raw: The text as it stands in the file.
        text: The text, decoded.
        encode: Writes a text for the file.
        note: Of the whole.
    """
    if not _START.search(text) or "\0" in text:
        return None
    message = _Message()
    try:
        end = _read_text(text, 0, "", message, 0)
    except _MalformedError:
        return None
    if end != len(text):
        return None
    contents = [content for _, content in message.texts]
    units = tuple(
        Unit(content, SegmentNote(f"{note.key} {branch}".strip(), note.comment))
        for branch, content in message.texts
    )

    def build(translations: Sequence[Content | None]) -> str:
        chosen = [
            old if new is None else new
            for old, new in zip(contents, translations, strict=True)
        ]
        return encode((_write(chosen, 0),))

    return Slot(raw, units, build)


def make_text_slot(
    raw: str,
    text: str,
    content: Content,
    encode: Callable[[Content], str],
    note: SegmentNote,
) -> Slot:
    """The slot of a message, or of a text that is none."""
    found = make_message_slot(raw, text, encode, note)
    return make_slot(raw, content, encode, note) if found is None else found


def _read_text(
    text: str, place: int, branch: str, message: _Message, depth: int
) -> int:
    """Read a message or a branch; returns where it ends."""
    number = len(message.texts)
    message.texts.append((branch, ()))
    pieces: list[str | InlineCode] = []
    while match := _STOP.search(text, place):
        pieces.append(text[place : match.start()])
        sign = match.group()
        place = match.end()
        if sign == "}":
            place = match.start()
            break
        if sign == "''":
            pieces.append("'")
        elif sign == "{":
            raw, place = _read_argument(text, match.start(), message, depth)
            pieces.append(InlineCode(raw, CodeKind.PLACEHOLDER))
        elif sign == "#" and depth == 0:
            pieces.append(sign)
        else:
            pieces.append(InlineCode(sign, CodeKind.PLACEHOLDER))
    else:
        pieces.append(text[place:])
        place = len(text)
    message.texts[number] = (branch, tidy_content(tuple(pieces)))
    return place


def _read_argument(
    text: str, place: int, message: _Message, depth: int
) -> tuple[str, int]:
    """Read `{name, plural, ...}` or `{name}`; its branches become texts."""
    start = _START.match(text, place)
    if start is None:
        end = text.find("}", place) + 1
        if not end or "{" in text[place + 1 : end]:
            raise _MalformedError
        return text[place:end], end
    if depth >= _MAX_DEPTH:
        raise _MalformedError
    raw, place = start.group(), start.end()
    while branch := _BRANCH.match(text, place):
        number = len(message.texts)
        place = _read_text(text, branch.end(), branch.group(1), message, depth + 1)
        if not text.startswith("}", place):
            raise _MalformedError
        place += 1
        raw += f"{branch.group()}\0{number}\0}}"
    closing = _END.match(text, place)
    if closing is None:
        raise _MalformedError
    return raw + closing.group(), closing.end()


def _write(contents: list[Content], number: int) -> str:
    """A text with the texts that belong into it."""
    written = ""
    for piece in contents[number]:
        if isinstance(piece, str):
            # A single apostrophe before a brace would quote it.
            written += re.sub(r"'(?=[{}#])", "''", piece)
            continue
        if written.endswith("'") and not written.endswith("''"):
            written += "'"
        written += _INNER.sub(
            lambda match: _write(contents, int(match.group(1))), piece.raw
        )
    return written
