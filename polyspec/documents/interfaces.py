"""What a document is to those who translate it: segments out, translations in.

A format splits a document into *slots*, which hold what is to be translated, and all
the bytes around them, which are never touched. Text inside a slot may hold *inline
codes* (the term of XLIFF): markup that has to come back unchanged, though its place in
the sentence may change.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias


class CodeKind(Enum):
    """How an inline code stands to the others of its segment."""

    OPEN = "open"
    CLOSE = "close"
    SINGLE = "single"
    """Marks a point, such as a line break or an image."""
    PLACEHOLDER = "placeholder"
    """Stands for words, so the sentence reads around it."""


@dataclass(frozen=True, slots=True)
class InlineCode:
    """Markup within a sentence, as it stands in the file."""

    raw: str
    kind: CodeKind = CodeKind.SINGLE


Content: TypeAlias = tuple[str | InlineCode, ...]
"""Text and inline codes in their order; text is decoded, codes are not."""


@dataclass(frozen=True, slots=True)
class SegmentNote:
    """What a document says about a segment, for prompts and for reports."""

    key: str = ""
    """Where it stands: a message's context, a JSON path, a cell."""
    comment: str = ""
    """What its author told the translator."""
    max_chars: int | None = None
    """Longest translation that the document allows."""
    num_lines: int = 1
    """Lines that the translation is laid out in; more only in subtitles."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a document that is translated as a whole."""

    id: str
    """Unique in its document, and the same each time that this file is read."""
    content: Content
    note: SegmentNote = field(default_factory=SegmentNote)
    old: Content | None = None
    """The translation that the document holds already, perhaps an outdated one."""
    is_continued: bool = False
    """Whether it goes on with the paragraph of the segment before it."""
    context: str = ""
    """Text of the same paragraph right before it, where it was looked for."""

    @property
    def text(self) -> str:
        """The text alone, without inline codes."""
        return plain_text(self.content)

    @property
    def is_translatable(self) -> bool:
        """Whether there is a letter in it."""
        return any(char.isalpha() for char in self.text)


def plain_text(content: Content) -> str:
    """The text of a content, without its inline codes."""
    return "".join(piece for piece in content if isinstance(piece, str))


def tidy_content(content: Content) -> Content:
    """The same content with neighbouring texts joined and empty ones left out."""
    tidy: list[str | InlineCode] = []
    for piece in content:
        if isinstance(piece, str) and tidy and isinstance(tidy[-1], str):
            tidy[-1] += piece
        elif piece != "":
            tidy.append(piece)
    return tuple(tidy)


Translate: TypeAlias = Callable[[Segment], Content | None]
"""From a segment to its translation, or None to leave the document as it is there."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user says about a document."""

    encoding: str | None = None
    """None finds it out."""
    source_tag: str = ""
    """Language tag of the texts, for formats that hold several languages."""
    target_tag: str = ""
    """Language tag of the translations, for formats that name or need it."""
    columns: tuple[str, ...] = ()
    """Columns of a table to translate, by name or by number from 1; empty for all."""
    keys: tuple[str, ...] = ()
    """Patterns with `*` of the keys to translate; empty for all."""
    has_redo: bool = False
    """Whether texts that have a translation already are segments as well."""


class Document(Protocol):
    """A file that was opened; nothing of it is changed in place."""

    notes: tuple[str, ...]
    """What the user should know, such as an encoding that was guessed."""

    def segments(self) -> Iterator[Segment]:
        """The segments in order; each call reads the document anew.

        Raises:
            DocumentError: The file cannot be read or is malformed.
        """
        ...

    def write(self, output: BinaryIO, translate: Translate) -> None:
        """Write the document with its translations.

        Each segment is asked for once, in the order of `segments`. Bytes outside of
        the segments, and those of segments without a translation, are as they were.

        Raises:
            DocumentError: The file cannot be read or is malformed, or a translation
                does not fit into it.
        """
        ...


class DocumentFormat(Protocol):
    """One kind of file."""

    name: str
    """What `--format` takes."""
    title: str
    extensions: tuple[str, ...]
    """In lower case, with the dot; the first is the usual one."""
    limits: str
    """What is not translated or not kept, in one or two sentences."""
    is_streamed: bool
    """Whether a file of any size is read in constant memory."""

    def recognises(self, head: bytes) -> bool:
        """Whether the first bytes of a file can only be of this kind."""
        ...

    def open(self, path: Path, options: ReadOptions) -> Document:
        """Open a file; most of it is read later.

        Raises:
            DocumentError: The file cannot be read or is of another kind.
            UsageError: An option does not fit the document.
        """
        ...
