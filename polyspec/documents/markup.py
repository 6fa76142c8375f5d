"""Tokens of HTML and XML, and the texts between their tags as contents.

The raw texts of the tokens, joined, are the document, so every byte has its place.
"""

import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from html.entities import html5

from polyspec.documents.interfaces import (
    CodeKind,
    Content,
    InlineCode,
    tidy_content,
)


class TokenKind(Enum):
    """What a stretch of a document is."""

    START = "start"
    END = "end"
    EMPTY = "empty"
    """An element in one tag."""
    TEXT = "text"
    OTHER = "other"
    """A comment, a declaration, an instruction."""


@dataclass(frozen=True, slots=True)
class Token:
    """A tag, a text or something else, as it stands in the file."""

    kind: TokenKind
    raw: str
    name: str = ""
    """Of a tag, with its prefix."""
    attributes: dict[str, str] = field(default_factory=dict)


_CODE_KINDS = {
    TokenKind.START: CodeKind.OPEN,
    TokenKind.END: CodeKind.CLOSE,
    TokenKind.EMPTY: CodeKind.SINGLE,
    TokenKind.OTHER: CodeKind.SINGLE,
}
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[\w.:-]{1,64});")
_CDATA = re.compile(r"<!\[CDATA\[(.*)\]\]>", re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_XML_NAMES = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})
_FORBIDDEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def decode_text(raw: str, *, is_html: bool = False, has_space: bool = False) -> Content:
    """The characters of a text; references that cannot be read stay codes.

    Args:
        raw: A text token.
        is_html: Whether the names of HTML are known beside those of XML.
        has_space: Whether line breaks and runs of spaces mean what they are.
    """
    match = _CDATA.fullmatch(raw)
    if match:
        return (match.group(1),)
    pieces: list[str | InlineCode] = []
    place = 0
    for found in _REFERENCE.finditer(raw):
        pieces.append(raw[place : found.start()])
        pieces.append(_decode_reference(found.group(), is_html))
        place = found.end()
    pieces.append(raw[place:])
    if has_space:
        return tidy_content(tuple(pieces))
    return tidy_content(
        tuple(
            _SPACE.sub(" ", piece) if isinstance(piece, str) else piece
            for piece in pieces
        )
    )


def _decode_reference(raw: str, is_html: bool) -> str | InlineCode:
    name = raw[1:]
    if name.startswith("#") or name in _XML_NAMES or (is_html and name in html5):
        text = html.unescape(raw)
        if text and text != "\ufffd" and not "\ud800" <= text[0] <= "\udfff":
            return text
    return InlineCode(raw, CodeKind.PLACEHOLDER)


def encode_text(text: str) -> str:
    """A text as it may stand between tags; what XML cannot hold becomes a space."""
    text = _FORBIDDEN.sub(" ", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def encode_value(text: str) -> str:
    """A text as it may stand in an attribute, whatever its quotes are."""
    return encode_text(text).replace('"', "&quot;").replace("'", "&#39;")


def write_content(
    content: Sequence[str | InlineCode], encode: Callable[[str], str] = encode_text
) -> str:
    """A content as it stands between tags."""
    return "".join(
        piece.raw if isinstance(piece, InlineCode) else encode(piece)
        for piece in content
    )


def read_content(
    tokens: Iterable[Token],
    decode: Callable[[str], Content],
    placeholders: Callable[[Token], bool] = lambda _: False,
) -> Content:
    """Texts and tags as a content.

    Args:
        tokens: All of them become part of it.
        decode: From a text token to its characters.
        placeholders: Whether an element, with all that is in it, stands for words.
    """
    pieces: list[str | InlineCode] = []
    for token, whole in join_elements(tokens, placeholders):
        if whole is not None:
            pieces.append(InlineCode(join_raw(whole), CodeKind.PLACEHOLDER))
        elif token.kind is TokenKind.TEXT:
            pieces += decode(token.raw)
        else:
            pieces.append(make_code(token))
    return tidy_content(tuple(pieces))


def join_elements(
    tokens: Iterable[Token], is_whole: Callable[[Token], bool]
) -> Iterator[tuple[Token, list[Token] | None]]:
    """Tokens, where some elements are taken together with all that is in them.

    Gives each token with None, and the first token of such an element with all of its
    tokens.
    """
    inside: list[Token] = []
    depth = 0
    for token in tokens:
        if not inside:
            if token.kind is TokenKind.EMPTY and is_whole(token):
                yield token, [token]
            elif token.kind is TokenKind.START and is_whole(token):
                inside, depth = [token], 1
            else:
                yield token, None
            continue
        inside.append(token)
        if token.name == inside[0].name:
            depth += {TokenKind.START: 1, TokenKind.END: -1}.get(token.kind, 0)
        if depth == 0:
            yield inside[0], inside
            inside = []
    if inside:
        yield inside[0], inside


def join_raw(tokens: Iterable[Token]) -> str:
    """The text of tokens as it stands in the file."""
    return "".join(token.raw for token in tokens)


def make_code(token: Token) -> InlineCode:
    """The inline code that a tag or a comment is."""
    return InlineCode(token.raw, _CODE_KINDS[token.kind])
