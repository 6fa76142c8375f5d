"""Segments in, translated segments out, in order and as they are written.

The completer works on many segments side by side, so what it says of a later one is
held back until those before it are done. An answer that went wrong is asked for again
in smaller pieces.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from polyspec.decoding.sampling import Sampling
from polyspec.errors import EngineError
from polyspec.languages import Language
from polyspec.prompting.interfaces import (
    Completed,
    Completer,
    CompletionRequest,
    DraftCounts,
    FinishReason,
    Piece,
    TracedToken,
)
from polyspec.prompting.profiles import Profile
from polyspec.translation.job import Part, SegmentJob
from polyspec.translation.plan import make_plan
from polyspec.translation.prompts import PromptBuilder
from polyspec.translation.segmentation import Segment


@dataclass(frozen=True, slots=True)
class TranslatedPiece:
    """Newly written text of the segment that is first in line."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class WithdrawnPieces:
    """What was shown of a segment no longer holds; its pieces begin anew."""

    index: int
    text: str
    """All that was shown of it."""


@dataclass(frozen=True, slots=True)
class TranslatedSegment:
    """A finished segment; no piece of it follows."""

    index: int
    segment: Segment
    text: str
    """The translation alone; the source text where there was nothing to translate."""
    reason: FinishReason = FinishReason.STOP
    num_tokens: int = 0
    elapsed_s: float = 0.0
    counts: DraftCounts = field(default_factory=DraftCounts)
    note: str = ""
    """What is to be said of the answer; empty when all went well."""
    trace: tuple[TracedToken, ...] = ()
    """Tokens as the model wrote them, if the completer is tracing."""

    @property
    def output(self) -> str:
        """The translation with what surrounds it: joined, these are the document."""
        return f"{self.segment.prefix}{self.text}{self.segment.suffix}"


TranslationEvent: TypeAlias = TranslatedPiece | WithdrawnPieces | TranslatedSegment


def translate_text(
    completer: Completer,
    profile: Profile,
    chunks: Iterable[str],
    *,
    source_language: Language | None,
    target_language: Language,
    sampling: Sampling | None = None,
    is_streaming: bool = True,
    group_tokens: int = 40,
    num_context_chars: int = 0,
) -> Generator[TranslationEvent, None, None]:
    """Translate a document that is given in chunks of any size.

    Args:
        completer: Writes the answers.
        profile: How its model wants to be asked.
        chunks: Taken only as far as the completer has places free.
        source_language: None leaves it to the model.
        target_language: What to translate into.
        sampling: How tokens are drawn; greedily where not given.
        is_streaming: Whether pieces come before a segment's end.
        group_tokens: Short sentences of a line are put together up to this.
        num_context_chars: How much of the text before a segment the model reads.

    Raises:
        UsageError: The prompt alone fills the context.
    """
    plan = make_plan(
        completer,
        profile,
        source_language=source_language,
        target_language=target_language,
        group_tokens=group_tokens,
        num_context_chars=num_context_chars,
    )
    yield from translate_segments(
        completer,
        plan.build_prompt,
        plan.split(chunks),
        limit_answer=plan.limit_answer,
        sampling=sampling,
        is_streaming=is_streaming,
        joint=plan.joint,
    )


def translate_segments(
    completer: Completer,
    build_prompt: PromptBuilder,
    segments: Iterable[Segment],
    *,
    limit_answer: Callable[[str], int],
    sampling: Sampling | None = None,
    is_streaming: bool = True,
    joint: str = "",
) -> Generator[TranslationEvent, None, None]:
    """Translate segments, taken lazily; the events of each come in their order.

    The pieces that were not withdrawn, joined, are the outputs of the segments, joined.

    Args:
        completer: Writes the answers; its run is closed when this generator is.
        build_prompt: From text and context to what is asked.
        segments: What to translate.
        limit_answer: Most tokens for the translation of a text.
        sampling: How tokens are drawn; greedily where not given.
        is_streaming: Whether pieces come before a segment's end.
        joint: Stands between the translations of two pieces of a segment that was
            cut where the source has no white space.
    """
    queue = _Queue(build_prompt, segments, limit_answer, sampling or Sampling(), joint)
    while True:
        yield from _run(completer, queue, is_streaming)
        yield from queue.flush(is_streaming)
        if not queue.is_waiting:
            break
    queue.require_done()


