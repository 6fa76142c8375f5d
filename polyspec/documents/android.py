r"""Android string resources.

Format: Android developers' guide, "String resources": beside XML's own escapes there
are `\'`, `\"`, `\n`, `\@`, `\?` and `\u0000`, and quotes around a text keep its spaces.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from polyspec.documents.bilingual import local_name
from polyspec.documents.encodings import read_whole
from polyspec.documents.faults import malformed
from polyspec.documents.interfaces import (
    CodeKind,
    Content,
    Document,
    InlineCode,
    ReadOptions,
    SegmentNote,
    tidy_content,
)
from polyspec.documents.keys import is_wanted_key
from polyspec.documents.markup import (
    Token,
    TokenKind,
    decode_text,
    encode_text,
    join_elements,
    join_raw,
    make_code,
    write_content,
)
from polyspec.documents.slots import Part, Slot, TextDocument, make_slot
from polyspec.documents.xml_tokens import begins_with, find_xml_encoding, read_xml

_TITLE = "Android string file"
_GROUPS = frozenset(("string-array", "plurals"))
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t"}
_NAMES = {"\\": "\\\\", "'": r"\'", '"': r"\"", "\n": r"\n", "\t": r"\t"}
_SPACE = re.compile(r"\s+")


class Android:
    """Texts of Android apps."""

    name = "android"
    title = "Android strings"
    extensions = (".xml",)
    limits = (
        "Strings, arrays and plurals are translated unless marked "
        "translatable=false; --keys chooses some. There are as many plural forms as in "
        "the source."
    )
    is_streamed = False

    def recognises(self, head: bytes) -> bool:
        return begins_with(head, b"resources")

    def open(self, path: Path, options: ReadOptions) -> Document:
        decoded = read_whole(path, options.encoding, find_xml_encoding)
        return TextDocument.of(
            path,
            decoded,
            lambda text: _read_parts(text, options.keys),
            errors="xmlcharrefreplace",
        )


def _read_parts(text: str, keys: tuple[str, ...]) -> Iterator[Part]:
    comment, group, has_root = "", "", False
    for token, whole in join_elements(read_xml(text, _TITLE), _is_whole):
        has_root = has_root or token.name == "resources"
        if token.name in _GROUPS:
            group = token.attributes.get("name", "")
        if whole is None:
            yield token.raw
            if token.raw.startswith("<!--"):
                comment = token.raw[4:-3].strip()
            continue
        key = token.attributes.get("name") or group
        if _is_fixed(token) or not is_wanted_key(key, keys):
            yield join_raw(whole)
        else:
            kind = token.attributes.get("quantity", "")
            note = SegmentNote(f"{key} {kind}".strip(), comment=comment)
            yield from _read_string(whole, note)
        comment = ""
    if not has_root:
        raise malformed(_TITLE, "it has no resources element")


def _is_whole(token: Token) -> bool:
    """Whether an element is a string, or a group that stays as it is."""
    is_fixed_group = token.name in _GROUPS and _is_fixed(token)
    return token.name in {"string", "item"} or is_fixed_group


def _is_fixed(token: Token) -> bool:
    return token.attributes.get("translatable", "").lower() == "false"


def _read_string(tokens: list[Token], note: SegmentNote) -> Iterator[Part]:
    inside = tokens[1:-1]
    raw = join_raw(inside)
    text = raw.strip()
    is_quoted = len(text) > 1 and text.startswith('"') and text.endswith('"')
    content = _read_content(inside, is_quoted)
    if not any(isinstance(piece, str) and piece.strip() for piece in content):
        yield join_raw(tokens)
        return
    # A reference to another resource, such as @string/name.
    if isinstance(content[0], str) and re.match(r"[@?][\w:]*/", text):
        yield join_raw(tokens)
        return
    encode = partial(_encode, is_quoted=is_quoted)
    start = raw.index(text)
    slot: Slot = make_slot(text, content, encode, note)
    yield tokens[0].raw + raw[:start]
    yield slot
    yield raw[start + len(text) :] + tokens[-1].raw


def _read_content(tokens: list[Token], is_quoted: bool) -> Content:
    pieces: list[str | InlineCode] = []
    for token, whole in join_elements(tokens, lambda t: local_name(t) == "g"):
        if whole is not None:
            pieces.append(InlineCode(join_raw(whole), CodeKind.PLACEHOLDER))
        elif token.kind is TokenKind.TEXT:
            for piece in decode_text(token.raw, has_space=True):
                keeps = is_quoted or isinstance(piece, InlineCode)
                pieces.append(piece if keeps else _SPACE.sub(" ", str(piece)))
        else:
            pieces.append(make_code(token))
    content = tidy_content(tuple(pieces))
    if is_quoted:
        content = _trim_quotes(content)
    unescaped = (
        piece if isinstance(piece, InlineCode) else _unescape(piece)
        for piece in content
    )
    return _strip(tidy_content(tuple(unescaped)), is_quoted)


def _trim_quotes(content: Content) -> Content:
    pieces = list(content)
    if isinstance(pieces[0], str):
        pieces[0] = pieces[0].lstrip()[1:]
    if isinstance(pieces[-1], str):
        pieces[-1] = pieces[-1].rstrip()[:-1]
    return tidy_content(tuple(pieces))


def _strip(content: Content, is_quoted: bool) -> Content:
    if is_quoted or not content:
        return content
    pieces = list(content)
    if isinstance(pieces[0], str):
        pieces[0] = pieces[0].lstrip(" ")
    if isinstance(pieces[-1], str):
        pieces[-1] = pieces[-1].rstrip(" ")
    return tidy_content(tuple(pieces))


def _unescape(text: str) -> str:
    def decode(match: re.Match[str]) -> str:
        code: str = match.group(1)
        if code[0] == "u" and len(code) == 5:
            char = chr(int(code[1:], 16))
            return match.group() if "\ud800" <= char <= "\udfff" else char
        return _ESCAPED.get(code, code)

    return _ESCAPE.sub(decode, text)


def _encode(content: Content, is_quoted: bool) -> str:
    def encode(text: str) -> str:
        return encode_text("".join(_NAMES.get(char, char) for char in text))

    written = write_content(content, encode)
    if is_quoted:
        return f'"{written}"'
    return f"\\{written}" if written.startswith(("@", "?")) else written
