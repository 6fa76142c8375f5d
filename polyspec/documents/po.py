"""gettext PO: messages without a translation, and fuzzy ones, are segments.

The entries are read line by line, because the libraries for PO write a file anew and
wrap its lines; here only the `msgstr` lines, and the fuzzy mark with the previous
messages that belong to it, are replaced.
Format: GNU gettext manual, section "The Format of PO Files".
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from polyspec.documents.encodings import read_whole
from polyspec.documents.faults import malformed
from polyspec.documents.interfaces import (
    Content,
    Document,
    ReadOptions,
    SegmentNote,
    plain_text,
)
from polyspec.documents.slots import Part, Slot, Span, TextDocument, Unit, splice

_TITLE = "PO file"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_FIELD = re.compile(
    r"[ \t]*(?:(msgctxt|msgid_plural|msgid|msgstr(?:\[\d{1,3}\])?)[ \t]*)?"
    r'"((?:[^"\\]|\\.)*)"\s*'
)
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPED = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v",
}  # fmt: skip
_NAMES = {code: name for name, code in _ESCAPED.items()} | {'"': '"', "\\": "\\"}
_CHARSET = re.compile(rb"Content-Type:[^\"\\]*charset=([\w.:-]+)", re.IGNORECASE)
_FUZZY = re.compile(r"\bfuzzy\b")
_WIDTH = 77
"""gettext wraps longer lines, quotes not counted."""


class Po:
    """Translations of programs and manuals."""

    name = "po"
    title = "gettext PO"
    extensions = (".po", ".pot")
    limits = (
        "Translated messages are skipped. There are as many plural forms as the file "
        "has lines for; a translated fuzzy message loses its fuzzy mark."
    )
    is_streamed = False

    def recognises(self, head: bytes) -> bool:
        return bool(re.search(rb'^msgid ".*"\s+(?:".*"\s+)*msgstr[ []', head, re.M))

    def open(self, path: Path, options: ReadOptions) -> Document:
        decoded = read_whole(path, options.encoding, _find_charset)
        return TextDocument.of(
            path,
            decoded,
            lambda text: _read_parts(text, options),
        )


@dataclass(slots=True)
class _Field:
    """A keyword with its string, which may stand on several lines."""

    start: int
    end: int
    text: str


@dataclass(slots=True)
class _Entry:
    """One message."""

    fields: dict[str, _Field] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    dropped: list[tuple[int, int, str]] = field(default_factory=list)
    """Lines that a translation makes wrong, and what is to stand there instead."""
    is_fuzzy: bool = False
    newline: str = "\n"

    @property
    def targets(self) -> list[str]:
        return [name for name in self.fields if name.startswith("msgstr")]


def _find_charset(head: bytes) -> str | None:
    match = _CHARSET.search(head)
    return match.group(1).decode() if match else None


def _read_parts(text: str, options: ReadOptions) -> Iterator[Part]:
    spans = (
        _make_span(text, entry)
        for entry in _read_entries(text)
        if _is_wanted(entry, options)
    )
    return splice(text, spans)


def _is_wanted(entry: _Entry, options: ReadOptions) -> bool:
    if "msgid" not in entry.fields or not entry.targets:
        return False
    if not entry.fields["msgid"].text:
        return False  # the header of the file
    is_open = any(not entry.fields[name].text for name in entry.targets)
    return options.has_redo or entry.is_fuzzy or is_open


def _read_entries(text: str) -> Iterator[_Entry]:
    entry, last = _Entry(), ""
    for number, match in enumerate(_LINE.finditer(text), 1):
        line = match.group()
        is_comment = line.lstrip().startswith("#")
        if not line.strip():
            continue
        keyword, value = ("", "") if is_comment else _read_field(line, number)
        if entry.targets and (is_comment or keyword in {"msgctxt", "msgid"}):
            yield entry
            entry, last = _Entry(), ""
        if is_comment:
            _note_comment(entry, match.start(), line)
            continue
        if keyword and keyword in entry.fields:
            raise malformed(_TITLE, f"{keyword} stands twice in one entry", line=number)
        last = keyword or last
        if not last:
            raise malformed(_TITLE, "a string without a keyword", line=number)
        _add_string(entry, last, match, value)
    if entry.fields and not entry.targets:
        raise malformed(_TITLE, "the last entry has no msgstr")
    yield entry


def _read_field(line: str, number: int) -> tuple[str, str]:
    match = _FIELD.fullmatch(line)
    if match is None:
        shown = line.strip()[:40]
        raise malformed(_TITLE, f"{shown!r} is no part of an entry", line=number)
    return match.group(1) or "", _unescape(match.group(2))


def _add_string(entry: _Entry, name: str, line: re.Match[str], value: str) -> None:
    body = line.group().rstrip("\r\n")
    entry.newline = line.group()[len(body) :] or entry.newline
    known = entry.fields.setdefault(name, _Field(line.start(), 0, ""))
    known.text += value
    known.end = line.start() + len(body)


def _note_comment(entry: _Entry, start: int, line: str) -> None:
    body = line.strip()
    if body.startswith("#."):
        entry.comments.append(body[2:].strip())
    elif body.startswith("#|"):
        entry.dropped.append((start, start + len(line), ""))
    elif body.startswith("#,") and _FUZZY.search(body):
        entry.is_fuzzy = True
        flags = [flag.strip() for flag in body[2:].split(",")]
        kept = ", ".join(flag for flag in flags if flag and flag != "fuzzy")
        end = line[len(line.rstrip("\r\n")) :]
        new = f"#, {kept}{end}" if kept else ""
        entry.dropped.append((start, start + len(line), new))


def _make_span(text: str, entry: _Entry) -> Span:
    targets = [entry.fields[name] for name in entry.targets]
    dropped = entry.dropped if entry.is_fuzzy else []
    start = min([targets[0].start, *(drop[0] for drop in dropped)])
    end = max(target.end for target in targets)
    raw = text[start:end]

    def build(translations: Sequence[Content | None]) -> str:
        edits = [
            (target.start, target.end, _write_field(name, plain_text(new), entry))
            for name, target, new in zip(
                entry.targets, targets, translations, strict=True
            )
            if new is not None
        ]
        # A message that is only half translated stays fuzzy.
        edits += dropped if len(edits) == len(targets) else []
        return _apply_edits(raw, start, edits)

    return Span(start, end, Slot(raw, _make_units(entry), build, is_bilingual=True))


def _make_units(entry: _Entry) -> tuple[Unit, ...]:
    context = entry.fields.get("msgctxt")
    note = SegmentNote(
        key=context.text if context else "", comment="\n".join(entry.comments)
    )
    singular = entry.fields["msgid"].text
    plural = entry.fields.get("msgid_plural")
    units = []
    for name in entry.targets:
        is_singular = plural is None or (name == "msgstr[0]" and len(entry.targets) > 1)
        source = singular if is_singular or plural is None else plural.text
        key = f"{note.key}{name.removeprefix('msgstr')}"
        old = entry.fields[name].text
        units.append(Unit((source,), replace(note, key=key), (old,) if old else None))
    return tuple(units)


def _apply_edits(raw: str, offset: int, edits: list[tuple[int, int, str]]) -> str:
    pieces, place = [], 0
    for start, end, new in sorted(edits):
        pieces += [raw[place : start - offset], new]
        place = end - offset
    return "".join([*pieces, raw[place:]])


def _write_field(name: str, text: str, entry: _Entry) -> str:
    pieces = [_escape(piece) for piece in text.split("\n")]
    lines = [f"{piece}\\n" for piece in pieces[:-1]] + pieces[-1:]
    lines = [line for line in lines if line]
    is_short = len(lines) < 2 and len("".join(lines)) + len(name) < _WIDTH
    if is_short:
        return f'{name} "{"".join(lines)}"'
    wrapped = ["", *(piece for line in lines for piece in _wrap(line))]
    return f"{name} " + entry.newline.join(f'"{line}"' for line in wrapped)


def _wrap(line: str) -> Iterator[str]:
    """A line in pieces of at most 77 characters, cut after spaces where possible."""
    piece = ""
    for word in re.findall(r"[^ ]* |[^ ]+", line):
        if piece and len(piece) + len(word.rstrip()) > _WIDTH:
            yield piece
            piece = ""
        piece += word
    if piece:
        yield piece


def _unescape(text: str) -> str:
    def decode(match: re.Match[str]) -> str:
        code: str = match.group(1)
        if code[0] == "x" and len(code) > 1:
            return chr(int(code[1:], 16))
        if code.isdigit():
            return chr(int(code, 8) & 0xFF)
        return _ESCAPED.get(code, code)

    return _ESCAPE.sub(decode, text)


def _escape(text: str) -> str:
    return "".join(f"\\{_NAMES[char]}" if char in _NAMES else char for char in text)
