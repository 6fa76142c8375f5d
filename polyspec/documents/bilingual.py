"""What the XML formats with source and translation side by side have in common."""

from collections.abc import Callable, Iterator

from polyspec.documents.interfaces import CodeKind, Content, InlineCode, tidy_content
from polyspec.documents.markup import (
    Token,
    TokenKind,
    decode_text,
    join_elements,
    join_raw,
    make_code,
)

_OPENING = frozenset(("bpt", "sc", "sm"))
_CLOSING = frozenset(("ept", "ec", "em"))
_PAIRED = frozenset(("g", "pc", "mrk", "hi"))


def local_name(token: Token) -> str:
    """The name of an element without its prefix."""
    return token.name.rpartition(":")[2]


def read_marked_text(tokens: list[Token]) -> Content:
    """The content of a `source`, `target` or `seg`, given what is in it.

    Native codes of XLIFF and TMX, with what is in them, are inline codes.
    """
    pieces: list[str | InlineCode] = []
    for token, whole in join_elements(tokens, _is_whole):
        if token.kind is TokenKind.TEXT:
            pieces += decode_text(token.raw, has_space=True)
        elif whole is not None:
            pieces.append(InlineCode(join_raw(whole), _kind_of(token)))
        else:
            pieces.append(make_code(token))
    return tidy_content(tuple(pieces))


def _is_whole(token: Token) -> bool:
    is_protected = token.attributes.get("mtype") == "protected"
    is_fixed = token.attributes.get("translate") == "no"
    return local_name(token) not in _PAIRED or is_protected or is_fixed


def _kind_of(token: Token) -> CodeKind:
    name = local_name(token)
    if name in _OPENING:
        return CodeKind.OPEN
    if name in _CLOSING:
        return CodeKind.CLOSE
    return CodeKind.PLACEHOLDER


def find_element(tokens: list[Token], is_wanted: Callable[[Token], bool]) -> range:
    """Where the first such element is, its tags included; empty where there is none."""
    for index, token in enumerate(tokens):
        if token.kind is TokenKind.EMPTY and is_wanted(token):
            return range(index, index + 1)
        if token.kind is TokenKind.START and is_wanted(token):
            return range(index, _find_end(tokens, index))
    return range(0)


def _find_end(tokens: list[Token], start: int) -> int:
    depth = 0
    for index in range(start, len(tokens)):
        if tokens[index].name == tokens[start].name:
            change = {TokenKind.START: 1, TokenKind.END: -1}
            depth += change.get(tokens[index].kind, 0)
            if depth == 0:
                return index + 1
    return len(tokens)


def cut_elements(
    tokens: Iterator[Token], names: frozenset[str]
) -> Iterator[Token | list[Token]]:
    """The tokens of a document, where elements with these local names are lists."""
    for token, whole in join_elements(tokens, lambda t: local_name(t) in names):
        yield token if whole is None else whole
