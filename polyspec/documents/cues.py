"""Lines of a subtitle: one text to translate, laid out in as many lines again.

The lines of a cue are one sentence cut for the screen, so they are translated as one
text. Where each speaker has a line with a dash, each of them is a text of its own.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from polyspec.documents.interfaces import (
    CodeKind,
    Content,
    InlineCode,
    SegmentNote,
    plain_text,
    tidy_content,
)
from polyspec.documents.placeholders import read_tag
from polyspec.documents.slots import Slot, Unit

_DASH = re.compile(r"\s*(?:<[^>]*>|\{[^}]*\})*\s*[-‐–—]")
_WORD = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class CueSyntax:
    """How texts and markup are told apart in a line."""

    markup: re.Pattern[str]
    decode: Callable[[str], str]
    encode: Callable[[str], str]

    def parse(self, line: str) -> Content:
        """The content of a line."""
        pieces: list[str | InlineCode] = []
        place = 0
        for match in self.markup.finditer(line):
            pieces += [self.decode(line[place : match.start()]), _code(match.group())]
            place = match.end()
        return tidy_content((*pieces, self.decode(line[place:])))

    def write(self, content: Sequence[str | InlineCode]) -> str:
        """A content as it stands in the file."""
        return "".join(
            piece.raw if isinstance(piece, InlineCode) else self.encode(piece)
            for piece in content
        )


def make_cue(lines: list[str], newline: str, syntax: CueSyntax, key: str) -> Slot:
    """The slot of a cue's lines, which come without their ends.

    Args:
        lines: At least one.
        newline: What stands between them.
        syntax: Of the format.
        key: When the cue is shown.
    """
    groups = _group_speakers(lines)

    def build(translations: Sequence[Content | None]) -> str:
        written = []
        for group, new in zip(groups, translations, strict=True):
            if new is None:
                written += group
            else:
                written += [syntax.write(line) for line in lay_out(new, len(group))]
        return newline.join(written)

    units = tuple(
        Unit(_join_lines(group, syntax), SegmentNote(key=key, num_lines=len(group)))
        for group in groups
    )
    return Slot(newline.join(lines), units, build)


def lay_out(content: Content, num_lines: int) -> list[Content]:
    """A content in so many lines of similar length, if it has enough words.

    Texts without spaces are cut between characters.
    """
    words = _split_words(content)
    if len(words) < num_lines:
        words = [(piece,) for word in words for piece in _split_characters(word)]
        gap = ""
    else:
        gap = " "
    lines: list[Content] = []
    for left in range(num_lines, 0, -1):
        size = _choose_size(words, left, len(gap))
        line = _join_words(words[:size], gap)
        words = words[size:]
        if line:
            lines.append(line)
    return lines or [()]


def _choose_size(words: list[Content], num_lines: int, gap: int) -> int:
    """How many words the next of the remaining lines takes."""
    if num_lines == 1:
        return len(words)
    sizes = [len(plain_text(word)) + gap for word in words]
    aim = sum(sizes) / num_lines
    total = 0
    for index, size in enumerate(sizes):
        # Words are left for each of the lines that follow.
        is_full = len(words) - index < num_lines
        if index and (is_full or abs(total - aim) <= abs(total + size - aim)):
            return index
        total += size
    return len(words)


def _join_words(words: list[Content], gap: str) -> Content:
    pieces: list[str | InlineCode] = []
    for index, word in enumerate(words):
        pieces += [gap, *word] if index else word
    return tidy_content(tuple(pieces))


def _split_words(content: Content) -> list[Content]:
    """Runs without white space; markup stays with what it touches."""
    words: list[list[str | InlineCode]] = [[]]
    for piece in content:
        if isinstance(piece, InlineCode):
            words[-1].append(piece)
            continue
        first, *others = _WORD.split(piece)
        words[-1] += [first] if first else []
        words += [[text] if text else [] for text in others]
    return [tuple(word) for word in words if word]


def _split_characters(word: Content) -> list[str | InlineCode]:
    """Whole characters, with the marks that sit on them."""
    pieces: list[str | InlineCode] = []
    for piece in word:
        if isinstance(piece, InlineCode):
            pieces.append(piece)
            continue
        for char in piece:
            if pieces and isinstance(pieces[-1], str) and _is_mark(char):
                pieces[-1] += char
            else:
                pieces.append(char)
    return pieces


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] in "MPZ" or char == "\u200d"


def _group_speakers(lines: list[str]) -> list[list[str]]:
    """The lines of each speaker, or all lines where no two begin with a dash."""
    starts = [index for index, line in enumerate(lines) if _DASH.match(line)]
    if len(starts) < 2 or starts[0] != 0:
        return [lines]
    ends = [*starts[1:], len(lines)]
    return [lines[start:end] for start, end in zip(starts, ends, strict=True)]


def _join_lines(lines: list[str], syntax: CueSyntax) -> Content:
    pieces: list[str | InlineCode] = []
    for line in lines:
        content = syntax.parse(line.strip())
        text = plain_text(tuple(pieces))
        is_wide = text and plain_text(content) and _is_wide(text[-1])
        gap = "" if not pieces or (is_wide and _is_wide(text[-1])) else " "
        pieces += [gap, *content]
    return tidy_content(tuple(pieces))


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def _code(raw: str) -> InlineCode:
    tag = read_tag(raw)
    return InlineCode(raw, CodeKind(tag[1]) if tag else CodeKind.SINGLE)
