"""HTML: the texts of its blocks, with inline elements kept as codes."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from polyspec.documents.encodings import read_whole
from polyspec.documents.html_tokens import find_html_encoding, read_html
from polyspec.documents.interfaces import Document, ReadOptions
from polyspec.documents.markup import Token, decode_text, encode_text
from polyspec.documents.markup_runs import MarkupRules, read_runs
from polyspec.documents.slots import Part, TextDocument

# fmt: off
_INLINE = frozenset((
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "data",
    "del", "dfn", "em", "font", "i", "img", "ins", "kbd", "label", "mark", "math",
    "nobr", "q", "rb", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike",
    "strong", "sub", "sup", "svg", "time", "tt", "u", "var", "wbr",
))
# fmt: on
_PLACEHOLDERS = frozenset(("code", "kbd", "math", "samp", "svg", "tt", "var"))
_SKIPPED = frozenset(("pre", "script", "style", "textarea"))
_ATTRIBUTES = ("alt", "title", "placeholder", "aria-label", "summary")
_META = frozenset((
    "description", "og:description", "og:title", "twitter:description",
    "twitter:title",
))  # fmt: skip
_SIGN = re.compile(rb"\s*(?:<!--.{0,1000}?-->\s*)?<(?:!doctype\s+html|html[\s>])", re.I)


class Html:
    """Web pages."""

    name = "html"
    title = "HTML"
    extensions = (".html", ".htm", ".xhtml")
    limits = (
        "Scripts, styles, pre, textarea and what is marked translate=no are left as "
        "they are; alt, title, placeholder and aria-label are translated. White space "
        "inside a translated sentence becomes single spaces."
    )
    is_streamed = False

    def recognises(self, head: bytes) -> bool:
        return bool(_SIGN.match(head.removeprefix(b"\xef\xbb\xbf")))

    def open(self, path: Path, options: ReadOptions) -> Document:
        decoded = read_whole(path, options.encoding, find_html_encoding)
        return TextDocument.of(
            path,
            decoded,
            read_html_parts,
            errors="xmlcharrefreplace",
        )


def read_html_parts(text: str) -> Iterator[Part]:
    """The parts of a page, or of a piece of one."""
    return read_runs(read_html(text), HTML_RULES)


def _is_protected(token: Token) -> bool:
    """Whether its author says that an element is not to be translated."""
    classes = token.attributes.get("class", "").split()
    return (
        token.attributes.get("translate", "").lower() == "no"
        or "notranslate" in classes
    )


def _is_inline(token: Token) -> bool:
    return token.name in _INLINE


def _is_skipped(token: Token) -> bool:
    is_block = token.name not in _INLINE
    return token.name in _SKIPPED or (is_block and _is_protected(token))


def _is_placeholder(token: Token) -> bool:
    is_inline = token.name in _INLINE
    return token.name in _PLACEHOLDERS or (is_inline and _is_protected(token))


def _find_attributes(token: Token) -> tuple[str, ...]:
    if token.name == "meta":
        kind = token.attributes.get("name") or token.attributes.get("property") or ""
        return ("content",) if kind.lower() in _META else ()
    return () if _is_protected(token) else _ATTRIBUTES


def _encode(text: str) -> str:
    return encode_text(text).replace("\xa0", "&nbsp;")


HTML_RULES = MarkupRules(
    is_inline=_is_inline,
    is_skipped=_is_skipped,
    is_placeholder=_is_placeholder,
    find_attributes=_find_attributes,
    decode=partial(decode_text, is_html=True),
    encode=_encode,
)
