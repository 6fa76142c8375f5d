"""Text documents as a stream of what stays and what is translated."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, TypeAlias

from polyspec.documents.encodings import DecodedText
from polyspec.documents.interfaces import (
    Content,
    InlineCode,
    Segment,
    SegmentNote,
    Translate,
    tidy_content,
)
from polyspec.errors import DocumentError

Build: TypeAlias = Callable[[Sequence[Content | None]], str]
"""From the translations of a slot's units, None where one keeps its old text, to the
text that takes the slot's place."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One text of a slot."""

    content: Content
    note: SegmentNote = field(default_factory=SegmentNote)
    old: Content | None = None
    is_continued: bool = False


@dataclass(frozen=True, slots=True)
class Slot:
    """A place of a document whose text depends on translations."""

    raw: str
    """What stands there now."""
    units: tuple[Unit, ...]
    build: Build
    is_bilingual: bool = False
    """Whether source and translation stand side by side, so that a translation equal
    to its source is written too."""

    def fill(self, translations: Sequence[Content | None]) -> str:
        """What is to stand there; `raw` where no translation changes anything."""
        pairs = zip(self.units, translations, strict=True)
        if all(
            new is None or (not self.is_bilingual and new == unit.content)
            for unit, new in pairs
        ):
            return self.raw
        return self.build(translations)


Part: TypeAlias = str | Slot
"""Text that stays as it is, or a slot."""


def make_slot(
    raw: str,
    content: Content,
    encode: Callable[[Content], str],
    note: SegmentNote | None = None,
    *,
    is_continued: bool = False,
) -> Slot:
    """A slot with one text, which `encode` turns into what is written."""

    def build(translations: Sequence[Content | None]) -> str:
        (new,) = translations
        return raw if new is None else encode(new)

    unit = Unit(tidy_content(content), note or SegmentNote(), is_continued=is_continued)
    return Slot(raw, (unit,), build)


def join_content(content: Content, encode_text: Callable[[str], str]) -> str:
    """A content as it stands in a file: texts encoded, codes as they are."""
    return "".join(
        piece.raw if isinstance(piece, InlineCode) else encode_text(piece)
        for piece in content
    )


class SegmentCounter:
    """Gives the units of a document their segments, numbered from its beginning."""

    def __init__(self) -> None:
        self._number = 0

    def name_segments(self, slot: Slot) -> list[Segment]:
        """The segments of the next slot."""
        return [self._name(unit) for unit in slot.units]

    def _name(self, unit: Unit) -> Segment:
        self._number += 1
        name = f"{self._number}-{_digest(unit)}"
        return Segment(name, unit.content, unit.note, unit.old, unit.is_continued)


class TextDocument:
    """A document that is one text, read anew for each pass over it.

    Args:
        read_parts: Gives the parts of the text in order; joined, with each slot's
            `raw`, they are the text.
        encoding: Of the bytes to be written.
        name: What it is called in messages.
        has_mark: Whether a byte order mark goes before the text.
        notes: What the user should know.
        errors: `xmlcharrefreplace` where the format can name characters that the
            encoding does not have.
    """

    def __init__(
        self,
        read_parts: Callable[[], Iterable[Part]],
        *,
        encoding: str,
        name: str,
        has_mark: bool = False,
        notes: tuple[str, ...] = (),
        errors: str = "strict",
    ) -> None:
        self.notes = notes
        self._read_parts = read_parts
        self.encoding = encoding
        self._name = name
        self._has_mark = has_mark
        self._errors = errors

    @classmethod
    def of(
        cls,
        path: Path,
        decoded: DecodedText,
        read_parts: Callable[[str], Iterable[Part]],
        errors: str = "strict",
    ) -> "TextDocument":
        """A document of a file that is held in memory, written as it was encoded."""
        choice = decoded.choice
        return cls(
            lambda: read_parts(decoded.text),
            encoding=choice.encoding,
            name=str(path),
            has_mark=choice.has_mark,
            notes=choice.notes,
            errors=errors,
        )

    def segments(self) -> Iterator[Segment]:
        """The segments in order; each call reads the document anew."""
        with closing(self._open_parts()) as parts:
            yield from list_segments(parts, SegmentCounter())

    def write(self, output: BinaryIO, translate: Translate) -> None:
        """Write the document with its translations."""
        if self._has_mark:
            output.write("\ufeff".encode(self.encoding))
        with closing(self._open_parts()) as parts:
            for text in fill_parts(parts, translate, SegmentCounter()):
                output.write(self._encode(text))

    def _open_parts(self) -> Generator[Part, None, None]:
        """The parts in a generator, which lets go of the file when it is closed."""
        yield from self._read_parts()

    def _encode(self, text: str) -> bytes:
        try:
            return text.encode(self.encoding, self._errors)
        except UnicodeEncodeError as err:
            raise DocumentError(
                f"cannot write the translation of {self._name}",
                cause=f"{err.object[err.start]!r} does not exist in {self.encoding}, "
                "the encoding of the document",
                remedy="convert the document to UTF-8 first",
            ) from err


def list_segments(parts: Iterable[Part], counter: SegmentCounter) -> Iterator[Segment]:
    """The segments of the slots among the parts."""
    for part in parts:
        if isinstance(part, Slot):
            yield from counter.name_segments(part)


def fill_parts(
    parts: Iterable[Part], translate: Translate, counter: SegmentCounter
) -> Iterator[str]:
    """The text of a document, slot by slot with its translations."""
    for part in parts:
        if isinstance(part, str):
            yield part
        else:
            segments = counter.name_segments(part)
            yield part.fill([translate(segment) for segment in segments])


@dataclass(frozen=True, slots=True)
class Span:
    """A slot and where it stands in a text held in memory."""

    start: int
    end: int
    slot: Slot


def splice(text: str, spans: Iterable[Span]) -> Iterator[Part]:
    """The parts of a text, given its slots from left to right."""
    place = 0
    for span in spans:
        if span.start > place:
            yield text[place : span.start]
        yield span.slot
        place = span.end
    if place < len(text):
        yield text[place:]


def _digest(unit: Unit) -> str:
    pieces = [
        piece.raw if isinstance(piece, InlineCode) else piece for piece in unit.content
    ]
    joined = "\0".join([unit.note.key, *pieces]).encode("utf-8", "surrogatepass")
    return blake2b(joined, digest_size=4).hexdigest()
