"""The segments of a document translated side by side, and the document written."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import BinaryIO

from polyspec.decoding.sampling import Sampling
from polyspec.documents.interfaces import Content, Document, Segment
from polyspec.errors import DocumentError
from polyspec.prompting.interfaces import Completer
from polyspec.translation.plan import Plan
from polyspec.translation.queue import JobQueue
from polyspec.translation.units import TranslatedUnit, UnitJob

_MANY = 8
"""With fewer side by side, a long segment at the end leaves few places empty."""


def translate_units(
    completer: Completer,
    plan: Plan,
    segments: Iterable[Segment],
    sampling: Sampling | None = None,
    num_parallel: int = 1,
) -> Generator[TranslatedUnit, None, None]:
    """Translate the segments of a document, which are taken as they are needed.

    Each comes back, in its order. Where many are written side by side, long ones are
    begun before short ones of about the same place.

    Args:
        completer: Writes the answers.
        plan: Prompts, limits and checks.
        segments: In the order of the document.
        sampling: How tokens are drawn; greedily where not given.
        num_parallel: How many answers the completer writes side by side.
    """
    drawn = sampling or Sampling()
    queue = JobQueue(
        (UnitJob(segment, plan) for segment in segments),
        lambda job, part: plan.make_request(
            part, job.context_of(part), drawn, job.segment.id
        ),
        plan.known,
        num_ahead=num_parallel if num_parallel >= _MANY else 1,
        expect_length=UnitJob.expect_length,
    )
    with closing(queue.run(completer)) as turns:
        for _ in turns:
            while (job := queue.first) is not None and job.is_done:
                queue.drop_first()
                yield job.result()


def add_context(segments: Iterable[Segment], num_chars: int) -> Iterator[Segment]:
    """The segments of a document with the text before them, if they go on with it.

    It belongs to all segments of a document, before those are left out that need no
    translation, so that a segment is asked for in the same way in every run.
    """
    context = ""
    for segment in segments:
        context = context if segment.is_continued else ""
        yield replace(segment, context=context) if context else segment
        context = f"{context}{segment.text}\n"[-num_chars:]


def write_translation(
    document: Document,
    output: BinaryIO,
    units: Iterator[TranslatedUnit],
    report: Callable[[TranslatedUnit], None],
) -> None:
    """Write a document with its translations as they come.

    A segment that keeps its source stays as it is: where source and translation stand
    side by side, it would look translated if its source were written.

    Args:
        document: It is read a second time, beside the reading that feeds `units`.
        output: Takes its bytes.
        units: The translations of all its segments, in order.
        report: Told of each of them.

    Raises:
        DocumentError: It was changed in the meantime.
    """

    def answer(segment: Segment) -> Content | None:
        unit = next(units, None)
        if unit is None or unit.segment.id != segment.id:
            raise DocumentError(
                "the document was changed while it was translated",
                cause=f"segment {segment.id} is not what it was",
                remedy="run it again",
            )
        report(unit)
        is_source = unit.is_kept and unit.content == segment.content
        return None if is_source else unit.content

    document.write(output, answer)
