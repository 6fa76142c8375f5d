"""Translating files behind whatever is typed.

A file is translated block by block, so that somebody at the keyboard waits for one step
at most: the block under way is given up and begun again later. Only a whole translation
is written.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from polyspec.errors import PolySpecError

if TYPE_CHECKING:
    from polyspec.translator import Translator

Post = Callable[[Message], object]
_BLOCK_CHARS = 2000
_MAX_LINE_BLOCKS = 8
"""So many blocks a single line may be long before it is cut."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """How far a file is, and what is to be said of it."""

    done_bytes: int = 0
    num_segments: int = 0
    elapsed_s: float = 0.0
    """Time that the model spent on it."""
    notes: tuple[str, ...] = ()
    """What may be wrong, a line for each segment."""


@dataclass
class FileAdvanced(Message):
    """A block of a file is translated."""

    number: int
    facts: FileFacts


@dataclass
class FileEnded(Message):
    """A file is written, or cannot be."""

    number: int
    error: PolySpecError | None = None


@dataclass
class FileJob:
    """Translates one plain text file into another."""

    post: Post
    number: int
    path: Path
    output: Path
    source_language: str
    target_language: str
    encoding: str = "utf-8"
    is_patient: bool = True
    _stop: threading.Event = field(default_factory=threading.Event)
    _held: threading.Event = field(default_factory=threading.Event)
    _blocks: Iterator[str] | None = None
    _block: str | None = None
    _written: list[str] = field(default_factory=list)
    _facts: FileFacts = field(default_factory=FileFacts)
    _is_over: bool = False

    @property
    def is_unfinished(self) -> bool:
        """Whether it stepped back and wants to go on."""
        return not self._is_over and not self._held.is_set()

    def cancel(self) -> None:
        """Step back at the next step, for somebody who waits."""
        self._stop.set()

    def hold(self) -> None:
        """Stop until `release`; what is translated stays."""
        self._held.set()
        self._stop.set()

    def release(self) -> None:
        """Be ready to go on; the job has to be submitted again."""
        self._held.clear()

    def fail(self, error: PolySpecError) -> None:
        """Tell that the file could not be translated."""
        self._is_over = True
        self.post(FileEnded(self.number, error))

    def run(self, translator: "Translator") -> None:
        """Translate blocks until the end, or until it is asked to step back."""
        self._stop.clear()
        if self._held.is_set():
            return
        if self._blocks is None:
            self._blocks = self._read()
        while (block := self._next_block()) is not None:
            if not self._translate(translator, block):
                return
            self._block = None
        self._finish()

    def _read(self) -> Iterator[str]:
        from polyspec.documents.plain_text import read_text

        return cut_blocks(read_text(self.path, self.encoding), _BLOCK_CHARS)

    def _next_block(self) -> str | None:
        if self._block is None:
            assert self._blocks is not None
            self._block = next(self._blocks, None)
        return self._block

    def _translate(self, translator: "Translator", block: str) -> bool:
        """Translate a block; False where it was given up."""
        from polyspec.translation.pipeline import TranslatedSegment

        started_s = time.perf_counter()
        parts, notes = [], []
        events = translator.translate(
            [block], to=self.target_language, from_=self.source_language
        )
        with closing(events):
            for event in events:
                if self._stop.is_set():
                    return False
                if isinstance(event, TranslatedSegment):
                    parts.append(event.output)
                    if event.note:
                        notes.append(
                            f"{event.segment.text[:40].strip()} … {event.note}"
                        )
        self._written += parts
        facts = self._facts
        self._facts = FileFacts(
            facts.done_bytes + len(block.encode(self.encoding, "replace")),
            facts.num_segments + len(parts),
            facts.elapsed_s + time.perf_counter() - started_s,
            (*facts.notes, *notes),
        )
        self.post(FileAdvanced(self.number, self._facts))
        return True

    def _finish(self) -> None:
        from polyspec.documents.output_file import open_output

        with open_output(self.output) as output:
            for part in self._written:
                output.write(part)
        self._is_over = True
        self.post(FileEnded(self.number))


def cut_blocks(chunks: Iterable[str], num_chars: int) -> Iterator[str]:
    """Cut a text into blocks that end after a line; joined they are the text.

    A line that is many blocks long is cut at a space.
    """
    kept = ""
    for chunk in chunks:
        kept += chunk
        while len(kept) > num_chars:
            # Before the last character, so that no `\r\n` is torn apart.
            end = kept.rfind("\n", 0, num_chars) + 1
            if end == 0:
                end = kept.find("\n", num_chars, len(kept) - 1) + 1
            if end == 0 and len(kept) > _MAX_LINE_BLOCKS * num_chars:
                end = kept.rfind(" ", 0, _MAX_LINE_BLOCKS * num_chars) + 1
                end = end or _MAX_LINE_BLOCKS * num_chars
            if end == 0:
                break
            yield kept[:end]
            kept = kept[end:]
    if kept:
        yield kept


def name_output(path: Path, language: str, taken: Iterable[Path] = ()) -> Path:
    """A free name beside the source, for example `letter.fr.txt`."""
    others = set(taken)
    number = 1
    while True:
        middle = language if number == 1 else f"{language}-{number}"
        output = path.with_name(f"{path.stem}.{middle}{path.suffix}")
        if output not in others and not output.exists():
            return output
        number += 1
