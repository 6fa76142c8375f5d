"""Translating and story writing as jobs for the model's thread.

What is written is told as changes: "from this offset on the text is now ...", at most
thirty times a second, however fast the model writes.
"""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.message import Message

from polyspec.errors import PolySpecError

if TYPE_CHECKING:
    from polyspec.prompting.interfaces import DraftCounts
    from polyspec.translator import Translator

Post = Callable[[Message], object]
_FRAME_S = 1 / 30


@dataclass
class RunBegun(Message):
    """The model reads what it was given."""

    run: int


@dataclass
class TextWritten(Message):
    """From `start` on, in characters, the text of a run is now `text`."""

    run: int
    start: int
    text: str


@dataclass(frozen=True, slots=True)
class PieceFacts:
    """What a finished segment or story tells of itself."""

    start: int
    """Offset of its first character in the run's text."""
    end: int
    note: str
    """What is to be said of it; empty when all went well."""
    num_tokens: int
    counts: "DraftCounts"


@dataclass
class PieceDone(Message):
    """A segment, or a whole story, is finished."""

    run: int
    facts: PieceFacts


@dataclass
class RunEnded(Message):
    """Nothing more comes of this run."""

    run: int
    elapsed_s: float = 0.0
    is_cancelled: bool = False
    error: PolySpecError | None = None


class Feed:
    """The growing text of one run, told in changes."""

    def __init__(self, post: Post, run: int) -> None:
        self._post = post
        self._run = run
        self._text: list[str] = []
        self.length = 0
        self._start = 0
        self._is_changed = False
        self._told_s = 0.0

    def write(self, text: str) -> None:
        """Append text."""
        self._text.append(text)
        self.length += len(text)
        self._is_changed = True
        if time.monotonic() - self._told_s >= _FRAME_S:
            self.flush()

    def rewrite(self, start: int, text: str) -> None:
        """Put `text` in place of all that stands from `start` on."""
        if start < self._start:
            self._start, self._text = start, []
        else:
            self._text = ["".join(self._text)[: start - self._start]]
        self._text.append(text)
        self.length = start + len(text)
        self._is_changed = True

    def flush(self) -> None:
        """Tell what was not told yet."""
        if self._is_changed:
            self._post(TextWritten(self._run, self._start, "".join(self._text)))
        self._start, self._text, self._is_changed = self.length, [], False
        self._told_s = time.monotonic()


@dataclass
class _TextJob:
    """A job that writes a text for whoever `post` reaches."""

    post: Post
    run_number: int
    is_patient: bool = False
    _cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Stop before the next step."""
        self._cancelled.set()

    def fail(self, error: PolySpecError) -> None:
        """Tell that it could not be done."""
        self.post(RunEnded(self.run_number, error=error))

    def run(self, translator: "Translator") -> None:
        """Write the text and tell of it."""
        if self.is_cancelled:
            self.post(RunEnded(self.run_number, is_cancelled=True))
            return
        self.post(RunBegun(self.run_number))
        started_s = time.perf_counter()
        feed = Feed(self.post, self.run_number)
        try:
            self._write(translator, feed)
        finally:
            feed.flush()
        elapsed_s = time.perf_counter() - started_s
        self.post(RunEnded(self.run_number, elapsed_s, self.is_cancelled))

    def _write(self, translator: "Translator", feed: Feed) -> None:
        raise NotImplementedError

    def _tell_done(
        self, start: int, end: int, note: str, num_tokens: int, counts: "DraftCounts"
    ) -> None:
        facts = PieceFacts(start, end, note, num_tokens, counts)
        self.post(PieceDone(self.run_number, facts))


@dataclass
class TranslateJob(_TextJob):
    """Translates one text."""

    text: str = ""
    source_language: str = ""
    target_language: str = ""

    def _write(self, translator: "Translator", feed: Feed) -> None:
        from polyspec.translation.pipeline import TranslatedPiece, TranslatedSegment

        events = translator.translate(
            [self.text], to=self.target_language, from_=self.source_language
        )
        start = 0
        with closing(events):
            for event in events:
                if self.is_cancelled:
                    return
                if isinstance(event, TranslatedPiece):
                    feed.write(event.text)
                elif isinstance(event, TranslatedSegment):
                    feed.rewrite(start, event.output)
                    feed.flush()
                    self._tell_done(
                        start,
                        feed.length,
                        event.note,
                        event.num_tokens,
                        event.counts,
                    )
                    start = feed.length
                else:
                    feed.rewrite(start, "")


@dataclass
class StoryJob(_TextJob):
    """Writes one story."""

    theme: str = ""
    language: str = ""
    num_words: int = 200

    def _write(self, translator: "Translator", feed: Feed) -> None:
        from polyspec.stories.writer import StoryPiece

        events = translator.write_story(self.language, self.theme, self.num_words)
        with closing(events):
            for event in events:
                if self.is_cancelled:
                    return
                if isinstance(event, StoryPiece):
                    feed.write(event.text)
                else:
                    feed.rewrite(0, event.text)
                    feed.flush()
                    self._tell_done(
                        0, feed.length, event.note, event.num_tokens, event.counts
                    )
