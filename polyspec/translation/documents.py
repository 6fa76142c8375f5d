"""The segments of a document translated side by side, with their markup checked.

A segment's inline codes are markers in what the model reads. An answer that lost one
is asked for again without them: the texts between the markers one by one, which stay
where they are. What fails then too keeps its source text and is flagged.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from polyspec.decoding.sampling import Sampling
from polyspec.documents.interfaces import Content, Document, Segment, plain_text
from polyspec.documents.protection import (
    ProtectedText,
    cut_at_markers,
    find_faults,
    protect,
    restore,
)
from polyspec.errors import DocumentError
from polyspec.prompting.interfaces import Completer, DraftCounts
from polyspec.translation.checks import NOTE_EMPTY
from polyspec.translation.pipeline import TranslatedSegment, translate_segments
from polyspec.translation.plan import Plan
from polyspec.translation.segmentation import Segment as Sentence

NOTE_PIECES = "the model lost markup; the texts around it were translated one by one"
NOTE_KEPT = "the model lost markup; the source text was kept"
_BATCH = 256
"""So many segments are translated before those that failed are tried again."""


@dataclass(slots=True)
class TranslatedUnit:
    """A segment of a document with its translation."""

    segment: Segment
    content: Content
    """The translation; the source where there was none."""
    note: str = ""
    """What is to be said of it; empty when all went well."""
    is_kept: bool = False
    """Whether the source text was kept because the model failed."""
    num_tokens: int = 0
    counts: list[DraftCounts] = field(default_factory=list)


@dataclass(slots=True)
class _Task:
    """A segment under way."""

    segment: Segment
    protected: ProtectedText
    pieces: list[str]
    """What is asked for, with markers that stay between."""
    answers: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    num_tokens: int = 0
    counts: list[DraftCounts] = field(default_factory=list)

    @property
    def answer(self) -> str:
        return "".join(self.answers)

    @property
    def has_faults(self) -> bool:
        return bool(find_faults(self.answer, self.protected))

    def begin_again(self) -> None:
        """Ask for the texts between the markers, and for nothing else."""
        self.pieces = cut_at_markers(self.protected.text)
        self.answers, self.notes = [], [NOTE_PIECES]

    def finish(self) -> TranslatedUnit:
        """The segment with its translation, or with its source if that failed."""
        is_kept = self.has_faults or NOTE_EMPTY in self.notes
        content = self.segment.content
        notes = list(dict.fromkeys(self.notes))
        if self.has_faults:
            notes = [NOTE_KEPT]
        elif not is_kept:
            content = restore(self.answer, self.protected)
        limit = self.segment.note.max_chars
        if limit is not None and len(plain_text(content)) > limit:
            notes.append(f"it is longer than the {limit} characters that are allowed")
        return TranslatedUnit(
            self.segment,
            content,
            "; ".join(notes),
            is_kept,
            self.num_tokens,
            self.counts,
        )


def translate_units(
    completer: Completer,
    plan: Plan,
    segments: Iterable[Segment],
    sampling: Sampling | None = None,
) -> Generator[TranslatedUnit, None, None]:
    """Translate the segments of a document, which are taken as they are needed.

    Each comes back, in its order.
    """
    waiting = iter(segments)
    while batch := [_make_task(segment) for segment in islice(waiting, _BATCH)]:
        _run(completer, plan, batch, sampling)
        failed = [task for task in batch if task.has_faults]
        for task in failed:
            task.begin_again()
        if failed:
            _run(completer, plan, failed, sampling)
        for task in batch:
            yield task.finish()


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


def _make_task(segment: Segment) -> _Task:
    protected = protect(segment.content)
    pieces = [protected.text] if protected.text else []
    return _Task(segment, protected, pieces)


def _run(
    completer: Completer, plan: Plan, tasks: list[_Task], sampling: Sampling | None
) -> None:
    """Give the tasks their answers, all in one run of the completer."""
    owners: list[_Task] = []

    def split() -> Iterator[Sentence]:
        for task in tasks:
            for piece in task.pieces:
                # A marker alone has no letters, so it comes back as it is.
                for sentence in plan.split([piece]):
                    owners.append(task)
                    yield sentence

    events = translate_segments(
        completer,
        plan.build_prompt,
        split(),
        limit_answer=plan.limit_answer,
        sampling=sampling,
        is_streaming=False,
        joint=plan.joint,
    )
    with closing(events):
        for event in events:
            if isinstance(event, TranslatedSegment):
                _note_answer(owners[event.index], event)


def _note_answer(task: _Task, event: TranslatedSegment) -> None:
    task.answers.append(event.output)
    task.num_tokens += event.num_tokens
    if event.num_tokens:
        task.counts.append(event.counts)
    if event.note:
        task.notes.append(event.note)