def _run(
    completer: Completer, queue: "_Queue", is_streaming: bool
) -> Iterator[TranslationEvent]:
    """One call of the completer, which takes requests until none is left."""
    events = completer.complete(queue.requests())
    # The protocol promises an iterator; those that hold a run are generators.
    if hasattr(events, "close"):
        with closing(cast("Generator[Piece | Completed, None, None]", events)):
            yield from _relay(events, queue, is_streaming)
    else:
        yield from _relay(events, queue, is_streaming)


def _relay(
    events: Iterator[Piece | Completed], queue: "_Queue", is_streaming: bool
) -> Iterator[TranslationEvent]:
    for event in events:
        queue.take(event)
        yield from queue.flush(is_streaming)


class _Queue:
    """The segments under way, in order, and the requests still to be made."""

    def __init__(
        self,
        build_prompt: PromptBuilder,
        segments: Iterable[Segment],
        limit_answer: Callable[[str], int],
        sampling: Sampling,
        joint: str,
    ) -> None:
        self._build_prompt = build_prompt
        self._segments = iter(segments)
        self._limit_answer = limit_answer
        self._sampling = sampling
        self._joint = joint
        self._jobs: dict[int, SegmentJob] = {}
        self._num_jobs = 0
        self._first = 0
        self._retries: list[tuple[SegmentJob, Part]] = []
        self._asked: dict[int, tuple[SegmentJob, Part]] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether pieces wait to be asked for again."""
        return bool(self._retries)

    def require_done(self) -> None:
        """Raise `EngineError` where a segment was left without its answer."""
        if self._jobs:
            raise EngineError(
                "the model stopped before the last segment was translated",
                cause=f"{len(self._jobs)} segments have no answer",
                remedy="run it again",
            )

    def requests(self) -> Iterator[CompletionRequest]:
        """What to ask; what went wrong first, so that those behind it wait less."""
        self._asked.clear()
        index = 0
        while (asked := self._next_asked()) is not None:
            job, part = asked
            self._asked[index] = asked
            index += 1
            yield CompletionRequest(
                prompt=self._build_prompt(part.source, job.segment.context),
                max_tokens=self._limit_answer(part.source),
                sampling=self._sampling,
                source=part.source,
            )

    def take(self, event: Piece | Completed) -> None:
        """Note what the completer says of one request."""
        job, part = self._asked[event.index]
        job.is_changed = True
        if isinstance(event, Piece):
            part.written += event.text
            return
        del self._asked[event.index]
        pieces = job.finish(part, event)
        self._retries.extend((job, piece) for piece in pieces)

    def flush(self, is_streaming: bool) -> Iterator[TranslationEvent]:
        """Say what can be said in order."""
        while (job := self._jobs.get(self._first)) is not None:
            if is_streaming:
                yield from _show(job, self._first)
            if not job.is_done:
                return
            yield _make_result(job, self._first)
            del self._jobs[self._first]
            self._first += 1

    def _next_asked(self) -> tuple[SegmentJob, Part] | None:
        if self._retries:
            return self._retries.pop(0)
        for segment in self._segments:
            job = SegmentJob(segment, self._joint)
            self._jobs[self._num_jobs] = job
            self._num_jobs += 1
            if not job.is_done:
                return job, job.parts[0]
        return None


def _show(job: SegmentJob, index: int) -> Iterator[TranslationEvent]:
    if not job.is_changed:
        return
    job.is_changed = False
    visible = job.visible()
    if not job.is_done and job.shown.startswith(visible):
        return  # a loop is being written: nothing new until the answer is judged
    if not visible.startswith(job.shown):
        yield WithdrawnPieces(index, job.shown)
        job.shown = ""
    if len(visible) > len(job.shown):
        yield TranslatedPiece(index, visible[len(job.shown) :])
    job.shown = visible


def _make_result(job: SegmentJob, index: int) -> TranslatedSegment:
    by_source: dict[str, int] = {}
    for counts in job.counts:
        for name, num_accepted in counts.accepted_by_source.items():
            by_source[name] = by_source.get(name, 0) + num_accepted
    return TranslatedSegment(
        index=index,
        segment=job.segment,
        text=job.text(),
        reason=job.reason,
        num_tokens=job.num_tokens,
        elapsed_s=job.elapsed_s,
        counts=DraftCounts(
            num_steps=sum(counts.num_steps for counts in job.counts),
            num_drafted=sum(counts.num_drafted for counts in job.counts),
            num_accepted=sum(counts.num_accepted for counts in job.counts),
            accepted_by_source=by_source,
        ),
        note="; ".join(job.notes),
        trace=job.trace(),
    )
