"""XLIFF 1.2 and 2.0: segments without a target get one.

Formats: OASIS, "XLIFF Version 1.2" and "XLIFF Version 2.0".
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from polyspec.documents.bilingual import (
    cut_elements,
    find_element,
    local_name,
    read_marked_text,
)
from polyspec.documents.encodings import read_whole
from polyspec.documents.faults import malformed
from polyspec.documents.interfaces import Content, Document, ReadOptions, SegmentNote
from polyspec.documents.markup import Token, TokenKind, join_raw, write_content
from polyspec.documents.slots import Part, Slot, TextDocument, Unit
from polyspec.documents.xml_tokens import begins_with, find_xml_encoding, read_xml

_TITLE = "XLIFF"
_UNITS = frozenset(("trans-unit", "unit"))
_STATE = re.compile(
    r"(\sstate\s*=\s*[\"'])(?:new|initial|needs-[\w-]+)(?=[\"'])", re.IGNORECASE
)
_OPEN_STATES = ("new", "initial")


class Xliff:
    """Exchange of translations between tools."""

    name = "xliff"
    title = "XLIFF 1.2 and 2.0"
    extensions = (".xlf", ".xliff", ".mxliff", ".sdlxliff")
    limits = (
        "Segments with a target are skipped unless their state asks for work; what is "
        "marked translate=no is left. The target language of the file element is not "
        "changed."
    )
    is_streamed = False

    def recognises(self, head: bytes) -> bool:
        return begins_with(head, b"xliff")

    def open(self, path: Path, options: ReadOptions) -> Document:
        decoded = read_whole(path, options.encoding, find_xml_encoding)
        return TextDocument.of(
            path,
            decoded,
            lambda text: _read_parts(text, options),
            errors="xmlcharrefreplace",
        )


def _read_parts(text: str, options: ReadOptions) -> Iterator[Part]:
    frozen = _Frozen()
    has_root = False
    for found in cut_elements(read_xml(text, _TITLE), _UNITS):
        if isinstance(found, Token):
            has_root = has_root or local_name(found) == "xliff"
            frozen.note(found)
            yield found.raw
        elif frozen.is_on or _is_frozen(found[0]):
            yield join_raw(found)
        else:
            yield from _read_unit(found, options)
    if not has_root:
        raise malformed(_TITLE, "it has no xliff element")


class _Frozen:
    """Whether an element around the place says translate=no."""

    def __init__(self) -> None:
        self._levels: list[bool] = []

    @property
    def is_on(self) -> bool:
        return any(self._levels)

    def note(self, token: Token) -> None:
        if token.kind is TokenKind.START:
            self._levels.append(_is_frozen(token))
        elif token.kind is TokenKind.END and self._levels:
            self._levels.pop()


def _is_frozen(token: Token) -> bool:
    return token.attributes.get("translate") == "no"


@dataclass(frozen=True, slots=True)
class _Pair:
    """A source and its target, as places in the tokens of a unit."""

    source: range
    target: range
    segment: int | None = None
    """Place of the tag that has the state of an XLIFF 2.0 segment."""


def _read_unit(tokens: list[Token], options: ReadOptions) -> Iterator[Part]:
    note = _read_note(tokens)
    place = 0
    for pair in _find_pairs(tokens):
        slot = _make_slot(tokens, pair, note, options)
        if slot is None:
            continue
        start = pair.source.start if pair.segment is None else pair.segment
        yield join_raw(tokens[place:start])
        yield slot
        place = max(pair.source.stop, pair.target.stop)
    yield join_raw(tokens[place:])


def _find_pairs(tokens: list[Token]) -> Iterator[_Pair]:
    """Of XLIFF 1.2 the unit's own pair, of 2.0 that of each segment."""
    if local_name(tokens[0]) == "trans-unit":
        # Suggestions hold sources and targets of their own.
        end = find_element(tokens, lambda token: local_name(token) == "alt-trans")
        yield from _find_pair(tokens, 0, end.start if end else len(tokens))
        return
    place = 0
    while found := find_element(tokens[place:], lambda t: local_name(t) == "segment"):
        start, stop = place + found.start, place + found.stop
        for pair in _find_pair(tokens, start, stop):
            yield _Pair(pair.source, pair.target, start)
        place = stop


def _find_pair(tokens: list[Token], start: int, stop: int) -> Iterator[_Pair]:
    inside = tokens[start:stop]
    source = find_element(inside, lambda token: local_name(token) == "source")
    target = find_element(inside, lambda token: local_name(token) == "target")
    if source and (not target or target.start >= source.stop):
        yield _Pair(_shift(source, start), _shift(target, start))


def _shift(places: range, by: int) -> range:
    return range(places.start + by, places.stop + by) if places else places


def _make_slot(
    tokens: list[Token], pair: _Pair, note: SegmentNote, options: ReadOptions
) -> Slot | None:
    source = read_marked_text(_inside(tokens, pair.source))
    old = read_marked_text(_inside(tokens, pair.target))
    state_tag = tokens[pair.target.start if pair.segment is None else pair.segment]
    state = state_tag.attributes.get("state", "") if pair.target else ""
    is_open = not old or state in _OPEN_STATES or state.startswith("needs-")
    if not source or not (is_open or options.has_redo):
        return None
    start = pair.source.start if pair.segment is None else pair.segment
    raw = join_raw(tokens[start : max(pair.source.stop, pair.target.stop)])

    def build(translations: Sequence[Content | None]) -> str:
        (new,) = translations
        if new is None:
            return raw
        return _write_pair(tokens, pair, start, write_content(new))

    return Slot(raw, (Unit(source, note, old or None),), build, is_bilingual=True)


def _inside(tokens: list[Token], places: range) -> list[Token]:
    return tokens[places.start + 1 : places.stop - 1] if len(places) > 1 else []


def _write_pair(tokens: list[Token], pair: _Pair, start: int, new: str) -> str:
    """The pair with a new target, which has the space before the source as well."""
    source = tokens[pair.source.start]
    head = join_raw(tokens[start : pair.source.stop])
    if pair.segment is not None:
        tag = tokens[pair.segment].raw
        head = _STATE.sub(r"\1translated", tag) + head[len(tag) :]
    if pair.target:
        between = join_raw(tokens[pair.source.stop : pair.target.start])
        tag = tokens[pair.target.start].raw
        if tag.endswith("/>"):
            tag = tag[:-2].rstrip() + ">"
        name = tokens[pair.target.start].name
        tag = _STATE.sub(r"\1translated", tag)
        return f"{head}{between}{tag}{new}</{name}>"
    before = tokens[pair.source.start - 1]
    space = before.raw if before.kind is TokenKind.TEXT else ""
    space = space if not space.strip() else ""
    name = source.name.replace("source", "target")
    attribute = ' xml:space="preserve"' if "xml:space" in source.attributes else ""
    return f"{head}{space}<{name}{attribute}>{new}</{name}>"


def _read_note(tokens: list[Token]) -> SegmentNote:
    attributes = tokens[0].attributes
    found = find_element(tokens, lambda token: local_name(token) == "note")
    comment = join_raw(_inside(tokens, found)).strip()
    width = attributes.get("maxwidth", "")
    is_chars = attributes.get("size-unit", "pixel") == "char"
    return SegmentNote(
        key=attributes.get("resname") or attributes.get("id", ""),
        comment=comment,
        max_chars=int(width) if is_chars and width.isdecimal() else None,
    )
