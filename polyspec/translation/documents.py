"""The segments of a document translated side by side, and the document written."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import BinaryIO

from polyspec.decoding.sampling import Sampling
from polyspec.documents.interfaces import Content, Document, Segment
from polyspec.errors import DocumentError
from polyspec.prompting.interfaces import Completer
from polyspec.translation.plan import Plan
from polyspec.translation.queue import JobQueue
from polyspec.translation.units import TranslatedUnit, UnitJob


def translate_units(
    completer: Completer,
    plan: Plan,
    segments: Iterable[Segment],
    sampling: Sampling | None = None,
) -> Generator[TranslatedUnit, None, None]:
    """Translate the segments of a document, which are taken as they are needed.

    Each comes back, in its order.
    """
    drawn = sampling or Sampling()
    queue = JobQueue(
        _make_jobs(plan, segments),
        lambda job, part: plan.make_request(
            part, job.context_of(part), drawn, job.segment.id
        ),
    )
    with closing(queue.run(completer)) as turns:
        for _ in turns:
            while (job := queue.first) is not None and job.is_done:
                queue.drop_first()
                yield job.result()


def write_translation(
    document: Document,
    output: BinaryIO,
    units: Iterator[TranslatedUnit],
    report: Callable[[TranslatedUnit], None],
) -> None:
    """Write a document with its translations as they come.

    Args:
        document: It is read a second time, beside the reading that feeds `units`.
        output: Takes its bytes.
        units: The translations of all its segments, in order.
        report: Told of each of them.

    Raises:
        DocumentError: It was changed in the meantime.
    """

    def answer(segment: Segment) -> Content:
        unit = next(units, None)
        if unit is None or unit.segment.id != segment.id:
            raise DocumentError(
                "the document was changed while it was translated",
                cause=f"segment {segment.id} is not what it was",
                remedy="run it again",
            )
        report(unit)
        return unit.content

    document.write(output, answer)


def _make_jobs(plan: Plan, segments: Iterable[Segment]) -> Iterator[UnitJob]:
    """Jobs with the text of the same paragraph that stands before each."""
    context = ""
    num_chars = plan.limits.num_context_chars
    for segment in segments:
        context = context if segment.is_continued else ""
        yield UnitJob(segment, plan, context)
        context = f"{context}{segment.text}\n"[-num_chars:] if num_chars else ""
