"""OpenDocument text: paragraphs, headings, notes, headers and footers.

Format: OASIS, "Open Document Format for Office Applications 1.3".
"""

import zipfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from polyspec.documents.archive import ArchiveDocument, open_archive
from polyspec.documents.faults import malformed
from polyspec.documents.interfaces import Document, ReadOptions
from polyspec.documents.markup import Token, decode_text
from polyspec.documents.markup_runs import MarkupRules, read_runs
from polyspec.documents.slots import Part
from polyspec.documents.xml_tokens import read_xml

_TITLE = "OpenDocument file"
_MEMBERS = ("content.xml", "styles.xml")
# fmt: off
_INLINE = frozenset((
    "office:annotation-end", "text:a",
    "text:bookmark", "text:bookmark-end", "text:bookmark-start",
    "text:change", "text:change-end", "text:change-start", "text:line-break",
    "text:reference-mark", "text:reference-mark-end", "text:reference-mark-start",
    "text:s", "text:soft-page-break", "text:span", "text:tab",
))
_FIELDS = frozenset((
    "text:author-initials", "text:author-name", "text:bookmark-ref", "text:chapter",
    "text:creator", "text:date", "text:expression", "text:file-name",
    "text:initial-creator", "text:measure", "text:page-count", "text:page-number",
    "text:reference-ref", "text:ruby-text", "text:sequence", "text:sequence-ref",
    "text:time", "text:title", "text:user-field-get", "text:variable-get",
    "text:variable-set", "text:note-ref",
))
_HOLDERS = frozenset((
    "draw:frame", "draw:custom-shape", "office:annotation", "text:note",
))
_SKIPPED = frozenset((
    "dc:creator", "dc:date", "draw:object", "math:math", "meta:creator-initials",
    "meta:date-string", "office:font-face-decls",
    "office:scripts", "svg:desc", "svg:title", "text:note-citation",
    "text:tracked-changes", "text:variable-decls", "text:sequence-decls",
))
# fmt: on


class Odt:
    """Documents of LibreOffice and others."""

    name = "odt"
    title = "OpenDocument text"
    extensions = (".odt", ".ott")
    limits = (
        "Text, tables, notes, comments, headers and footers are translated; fields, "
        "tracked deletions, metadata and the texts of embedded objects are not."
    )
    is_streamed = False

    def recognises(self, head: bytes) -> bool:
        return head[30:].startswith(b"mimetypeapplication/vnd.oasis.opendocument.text")

    def open(self, path: Path, options: ReadOptions) -> Document:
        with open_archive(path) as archive:
            if "content.xml" not in archive.namelist():
                raise malformed(_TITLE, "it has no content.xml")
        return ArchiveDocument(path, _find_members, _read_member)


def _find_members(archive: zipfile.ZipFile) -> list[str]:
    names = archive.namelist()
    return [name for name in _MEMBERS if name in names]


def _read_member(_name: str, text: str) -> Iterable[Part]:
    return read_runs(read_xml(text, _TITLE), _RULES)


def _is_inline(token: Token) -> bool:
    return token.name in _INLINE or token.name in _FIELDS or token.name in _HOLDERS


def _is_named(names: frozenset[str], token: Token) -> bool:
    return token.name in names


_RULES = MarkupRules(
    is_inline=_is_inline,
    is_skipped=partial(_is_named, _SKIPPED),
    is_placeholder=partial(_is_named, _FIELDS),
    holds_blocks=partial(_is_named, _HOLDERS),
    decode=decode_text,
)
