"""EPUB: the chapters of a book in reading order, and its table of contents.

Format: W3C, "EPUB 3.3", and IDPF, "EPUB 2.0.1".
"""

import posixpath
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from polyspec.documents.archive import ArchiveDocument, open_archive, read_member
from polyspec.documents.bilingual import local_name
from polyspec.documents.encodings import decode_whole
from polyspec.documents.faults import malformed
from polyspec.documents.html import HTML_RULES
from polyspec.documents.html_tokens import read_html
from polyspec.documents.interfaces import Document, ReadOptions
from polyspec.documents.markup import Token, encode_text
from polyspec.documents.markup_runs import MarkupRules, read_runs
from polyspec.documents.slots import Part
from polyspec.documents.xml_tokens import find_xml_encoding, read_xml
from polyspec.errors import DocumentError

_TITLE = "EPUB"
_CONTAINER = "META-INF/container.xml"
_PAGE, _CONTENTS = "application/xhtml+xml", "application/x-dtbncx+xml"
_PERCENT = re.compile(r"((?:%[0-9A-Fa-f]{2})+)")


class Epub:
    """Books."""

    name = "epub"
    title = "EPUB"
    extensions = (".epub",)
    limits = (
        "Chapters and tables of contents are translated as HTML; title and language "
        "in the metadata are left as they are, as are books with copy protection."
    )
    is_streamed = False

    def recognises(self, head: bytes) -> bool:
        return head[30:].startswith(b"mimetypeapplication/epub+zip")

    def open(self, path: Path, options: ReadOptions) -> Document:
        with open_archive(path) as archive:
            members = list(_find_members(archive))
        if not members:
            raise malformed(_TITLE, "its package names no chapters")
        return ArchiveDocument(path, lambda _: members, _read_member)


def _find_members(archive: zipfile.ZipFile) -> Iterator[str]:
    """The names of the pages in reading order, then what the spine leaves out."""
    package = _find_package(archive)
    folder = posixpath.dirname(package)
    items: dict[str, str] = {}
    spine: list[str] = []
    for token in _read_xml_member(archive, package):
        name, attributes = local_name(token), token.attributes
        if name == "item" and attributes.get("media-type") in {_PAGE, _CONTENTS}:
            place = posixpath.join(folder, _unquote(attributes.get("href", "")))
            items[attributes.get("id", "")] = posixpath.normpath(place)
        elif name == "itemref":
            spine.append(attributes.get("idref", ""))
    names = archive.namelist()
    order = [items[key] for key in spine if key in items] + list(items.values())
    for name in dict.fromkeys(order):
        if name in names:
            yield name


def _find_package(archive: zipfile.ZipFile) -> str:
    for token in _read_xml_member(archive, _CONTAINER):
        if local_name(token) == "rootfile" and "full-path" in token.attributes:
            return token.attributes["full-path"]
    raise malformed(_TITLE, f"{_CONTAINER} names no package")


def _read_xml_member(archive: zipfile.ZipFile, name: str) -> Iterator[Token]:
    data = read_member(archive, name)
    text = decode_whole(data, name, find_declared=find_xml_encoding).text
    return read_xml(text, f"{_TITLE} ({name})")


def _unquote(href: str) -> str:
    def decode(match: re.Match[str]) -> str:
        data = bytes.fromhex(match.group().replace("%", ""))
        return data.decode("utf-8", "replace")

    return _PERCENT.sub(decode, href)


def _read_member(name: str, text: str) -> Iterable[Part]:
    if name.endswith(".ncx"):
        return read_runs(read_xml(text, f"{_TITLE} ({name})"), _CONTENTS_RULES)
    try:
        tokens = list(read_xml(text, f"{_TITLE} ({name})"))
    except DocumentError:
        # Reading programs are as forgiving.
        tokens = read_html(text)
    return read_runs(tokens, _PAGE_RULES)


_PAGE_RULES = replace(HTML_RULES, encode=encode_text)
_CONTENTS_RULES = MarkupRules(
    is_inline=lambda _: False,
    is_skipped=lambda token: local_name(token) in {"head", "docAuthor"},
)
