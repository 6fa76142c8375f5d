"""Inline codes and placeholders as short markers that a model can carry through.

    Press **%s** now  ->  Press <1><2/></1> now

A pair of codes becomes `<n>` and `</n>`, everything else `<n/>`, counted from the left.
Text that looks like such a marker is itself protected, so that what a model writes can
be read in one way only. Pure functions; nothing here knows a file format.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from polyspec.documents.interfaces import (
    CodeKind,
    Content,
    InlineCode,
    tidy_content,
)
from polyspec.documents.placeholders import PLACEHOLDER, read_tag

MARKER = re.compile(r"<(/?)([1-9]\d{0,4})(/?)>")
_Token: TypeAlias = str | InlineCode
_MAX_NAMED = 5
"""Faults of one kind that are named one by one."""


@dataclass(frozen=True, slots=True)
class ProtectedText:
    """A content as a text with markers, and what the markers stand for."""

    text: str
    """What is translated; no white space or markup at its ends."""
    originals: dict[str, Content]
    """From each marker of the text to what it stands for, one piece or more."""
    prefix: Content = ()
    suffix: Content = ()

    @property
    def has_prose(self) -> bool:
        """Whether there are letters beside the markers."""
        return any(char.isalpha() for char in MARKER.sub("", self.text))


def protect(content: Content) -> ProtectedText:
    """Put markers in the place of inline codes and placeholders."""
    pieces = list(_split_pieces(content))
    kinds = _pair_up(pieces)
    start, end = _find_core(pieces, kinds)
    text: list[str] = []
    originals: dict[str, Content] = {}
    groups = _group(kinds, start, end)
    numbers = _number(kinds, groups)
    index = start
    while index < end:
        size = groups.get(index, 1)
        chosen = tuple(map(_restored, pieces[index : index + size]))
        if index in groups:
            marker = _write_marker(numbers[index], kinds[index][0])
            originals[marker] = chosen
            text.append(marker)
        else:
            text += map(str, chosen)
        index += size
    joined = "".join(text)
    stripped = joined.strip()
    left = joined[: len(joined) - len(joined.lstrip())]
    right = joined[len(left) + len(stripped) :]
    return ProtectedText(
        stripped,
        originals,
        tidy_content((*map(_restored, pieces[:start]), left)),
        tidy_content((right, *map(_restored, pieces[end:]))),
    )


def restore(text: str, protected: ProtectedText) -> Content:
    """The content that a translation with markers stands for.

    A marker that is not known stays as text; `find_faults` tells of it.
    """
    pieces: list[str | InlineCode] = []
    place = 0
    for match in MARKER.finditer(text):
        original = protected.originals.get(match.group())
        if original is not None:
            pieces += [text[place : match.start()], *original]
            place = match.end()
    pieces.append(text[place:])
    return tidy_content((*protected.prefix, *pieces, *protected.suffix))


def find_faults(text: str, protected: ProtectedText) -> tuple[str, ...]:
    """What is wrong with the markers of a translation; empty where all is well."""
    found = [match.group() for match in MARKER.finditer(text)]
    counts = Counter(found)
    missing = [marker for marker in protected.originals if marker not in counts]
    invented = [marker for marker in found if marker not in protected.originals]
    doubled = {marker for marker, number in counts.items() if number > 1}
    faults = [
        f"{word} {', '.join(sorted(markers)[:_MAX_NAMED])}"
        for word, markers in (
            ("lost", missing),
            ("invented", invented),
            ("doubled", doubled - set(invented)),
        )
        if markers
    ]
    if not faults and not _is_nested(found):
        faults.append("markers that do not nest")
    return tuple(faults)


def cut_at_markers(text: str) -> list[str]:
    """Texts and markers in turn, for translating the texts one by one.

    "Press <1>%s</1> now"  ->  ["Press ", "<1>", "%s", "</1>", " now"]
    """
    pieces, place = [], 0
    for match in MARKER.finditer(text):
        pieces += [text[place : match.start()], match.group()]
        place = match.end()
    return [piece for piece in (*pieces, text[place:]) if piece]


@dataclass(frozen=True, slots=True)
class _Found:
    """A placeholder found in a text; it goes back as text."""

    raw: str


_Piece: TypeAlias = str | InlineCode | _Found
_Kind: TypeAlias = tuple[CodeKind, int]
"""Of a piece that gets a marker, with the index of its partner or its own."""


def _split_pieces(content: Content) -> Iterator[_Piece]:
    for piece in tidy_content(content):
        if isinstance(piece, InlineCode):
            yield piece
            continue
        place = 0
        for match in PLACEHOLDER.finditer(piece):
            if match.start() > place:
                yield piece[place : match.start()]
            yield _Found(match.group())
            place = match.end()
        if place < len(piece):
            yield piece[place:]


def _restored(piece: _Piece) -> str | InlineCode:
    return piece.raw if isinstance(piece, _Found) else piece


def _pair_up(pieces: list[_Piece]) -> dict[int, _Kind]:
    """The kind of each protected piece; what has no partner is a single."""
    kinds: dict[int, _Kind] = {}
    waiting: list[tuple[str, int]] = []
    for index, piece in enumerate(pieces):
        if isinstance(piece, str):
            continue
        kind, name = _classify(piece)
        kinds[index] = (CodeKind.SINGLE, index)
        if kind is CodeKind.OPEN:
            waiting.append((name, index))
        elif kind is CodeKind.CLOSE:
            partner = _take_partner(waiting, name)
            if partner is not None:
                kinds[partner] = (CodeKind.OPEN, index)
                kinds[index] = (CodeKind.CLOSE, partner)
        elif kind is CodeKind.PLACEHOLDER:
            kinds[index] = (CodeKind.PLACEHOLDER, index)
    return kinds


_MAX_LOOK_BACK = 64
"""So many open codes may be left open inside a pair."""


def _take_partner(waiting: list[tuple[str, int]], name: str) -> int | None:
    """Take the nearest open code of this name, and drop those opened after it."""
    for place in range(len(waiting) - 1, max(-1, len(waiting) - _MAX_LOOK_BACK), -1):
        if waiting[place][0] == name:
            index = waiting[place][1]
            del waiting[place:]
            return index
    return None


def _classify(piece: InlineCode | _Found) -> tuple[CodeKind, str]:
    """The kind of a piece, and what opening and closing must have in common."""
    if isinstance(piece, InlineCode):
        return piece.kind, ""
    tag = read_tag(piece.raw)
    if tag is None:
        return CodeKind.PLACEHOLDER, ""
    return CodeKind(tag[1]), f"<{tag[0]}"


def _find_core(pieces: list[_Piece], kinds: dict[int, _Kind]) -> tuple[int, int]:
    """The pieces between which a sentence stands.

    White space, points and pairs around the whole are left out.
    """
    start, end = 0, len(pieces)
    while start < end:
        first, last = start, end - 1
        if _is_edge(pieces[first], kinds.get(first)):
            start += 1
        elif _is_edge(pieces[last], kinds.get(last)):
            end -= 1
        elif kinds.get(first) == (CodeKind.OPEN, last):
            start, end = start + 1, end - 1
        else:
            break
    return start, end


def _is_edge(piece: _Piece, kind: _Kind | None) -> bool:
    if kind is None:
        return isinstance(piece, str) and not piece.strip()
    return kind[0] is CodeKind.SINGLE


def _group(kinds: dict[int, _Kind], start: int, end: int) -> dict[int, int]:
    """From the first of each protected pieces that share a marker to their number.

    Points beside one another are one, and so are pairs that begin and end together.
    """
    groups: dict[int, int] = {}
    first = -1
    for index in sorted(kinds):
        if not start <= index < end:
            continue
        is_next = first >= 0 and first + groups[first] == index
        if is_next and _is_joined(kinds, index - 1, index):
            groups[first] += 1
        else:
            first = index
            groups[first] = 1
    return groups


def _is_joined(kinds: dict[int, _Kind], before: int, after: int) -> bool:
    (kind, partner), (next_kind, next_partner) = kinds[before], kinds[after]
    if kind is CodeKind.SINGLE:
        return next_kind is CodeKind.SINGLE
    is_pair = kind is next_kind and kind in {CodeKind.OPEN, CodeKind.CLOSE}
    return is_pair and next_partner == partner - 1


def _number(kinds: dict[int, _Kind], groups: dict[int, int]) -> dict[int, int]:
    """From the first piece of each group to its number; partners share one."""
    numbers: dict[int, int] = {}
    count = 0
    for index, size in groups.items():
        if kinds[index][0] is CodeKind.CLOSE:
            # The group that it closes begins with the partner of its last piece.
            numbers[index] = numbers[kinds[index + size - 1][1]]
        else:
            count += 1
            numbers[index] = count
    return numbers


def _write_marker(number: int, kind: CodeKind) -> str:
    if kind is CodeKind.OPEN:
        return f"<{number}>"
    return f"</{number}>" if kind is CodeKind.CLOSE else f"<{number}/>"


def _is_nested(markers: list[str]) -> bool:
    """Whether each closing marker closes what was opened last."""
    waiting: list[str] = []
    for marker in markers:
        if marker.startswith("</"):
            if not waiting or waiting.pop() != marker.replace("/", ""):
                return False
        elif not marker.endswith("/>"):
            waiting.append(marker)
    return not waiting
