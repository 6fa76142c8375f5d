"""Translating and story writing as jobs for the model's thread.

What is written is told as changes: "from this offset on the text is now ...", at most
fifteen times a second, however fast the model writes.
"""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from textual.message import Message

from polyspec.errors import PolySpecError
from polyspec.tui.proposals import Proposal, locate_proposals
from polyspec.tui.widgets.drafters.figures import DrafterShare

if TYPE_CHECKING:
    from polyspec.stories.writer import Story
    from polyspec.translation.pipeline import TranslatedSegment
    from polyspec.translator import Translator

Post = Callable[[Message], object]
_FRAME_S = 1 / 15


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
    num_steps: int
    num_drafted: int
    accepted_by_source: Mapping[str, int]
    elapsed_s: float
    """Since the run began."""
    proposals: tuple[Proposal, ...] = ()
    """The tokens that drafters had proposed, where they stand in the run's text."""
    source: str = ""
    """The sentence that was translated; empty for a story."""


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
    drafters: Mapping[str, DrafterShare] = field(default_factory=dict)
    """What each drafter did in this run."""


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
class TextJob:
    """A job that writes a text for whoever `post` reaches."""

    post: Post
    run_number: int
    is_patient: bool = False
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _started_s: float = 0.0

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    @property
    def is_unfinished(self) -> bool:
        """A cancelled text is not gone on with: another one is wanted."""
        return False

    def again(self, run_number: int) -> Self:
        """The same job once more, as another run."""
        return replace(
            self, run_number=run_number, _cancelled=threading.Event(), _started_s=0.0
        )

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
        self._started_s = time.perf_counter()
        before = _read_counts(translator)
        translator.session.is_tracing = True
        feed = Feed(self.post, self.run_number)
        try:
            self._write(translator, feed)
        finally:
            feed.flush()
        self.post(
            RunEnded(
                self.run_number,
                time.perf_counter() - self._started_s,
                self.is_cancelled,
                drafters=_subtract(_read_counts(translator), before),
            )
        )

    def _write(self, translator: "Translator", feed: Feed) -> None:
        raise NotImplementedError

    def _tell_done(
        self,
        start: int,
        text: str,
        feed: Feed,
        event: "TranslatedSegment | Story",
        source: str = "",
    ) -> None:
        feed.rewrite(start, text)
        feed.flush()
        facts = PieceFacts(
            start=start,
            end=feed.length,
            note=event.note,
            num_tokens=event.num_tokens,
            num_steps=event.counts.num_steps,
            num_drafted=event.counts.num_drafted,
            accepted_by_source=event.counts.accepted_by_source,
            elapsed_s=time.perf_counter() - self._started_s,
            proposals=tuple(locate_proposals(text, event.trace, start)),
            source=source,
        )
        self.post(PieceDone(self.run_number, facts))


@dataclass
class TranslateJob(TextJob):
    """Translates one text."""

    text: str = ""
    source_language: str = ""
    target_language: str = ""
    is_live: bool = False
    """Whether it is still being typed: then nothing of it is kept."""

    def _write(self, translator: "Translator", feed: Feed) -> None:
        from polyspec.translation.pipeline import TranslatedPiece, TranslatedSegment

        events = translator.translate(
            [self.text],
            to=self.target_language,
            from_=self.source_language,
            is_kept=not self.is_live,
        )
        outputs = []
        start = 0
        with closing(events):
            for event in events:
                if self.is_cancelled:
                    return
                if isinstance(event, TranslatedPiece):
                    feed.write(event.text)
                elif isinstance(event, TranslatedSegment):
                    outputs.append(event.output)
                    source = event.segment.text
                    self._tell_done(start, event.output, feed, event, source)
                    start = feed.length
                else:
                    feed.rewrite(start, "")
        if translator.assets is not None and not self.is_live:
            translator.assets.note(
                translator.source_language(self.source_language),
                translator.target_language(self.target_language),
                self.text,
                "".join(outputs),
                model=translator.loaded.model.path.stem,
            )


@dataclass
class StoryJob(TextJob):
    """Writes one story, or goes on with one."""

    theme: str = ""
    language: str = ""
    num_words: int = 200
    temperature: float | None = None
    so_far: str = ""

    def _write(self, translator: "Translator", feed: Feed) -> None:
        from polyspec.stories.writer import StoryPiece

        settings = translator.settings
        if self.temperature is not None:
            chosen = {"temperature": self.temperature}
            settings = settings.model_copy(update=chosen)
        events = replace(translator, settings=settings).write_story(
            self.language, self.theme, self.num_words, so_far=self.so_far
        )
        with closing(events):
            for event in events:
                if self.is_cancelled:
                    return
                if isinstance(event, StoryPiece):
                    feed.write(event.text)
                else:
                    self._tell_done(0, event.text, feed, event)


def _read_counts(translator: "Translator") -> dict[str, DrafterShare]:
    return {
        name: DrafterShare(counts.num_verified, counts.num_accepted, counts.saved_s)
        for name, counts in translator.drafter_counts().items()
    }


def _subtract(
    after: Mapping[str, DrafterShare], before: Mapping[str, DrafterShare]
) -> dict[str, DrafterShare]:
    nothing = DrafterShare(0, 0, 0.0)
    return {
        name: DrafterShare(
            share.num_verified - before.get(name, nothing).num_verified,
            share.num_accepted - before.get(name, nothing).num_accepted,
            share.saved_s - before.get(name, nothing).saved_s,
        )
        for name, share in after.items()
    }
