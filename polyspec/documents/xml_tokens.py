"""XML cut into tokens by expat, which tells the byte where each event begins.

Nothing is fetched and no entity is expanded: a reference to one stays as it stands.
Entities that are made of entities are refused (the "billion laughs" attack).
"""

import re
from collections.abc import Iterator
from xml.parsers import expat

from polyspec.documents.faults import malformed
from polyspec.documents.markup import Token, TokenKind

_DECLARED = re.compile(rb"^\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
_PROLOG = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*"
    rb"(?:<\?.{0,500}?\?>\s*|<!--.{0,3000}?-->\s*|<!DOCTYPE[^>]{0,500}>\s*){0,9}",
    re.DOTALL,
)
_MAX_DEPTH = 20_000
_MAX_ENTITIES = 1_000


def find_xml_encoding(head: bytes) -> str | None:
    """The encoding that an XML declaration names."""
    match = _DECLARED.match(head)
    return match.group(1).decode() if match else None


def begins_with(head: bytes, root: bytes) -> bool:
    """Whether the first element of a document has this name."""
    prolog = _PROLOG.match(head)
    rest = head[prolog.end() :] if prolog else head
    return bool(re.match(rb"<(?:\w+:)?%s[\s>]" % root, rest))


def read_xml(text: str, title: str) -> Iterator[Token]:
    """The tokens of a well-formed document.

    Args:
        text: Decoded, without a byte order mark.
        title: Of the format, for messages.

    Raises:
        DocumentError: It is not well-formed, or declares a bomb of entities.
    """
    reader = _Reader(title)
    try:
        reader.feed(text)
    except expat.ExpatError as err:
        raise malformed(title, expat.ErrorString(err.code), line=err.lineno) from err
    return merge_texts(reader.tokens)


def merge_texts(tokens: list[Token]) -> Iterator[Token]:
    """The same tokens, with neighbouring texts made one."""
    texts: list[str] = []
    for token in tokens:
        if token.kind is TokenKind.TEXT and not token.raw.startswith("<![CDATA["):
            texts.append(token.raw)
            continue
        if texts:
            yield Token(TokenKind.TEXT, "".join(texts))
            texts = []
        yield token
    if texts:
        yield Token(TokenKind.TEXT, "".join(texts))


class _Reader:
    """Collects the events of one document."""

    def __init__(self, title: str) -> None:
        self.tokens: list[Token] = []
        self._title = title
        self._data = b""
        self._waiting: tuple[int, TokenKind, str, dict[str, str]] | None = None
        self._depth = 0
        self._num_entities = 0
        self._is_cdata = False
        self._is_doctype = False
        self._parser = expat.ParserCreate("utf-8")
        self._listen()

    def feed(self, text: str) -> None:
        self._data = text.encode()
        self._parser.Parse(self._data, True)
        self._end_token(len(self._data))

    def _listen(self) -> None:
        parser = self._parser
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartCdataSectionHandler = self._start_cdata
        parser.EndCdataSectionHandler = self._end_cdata
        parser.EntityDeclHandler = self._declare
        parser.StartDoctypeDeclHandler = self._start_doctype
        parser.EndDoctypeDeclHandler = self._end_doctype
        parser.CommentHandler = self._other
        parser.ProcessingInstructionHandler = self._other
        # Setting it also keeps expat from expanding entities in texts.
        parser.DefaultHandler = self._default

    def _begin(
        self, kind: TokenKind, name: str = "", attributes: dict[str, str] | None = None
    ) -> None:
        start = self._parser.CurrentByteIndex
        self._end_token(start)
        self._waiting = (start, kind, name, attributes or {})

    def _end_token(self, end: int) -> None:
        start, kind, name, attributes = self._waiting or (0, TokenKind.OTHER, "", {})
        self._waiting = None
        raw = self._data[start:end].decode()
        if not raw:
            return
        if kind is TokenKind.START and raw.endswith("/>"):
            kind = TokenKind.EMPTY
        self.tokens.append(Token(kind, raw, name, attributes))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise malformed(self._title, f"over {_MAX_DEPTH} elements in one another")
        self._begin(TokenKind.START, name, attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        # The end of an element in one tag has no text of its own.
        if self._data.startswith(b"</", self._parser.CurrentByteIndex):
            self._begin(TokenKind.END, name)

    def _text(self, _text: str) -> None:
        if not self._is_cdata:
            self._begin(TokenKind.TEXT)

    def _start_cdata(self) -> None:
        self._begin(TokenKind.TEXT)
        self._is_cdata = True

    def _end_cdata(self) -> None:
        self._is_cdata = False

    def _default(self, data: str) -> None:
        if self._is_cdata or self._is_doctype:
            return
        is_reference = data.startswith("&") and self._depth > 0
        self._begin(TokenKind.TEXT if is_reference else TokenKind.OTHER)

    def _other(self, *_: str) -> None:
        if not self._is_doctype:
            self._begin(TokenKind.OTHER)

    def _start_doctype(self, *_: object) -> None:
        self._begin(TokenKind.OTHER)
        self._is_doctype = True

    def _end_doctype(self) -> None:
        self._is_doctype = False

    def _declare(
        self, name: str, _is_parameter: bool, value: str | None, *_: object
    ) -> None:
        self._num_entities += 1
        if self._num_entities > _MAX_ENTITIES or "&" in (value or ""):
            raise malformed(
                self._title, f"the entity {name!r} is made of other entities"
            )
