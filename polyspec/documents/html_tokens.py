"""HTML cut into tokens by Python's own parser, which tells where each one begins."""

import re
from html.parser import HTMLParser
from itertools import accumulate

from polyspec.documents.markup import Token, TokenKind
from polyspec.documents.placeholders import VOID_ELEMENTS

_DECLARED = re.compile(
    rb"<meta[^>]{0,200}?\bcharset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE
)


def find_html_encoding(head: bytes) -> str | None:
    """The encoding that a `meta` element names."""
    match = _DECLARED.search(head[:4096])
    return match.group(1).decode() if match else None


def read_html(text: str) -> list[Token]:
    """The tokens of a document; there is no text that HTML does not accept.

    What comes after the last tag, or in a comment without an end, is one token: the
    parser would look through it again for each of its signs.
    """
    comment = text.find("<!--", text.rfind("-->") + 1)
    body, rest = (text, "") if comment < 0 else (text[:comment], text[comment:])
    end = body.rfind(">") + 1
    reader = _Reader(body[:end])
    tokens = reader.read()
    if body[end:]:
        tokens.append(Token(TokenKind.TEXT, body[end:]))
    if rest:
        tokens.append(Token(TokenKind.OTHER, rest))
    return tokens


class _Reader(HTMLParser):
    """Notes where the parser sees what begin."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self._text = text
        lines = (len(line) + 1 for line in text.split("\n"))
        self._lines = [0, *accumulate(lines)]
        self._found: list[tuple[int, TokenKind, str, dict[str, str]]] = []

    def read(self) -> list[Token]:
        self.feed(self._text)
        self.close()
        # What the parser skips in silence belongs to what comes before.
        if not self._found or self._found[0][0] > 0:
            self._found.insert(0, (0, TokenKind.TEXT, "", {}))
        ends = [found[0] for found in self._found[1:]] + [len(self._text)]
        return [
            Token(kind, self._text[start:end], name, attributes)
            for (start, kind, name, attributes), end in zip(
                self._found, ends, strict=True
            )
            if end > start
        ]

    def _note(
        self, kind: TokenKind, name: str = "", attributes: dict[str, str] | None = None
    ) -> None:
        line, column = self.getpos()
        start = self._lines[line - 1] + column
        previous = self._found[-1] if self._found else None
        if previous is not None and start < previous[0]:
            return
        if kind is previous_kind(previous) is TokenKind.TEXT:
            return
        self._found.append((start, kind, name, attributes or {}))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kind = TokenKind.EMPTY if tag in VOID_ELEMENTS else TokenKind.START
        self._note(kind, tag, {name: value or "" for name, value in attrs})

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._note(TokenKind.EMPTY, tag, values)

    def handle_endtag(self, tag: str) -> None:
        self._note(TokenKind.END, tag)

    def handle_data(self, data: str) -> None:
        self._note(TokenKind.TEXT)

    def handle_comment(self, data: str) -> None:
        self._note(TokenKind.OTHER)

    def handle_decl(self, decl: str) -> None:
        self._note(TokenKind.OTHER)

    def handle_pi(self, data: str) -> None:
        self._note(TokenKind.OTHER)

    def unknown_decl(self, data: str) -> None:
        self._note(TokenKind.OTHER)


def previous_kind(
    found: tuple[int, TokenKind, str, dict[str, str]] | None,
) -> TokenKind | None:
    """The kind of what was found last."""
    return None if found is None else found[1]
