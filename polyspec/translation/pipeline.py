"""Segments in, translated segments out, in order and as they are written.

The completer works on many segments side by side, so what it says of a later one is
held back until those before it are done. An answer that fails a check is asked for
again.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TypeAlias

from polyspec.decoding.sampling import Sampling
from polyspec.languages import Language
from polyspec.prompting.interfaces import (
    Completer,
    DraftCounts,
    FinishReason,
    TracedToken,
)
from polyspec.prompting.profiles import Profile
from polyspec.translation.checks import IsWrongLanguage
from polyspec.translation.guidance import NO_GUIDANCE, Guidance
from polyspec.translation.job import SegmentJob
from polyspec.translation.known_answers import KnownAnswers
from polyspec.translation.plan import Plan, make_plan
from polyspec.translation.queue import JobQueue
from polyspec.translation.recall import Recall
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
    is_recalled: bool = False
    """Whether the translation memory had it, and the model was not asked."""
    other_language: Language | None = None
    """What it is in, where that is surely not the language of the text."""

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
    recall: Recall | None = None,
    known: KnownAnswers | None = None,
    guidance: Guidance = NO_GUIDANCE,
    is_mixed: bool = False,
    is_wrong_language: IsWrongLanguage | None = None,
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
        recall: Knows earlier translations, and keeps new ones.
        known: Knows earlier answers that failed, and keeps new ones.
        guidance: Terms and examples that the model is shown.
        is_mixed: Whether segments may be in other languages than the source language.
        is_wrong_language: Tells answers in another language; None looks at none.

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
        recall=recall,
        known=known,
        guidance=guidance,
        is_mixed=is_mixed,
        is_wrong_language=is_wrong_language,
    )
    segments = plan.split(chunks)
    yield from translate_segments(completer, plan, segments, sampling, is_streaming)


def translate_segments(
    completer: Completer,
    plan: Plan,
    segments: Iterable[Segment],
    sampling: Sampling | None = None,
    is_streaming: bool = True,
) -> Generator[TranslationEvent, None, None]:
    """Translate segments, taken lazily; the events of each come in their order.

    The pieces that were not withdrawn, joined, are the outputs of the segments, joined.

    Args:
        completer: Writes the answers; its run is closed when this generator is.
        plan: Prompts, limits and checks.
        segments: What to translate.
        sampling: How tokens are drawn; greedily where not given.
        is_streaming: Whether pieces come before a segment's end.
    """
    drawn = sampling or Sampling()
    queue = JobQueue(
        _number(map(plan.make_job, segments)),
        lambda job, part: plan.make_request(
            part, job.segment.context, drawn, str(job.number)
        ),
        plan.known,
    )
    index = 0
    with closing(queue.run(completer)) as turns:
        for _ in turns:
            while (job := queue.first) is not None:
                if is_streaming:
                    yield from _show(job, index)
                if not job.is_done:
                    break
                queue.drop_first()
                plan.remember(job)
                yield _make_result(job, index, plan)
                index += 1


def _number(jobs: Iterable[SegmentJob]) -> Iterator[SegmentJob]:
    for number, job in enumerate(jobs):
        job.number = number
        yield job


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


def _make_result(job: SegmentJob, index: int, plan: Plan) -> TranslatedSegment:
    return TranslatedSegment(
        index=index,
        segment=job.segment,
        text=job.text(),
        reason=job.reason,
        num_tokens=job.num_tokens,
        elapsed_s=job.elapsed_s,
        counts=_add_up(job.counts),
        note="; ".join(job.notes),
        trace=job.trace(),
        is_recalled=job.is_recalled,
        other_language=plan.find_other(job.segment),
    )


def _add_up(counts: list[DraftCounts]) -> DraftCounts:
    by_source: dict[str, int] = {}
    for each in counts:
        for name, num_accepted in each.accepted_by_source.items():
            by_source[name] = by_source.get(name, 0) + num_accepted
    return DraftCounts(
        num_steps=sum(each.num_steps for each in counts),
        num_drafted=sum(each.num_drafted for each in counts),
        num_accepted=sum(each.num_accepted for each in counts),
        accepted_by_source=by_source,
    )
