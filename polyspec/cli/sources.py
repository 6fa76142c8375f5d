"""Where the text to translate comes from: arguments, a file or a pipe."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from polyspec.errors import UsageError

if TYPE_CHECKING:
    from polyspec.documents.plain_text import TextReader


@dataclass(frozen=True, slots=True)
class Source:
    """A text to translate."""

    chunks: Iterator[str]
    reader: "TextReader | None" = None
    """What decodes it; none for arguments."""
    is_empty: bool = False

    @property
    def has_mark(self) -> bool:
        """Whether it began with a byte order mark."""
        return self.reader is not None and self.reader.has_mark


@contextmanager
def open_source(texts: list[str], path: Path | None, encoding: str) -> Iterator[Source]:
    """Open the text; its first chunk is read at once, so that faults show early.

    Raises:
        UsageError: No text is given, or more than one.
        DocumentError: The file cannot be read or is no text.
    """
    if texts and path is not None:
        raise UsageError(
            "there are two texts to translate",
            cause="one in the arguments and one in the file of --in",
            remedy="give one of them",
        )
    if texts:
        text = " ".join(texts)
        yield Source(iter([text + "\n"] if text else []), is_empty=not text)
        return
    from polyspec.documents.plain_text import TextReader, open_bytes

    with ExitStack() as stack:
        if path is not None and str(path) != "-":
            stream = stack.enter_context(open_bytes(path))
            reader = TextReader(stream, str(path), encoding)
        else:
            reader = TextReader(_standard_input(), "standard input", encoding)
        chunks = iter(reader)
        first = next(chunks, "")
        yield Source(chain([first], chunks), reader, is_empty=not first)


def _standard_input() -> BinaryIO:
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "there is no text to translate",
            remedy="give it as an argument, with --in FILE, or through a pipe",
        )
    return sys.stdin.buffer
