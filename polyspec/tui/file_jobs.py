"""Translating a document of any format as a job that steps back for others.

What is translated stands in a journal, so that a job that stepped back, or whose
program was killed, goes on where it was. The output is written whole or not at all.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from textual.message import Message

from polyspec.errors import PolySpecError

if TYPE_CHECKING:
    from polyspec.documents.interfaces import Document
    from polyspec.session import Session
    from polyspec.translation.journal import Journal
    from polyspec.translation.units import TranslatedUnit
    from polyspec.translator import Translator

Post = Callable[[Message], object]
_FRAME_S = 0.2
_MAX_NOTES = 200


@dataclass(frozen=True, slots=True)
class FileFacts:
    """How far a file is, and what is to be said of it."""

    format_name: str = ""
    num_chars: int = 0
    """Of all its segments; 0 before they are counted."""
    num_done_chars: int = 0
    num_fresh_chars: int = 0
    """Of those done, without what an earlier run had translated."""
    num_segments: int = 0
    num_kept: int = 0
    """Segments that keep their source text because the model failed."""
    elapsed_s: float = 0.0
    """Time that the model spent on it."""
    language_note: str = ""
    """What it was found to be in, where that was not said."""
    notes: tuple[str, ...] = ()
    """What may be wrong, a line for each segment; at most 200."""


@dataclass
class FileAdvanced(Message):
    """A part of a file is translated."""

    number: int
    facts: FileFacts


@dataclass
class FileEnded(Message):
    """A file is written, or cannot be."""

    number: int
    error: PolySpecError | None = None


class _SteppedBack(Exception):  # somebody waits; nothing went wrong
    """The job gave way."""


@dataclass
class FileJob:
    """Translates one document into another of the same format."""

    post: Post
    number: int
    path: Path
    output: Path
    source_language: str
    """`auto` tells it from the document."""
    target_language: str
    encoding: str | None = None
    """None finds it out."""
    is_patient: bool = True
    _stop: threading.Event = field(default_factory=threading.Event)
    _held: threading.Event = field(default_factory=threading.Event)
    _facts: FileFacts = field(default_factory=FileFacts)
    _told_s: float = 0.0
    _private_folder: "TemporaryDirectory[str] | None" = None
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
        """Translate to the end, or until it is asked to step back."""
        self._stop.clear()
        if self._held.is_set():
            return
        try:
            self._translate(translator)
        except _SteppedBack:
            return
        self._is_over = True
        self.post(FileEnded(self.number))

    def _translate(self, translator: "Translator") -> None:
        from polyspec.documents.output_file import open_binary_output
        from polyspec.translator.job_facts import job_name

        document = self._open(translator)
        self._tell()  # it has begun, though its first segment may take a while
        done = _Progress(self._facts)
        languages = {"to": self.target_language, "from_": self.source_language}
        watched = cast("Session", _WatchedSession(translator.session, self._look))
        own = replace(
            translator,
            settings=translator.settings.model_copy(update=languages),
            session=watched,
            report=done.note_language,
        )

        def report(unit: "TranslatedUnit") -> None:
            self._facts = done.after(unit)
            if time.monotonic() - self._told_s >= _FRAME_S:
                self._tell()

        with self._open_journal(own) as journal:
            beside = f".polyspec-{job_name(self.output)}"
            with open_binary_output(self.output, beside) as sink:
                try:
                    own.translate_document(document, sink, report, journal)
                finally:
                    self._tell()
                journal.complete()
        if own.assets is not None:
            source = own.source_language()
            own.assets.note(source, own.target_language(), "", "", title=str(self.path))

    def _open(self, translator: "Translator") -> "Document":
        from polyspec.detection import AUTO
        from polyspec.documents.interfaces import ReadOptions
        from polyspec.documents.registry import detect_format

        translator.session.is_tracing = False
        known = detect_format(self.path)
        options = ReadOptions(
            encoding=self.encoding,
            # Only files that leave their own language open ask for it.
            source_tag="en" if self.source_language == AUTO else self.source_language,
            target_tag=self.target_language,
        )
        document = known.open(self.path, options)
        # Read to its end, so that a malformed one is refused before hours of work.
        num_chars = 0
        for segment in document.segments():
            self._look()
            num_chars += len(segment.text)
        self._facts = FileFacts(
            format_name=known.title,
            num_chars=num_chars,
            elapsed_s=self._facts.elapsed_s,
            notes=tuple(document.notes),
        )
        return document

    def _open_journal(self, translator: "Translator") -> "Journal":
        from polyspec.translation.journal import Journal
        from polyspec.translator.job_facts import job_facts, journal_path

        folder = None
        if translator.settings.private:
            self._private_folder = self._private_folder or TemporaryDirectory()
            folder = Path(self._private_folder.name)
        choices = dict.fromkeys(("format", "columns", "keys"), "")
        choices["encoding"] = self.encoding or ""
        facts = job_facts(self.path, choices, translator)
        return Journal(journal_path(self.output, folder), facts)

    def _look(self) -> None:
        if self._stop.is_set():
            raise _SteppedBack

    def _tell(self) -> None:
        self._told_s = time.monotonic()
        self.post(FileAdvanced(self.number, self._facts))


class _Progress:
    """Adds up what is told of segments."""

    def __init__(self, begun: FileFacts) -> None:
        self._facts = begun
        self._clock_s = time.perf_counter()

    def note_language(self, note: str) -> None:
        """Keep what the document was found to be in."""
        self._facts = replace(self._facts, language_note=note)

    def after(self, unit: "TranslatedUnit") -> FileFacts:
        """What is known when one more segment is done."""
        facts = self._facts
        num_chars = len(unit.segment.text)
        notes = facts.notes
        if unit.note and len(notes) < _MAX_NOTES:
            notes = (*notes, f"{unit.segment.text[:40].strip()} … {unit.note}")
        now_s = time.perf_counter()
        self._facts = replace(
            facts,
            num_done_chars=facts.num_done_chars + num_chars,
            num_fresh_chars=facts.num_fresh_chars
            + (0 if unit.is_replayed else num_chars),
            num_segments=facts.num_segments + 1,
            num_kept=facts.num_kept + unit.is_kept,
            elapsed_s=facts.elapsed_s + now_s - self._clock_s,
            notes=notes,
        )
        self._clock_s = now_s
        return self._facts


class _WatchedSession:
    """A session that is left between two steps when somebody waits."""

    def __init__(self, session: "Session", look: Callable[[], None]) -> None:
        self._session = session
        self._look = look

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def complete(self, requests: Iterable[Any]) -> Iterator[Any]:
        """As the session does, looking before each event."""
        with ExitStack() as stack:
            events = self._session.complete(requests)
            close = getattr(events, "close", None)
            if close is not None:
                stack.callback(close)
            for event in events:
                self._look()
                yield event


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
