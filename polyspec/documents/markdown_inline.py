"""A paragraph of Markdown as a content, aligned with markdown-it's own reading of it.

The parser tells what each piece is but not where; walking along the source beside its
tokens gives every one its raw text. A paragraph that cannot be aligned is one text.
"""

import re
import unicodedata
from collections.abc import Sequence

from markdown_it.helpers import parseLinkDestination, parseLinkTitle
from markdown_it.token import Token

from polyspec.documents.interfaces import (
    CodeKind,
    Content,
    InlineCode,
    tidy_content,
)

_SOFT_BREAK = re.compile(r"[ \t]*\n[ \t]*")
_HARD_BREAK = re.compile(r"(?:\\|[ \t]*)\n[ \t]*")
_TICKS = re.compile("`+")
_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.){0,999})\]", re.DOTALL)
_NOTE = re.compile(r"\[\^[^\]\s]{1,60}\]:?|\[![A-Z]+\]|\[[ xX]\](?= )")
_EDGES = ("em_open", "strong_open", "s_open")
_ENDS = ("em_close", "strong_close", "s_close")


class _MisalignedError(Exception):
    """The source does not read as the token says."""


def read_inline(raw: str, tokens: Sequence[Token]) -> Content:
    """The content of a paragraph.

    Args:
        raw: Its lines, without what the blocks around it put before them.
        tokens: What markdown-it makes of it, with texts not joined.
    """
    walker = _Walker(raw)
    try:
        walker.walk(tokens)
    except _MisalignedError:
        return _split_notes(_SOFT_BREAK.sub(" ", raw))
    if walker.place != len(raw.rstrip()) and raw[walker.place :].strip():
        return _split_notes(_SOFT_BREAK.sub(" ", raw))
    return tidy_content(
        tuple(
            part
            for piece in tidy_content(tuple(walker.pieces))
            for part in (_split_notes(piece) if isinstance(piece, str) else (piece,))
        )
    )


def _split_notes(text: str) -> Content:
    """A text with the marks of footnotes, tasks and alerts as codes."""
    pieces: list[str | InlineCode] = []
    place = 0
    for match in _NOTE.finditer(text):
        pieces += [text[place : match.start()], InlineCode(match.group())]
        place = match.end()
    return tidy_content((*pieces, text[place:]))


class _Walker:
    """Goes along the source, token by token."""

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.place = 0
        self.pieces: list[str | InlineCode] = []
        self._starts: list[tuple[int, bool]] = []
        """Where the texts of open links begin, and whether an address is all."""

    def walk(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            self._step(token)

    def _step(self, token: Token) -> None:
        if token.type == "text":
            self._take_text(token.content)
        elif token.type == "text_special":
            self._take(token.markup)
            self.pieces.append(token.content)
        elif token.type == "softbreak":
            self._take_soft_break()
        elif token.type == "hardbreak":
            self._take_code(self._match(_HARD_BREAK))
        elif token.type == "code_inline":
            self._take_code(self._find_code_span(), CodeKind.PLACEHOLDER)
        elif token.type == "html_inline":
            self._take_tag(token.content)
        elif token.type in _EDGES:
            self._take_code(self._take(token.markup), CodeKind.OPEN)
        elif token.type in _ENDS:
            self._take_code(self._take(token.markup), CodeKind.CLOSE)
        elif token.type == "link_open":
            self._open_link(token)
        elif token.type == "link_close":
            self._close_link()
        elif token.type == "image":
            self._take_image(token)
        else:
            raise _MisalignedError

    def _take(self, text: str) -> str:
        if not self.raw.startswith(text, self.place):
            raise _MisalignedError
        self.place += len(text)
        return text

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.raw, self.place)
        if match is None:
            raise _MisalignedError
        self.place = match.end()
        return match.group()

    def _take_code(self, raw: str, kind: CodeKind = CodeKind.SINGLE) -> None:
        self.pieces.append(InlineCode(raw, kind))

    def _take_text(self, text: str) -> None:
        if self._starts and self._starts[-1][1]:
            return  # the address of <https://example.org>
        self.pieces.append(self._take(text))

    def _take_soft_break(self) -> None:
        before = self.raw[: self.place].rstrip()[-1:]
        self._match(_SOFT_BREAK)
        after = self.raw[self.place : self.place + 1]
        is_wide = before and after and _is_wide(before) and _is_wide(after)
        self.pieces.append("" if is_wide else " ")

    def _take_tag(self, raw: str) -> None:
        from polyspec.documents.placeholders import read_tag

        tag = read_tag(self._take(raw))
        self._take_code(raw, CodeKind(tag[1]) if tag else CodeKind.SINGLE)

    def _find_code_span(self) -> str:
        ticks = _TICKS.match(self.raw, self.place)
        if ticks is None:
            raise _MisalignedError
        for match in _TICKS.finditer(self.raw, ticks.end()):
            if match.group() == ticks.group():
                start, self.place = self.place, match.end()
                return self.raw[start : self.place].replace("\n", " ")
        raise _MisalignedError

    def _open_link(self, token: Token) -> None:
        if token.info == "auto":
            end = self.raw.find(">", self.place) + 1
            if not end:
                raise _MisalignedError
            self._take_code(self.raw[self.place : end], CodeKind.PLACEHOLDER)
            self.place = end
            self._starts.append((end, True))
            return
        self._take_code(self._take("["), CodeKind.OPEN)
        self._starts.append((self.place, False))

    def _close_link(self) -> None:
        start, is_address = self._starts.pop()
        if is_address:
            return
        label = self.raw[start : self.place]
        self._take_code(self._take("]") + self._take_target(label), CodeKind.CLOSE)

    def _take_image(self, token: Token) -> None:
        self._take_code(self._take("!["), CodeKind.OPEN)
        start = self.place
        self.walk(token.children or [])
        label = self.raw[start : self.place]
        self._take_code(self._take("]") + self._take_target(label), CodeKind.CLOSE)

    def _take_target(self, label: str) -> str:
        """What follows the text of a link; its label where that is the target."""
        end = _find_destination_end(self.raw, self.place)
        if end is not None:
            start, self.place = self.place, end
            return _SOFT_BREAK.sub(" ", self.raw[start:end])
        match = _LABEL.match(self.raw, self.place)
        if match is not None:
            self.place = match.end()
        # A translated text is no label any more, so the label is written out.
        target = (match.group(1) if match else "") or label
        return f"[{_SOFT_BREAK.sub(' ', target)}]"


def _find_destination_end(raw: str, place: int) -> int | None:
    """Where `(address "title")` ends, by the rules that markdown-it goes by."""
    if not raw.startswith("(", place):
        return None
    size = len(raw)
    at = _skip_space(raw, place + 1)
    address = parseLinkDestination(raw, at, size)
    if address.ok:
        at = _skip_space(raw, address.pos)
        title = parseLinkTitle(raw, at, size)
        if at != address.pos and title.ok:
            at = _skip_space(raw, title.pos)
    return at + 1 if raw.startswith(")", at) else None


def _skip_space(raw: str, place: int) -> int:
    while place < len(raw) and raw[place] in " \t\n":
        place += 1
    return place


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"
