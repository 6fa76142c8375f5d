"""Word documents: paragraphs of the text, headers, footers, notes and comments.

Word cuts a sentence into runs wherever anything about it was ever changed. Here a
paragraph is one text again: runs that look alike are joined, and the others are pairs
of codes that end one run and begin the next.
Format: ECMA-376, "Office Open XML", part 1, WordprocessingML.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from polyspec.documents.archive import ArchiveDocument, open_archive
from polyspec.documents.docx_runs import Paragraph, read_paragraph
from polyspec.documents.faults import malformed
from polyspec.documents.interfaces import Content, Document, ReadOptions
from polyspec.documents.markup import Token, join_elements, write_content
from polyspec.documents.slots import Part, Slot, Unit
from polyspec.documents.xml_tokens import read_xml

_TITLE = "Word document"
_MEMBER = re.compile(
    r"word/(document|footnotes|endnotes|comments|header|footer)\d*\.xml"
)
_ORDER = ("document", "footnotes", "endnotes", "comments", "header", "footer")
_INNER = re.compile("\0(\\d+)\0")


class Docx:
    """Documents of Word and others."""

    name = "docx"
    title = "Word document"
    extensions = (".docx", ".docm", ".dotx")
    limits = (
        "Text, tables, text boxes, notes, comments, headers and footers are "
        "translated; fields, tracked deletions, charts, metadata and alternative "
        "texts are not."
    )
    is_streamed = False

    def recognises(self, head: bytes) -> bool:
        return head.startswith(b"PK\x03\x04") and b"word/" in head

    def open(self, path: Path, options: ReadOptions) -> Document:
        with open_archive(path) as archive:
            if not _find_members(archive):
                raise malformed(_TITLE, "it has no word/document.xml")
        return ArchiveDocument(path, _find_members, _read_member)


def _find_members(archive: zipfile.ZipFile) -> list[str]:
    found = [
        (_ORDER.index(match.group(1)), match.group())
        for match in map(_MEMBER.fullmatch, archive.namelist())
        if match
    ]
    return [name for _, name in sorted(found)]


def _read_member(_name: str, text: str) -> Iterable[Part]:
    return _read_tokens(read_xml(text, _TITLE))


def _read_tokens(tokens: Iterable[Token]) -> Iterator[Part]:
    for token, whole in join_elements(tokens, lambda token: token.name == "w:p"):
        if whole is None or len(whole) == 1:
            yield token.raw
        else:
            yield from _read_whole(whole)


def _read_whole(tokens: list[Token]) -> Iterator[Part]:
    """The parts of a paragraph and of those in its text boxes."""
    paragraph = read_paragraph(tokens)
    if paragraph is None:
        # Nothing of its own, but perhaps a picture with a caption in it.
        yield tokens[0].raw
        yield from _read_tokens(tokens[1:])
        return
    yield paragraph.before
    yield _make_slot(paragraph)
    yield paragraph.after


def _make_slot(paragraph: Paragraph) -> Slot:
    inner = [list(_read_tokens(tokens)) for tokens in paragraph.inner]
    slots = [part for parts in inner for part in parts if isinstance(part, Slot)]
    units = [Unit(paragraph.content), *(unit for slot in slots for unit in slot.units)]

    def build(translations: Sequence[Content | None]) -> str:
        filled = list(_fill(inner, translations[1:]))
        chosen = paragraph.content if translations[0] is None else translations[0]
        written = paragraph.wrap(write_content(chosen))
        return _INNER.sub(lambda match: filled[int(match.group(1))], written)

    return Slot(paragraph.raw, tuple(units), build)


def _fill(
    inner: list[list[Part]], translations: Sequence[Content | None]
) -> Iterator[str]:
    place = 0
    for parts in inner:
        texts = []
        for part in parts:
            if isinstance(part, str):
                texts.append(part)
            else:
                size = len(part.units)
                texts.append(part.fill(translations[place : place + size]))
                place += size
        yield "".join(texts)
