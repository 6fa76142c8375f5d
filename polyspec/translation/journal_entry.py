"""A line of a journal: a segment and its translation, as JSON."""

import contextlib
import json
from dataclasses import dataclass
from typing import Any

from polyspec.documents.interfaces import CodeKind, Content, InlineCode


@dataclass(frozen=True, slots=True)
class Entry:
    """A segment that is translated."""

    id: str
    content: Content
    note: str = ""
    is_kept: bool = False
    place: int = 0
    """Where its line begins, in bytes."""


def write_entry(entry: Entry) -> bytes:
    """An entry as a line, in ASCII, so that half a character comes through too."""
    content = [
        piece if isinstance(piece, str) else [piece.raw, piece.kind.value]
        for piece in entry.content
    ]
    fields: dict[str, object] = {"id": entry.id, "content": content}
    if entry.note:
        fields["note"] = entry.note
    if entry.is_kept:
        fields["is_kept"] = True
    return json.dumps(fields).encode() + b"\n"


def read_line(line: bytes) -> dict[str, Any] | None:
    """The JSON object on a line; None where it is none, or not whole."""
    if line.endswith(b"\n"):
        with contextlib.suppress(ValueError):
            fields = json.loads(line)
            if isinstance(fields, dict):
                return fields
    return None


def read_entry(line: bytes) -> Entry | None:
    """The entry on a line; None where there is none."""
    match read_line(line):
        case {"id": str(name), "content": [*pieces], **rest}:
            with contextlib.suppress(ValueError, TypeError):
                content = tuple(map(_read_piece, pieces))
                return Entry(
                    name,
                    content,
                    str(rest.get("note", "")),
                    rest.get("is_kept") is True,
                )
    return None


def _read_piece(piece: object) -> str | InlineCode:
    match piece:
        case str(text):
            return text
        case [str(raw), str(kind)]:
            return InlineCode(raw, CodeKind(kind))
    raise ValueError("no piece of a content")
