"""One segment of a document under way, with its markup checked.

A segment's inline codes are markers in what the model reads. An answer that lost one is
asked for again with a stricter prompt, then without them: the texts between the markers
one by one, which stay where they are. What fails then too keeps its source text and is
flagged.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from polyspec.documents.interfaces import Content, Segment, plain_text
from polyspec.documents.protection import (
    ProtectedText,
    cut_at_markers,
    find_faults,
    protect,
    restore,
)
from polyspec.prompting.interfaces import Completed, DraftCounts
from polyspec.translation.job import NOTE_KNOWN, Attempt, Part, SegmentJob
from polyspec.translation.plan import Plan
from polyspec.translation.segmentation import Segment as Sentence

NOTE_PIECES = "the model lost markup; the texts around it were translated one by one"
NOTE_KEPT = "the model lost markup; the source text was kept"


@dataclass(slots=True)
class TranslatedUnit:
    """A segment of a document with its translation."""

    segment: Segment
    content: Content
    """The translation; the source where there was none."""
    note: str = ""
    """What is to be said of it; empty when all went well."""
    is_kept: bool = False
    """Whether source text was kept because the model failed."""
    num_tokens: int = 0
    counts: list[DraftCounts] = field(default_factory=list)
    is_replayed: bool = False
    """Whether an earlier run translated it."""
    is_recalled: bool = False
    """Whether the translation memory had it all, and the model was not asked."""


class _Stage(IntEnum):
    """How a segment with markers is asked for."""

    WHOLE = 0
    STRICT = 1
    PIECES = 2


class UnitJob:
    """A segment of a document from its first request to its translation."""

    def __init__(self, segment: Segment, plan: Plan) -> None:
        """Prepare what is to be asked.

        Args:
            segment: What to translate.
            plan: How it is cut, asked for and checked.
        """
        self.segment = segment
        self.plan = plan
        self.is_changed = True
        self._protected: ProtectedText = protect(segment.content)
        self._stage = _Stage.WHOLE
        self._num_tokens = 0
        self._num_known = 0
        self._counts: list[DraftCounts] = []
        self._jobs: list[SegmentJob] = []
        self._owners: dict[Part, SegmentJob] = {}
        """From each part that waits for its answer to what it belongs to."""
        self._begin([self._protected.text])

    @property
    def is_done(self) -> bool:
        """Whether it waits for no answer."""
        return not self._owners

    @property
    def has_failed(self) -> bool:
        """Whether it is done, and not all of it is good enough to be remembered."""
        is_patchwork = self._stage is _Stage.PIECES
        return self.is_done and (
            is_patchwork
            or any(job.has_failed for job in self._jobs)
            or bool(find_faults(self._answer, self._protected))
        )

    def open_parts(self) -> list[Part]:
        """What is to be asked for first."""
        return list(self._owners)

    def expect_length(self, part: Part) -> int:
        """How much may have to be written for a part, in characters.

        One with markers may be asked for in each of the three ways, one after another.
        """
        num_ways = len(_Stage) if self._protected.originals else 1
        return len(part.source) * num_ways

    def context_of(self, part: Part) -> str:
        """The text before a part that is asked for."""
        return self._owners[part].segment.context

    def finish(self, part: Part, completed: Completed) -> list[Part]:
        """Note a part's answer; returns what is to be asked for instead, if any."""
        job = self._owners.pop(part, None)
        if job is None:
            return []  # It was given up while this part was being answered.
        again = job.finish(part, completed)
        self._num_tokens += completed.num_tokens
        self._num_known += completed.is_known
        self._counts.append(completed.counts)
        if self._stage is _Stage.PIECES and job.is_kept:
            # Half a sentence in each language helps nobody, so the rest is not asked.
            self._owners.clear()
            return []
        self._owners.update((new, job) for new in again)
        if not self.is_done or not find_faults(self._answer, self._protected):
            return again
        return self._begin_again()

    def result(self) -> TranslatedUnit:
        """The segment with its translation, or with its source if that failed."""
        has_faults = bool(find_faults(self._answer, self._protected))
        is_piece_kept = any(job.is_kept for job in self._jobs)
        notes = list(dict.fromkeys(note for job in self._jobs for note in job.notes))
        content = self.segment.content
        if has_faults or (self._stage is _Stage.PIECES and is_piece_kept):
            notes = [NOTE_KEPT]
        else:
            content = restore(self._answer, self._protected)
            notes = [NOTE_PIECES, *notes] if self._stage is _Stage.PIECES else notes
            self._remember()
        is_known = 0 < self._num_known == len(self._counts)
        if is_known and notes and NOTE_KNOWN not in notes:
            notes.append(NOTE_KNOWN)
        limit = self.segment.note.max_chars
        if limit is not None and len(plain_text(content)) > limit:
            notes.append(f"it is longer than the {limit} characters that are allowed")
        return TranslatedUnit(
            self.segment,
            content,
            "; ".join(notes),
            has_faults or is_piece_kept,
            self._num_tokens,
            self._counts,
            is_recalled=self._is_recalled,
        )

    def _remember(self) -> None:
        """Keep what the model wrote well, unless it is a patchwork."""
        if self._stage is not _Stage.PIECES:
            for job in self._jobs:
                self.plan.remember(job)

    @property
    def _is_recalled(self) -> bool:
        prose = [job for job in self._jobs if job.segment.is_translatable]
        return bool(prose) and all(job.is_recalled for job in prose)

    @property
    def _answer(self) -> str:
        return "".join(
            f"{job.segment.prefix}{job.text()}{job.segment.suffix}"
            for job in self._jobs
        )

    def _begin(self, texts: Iterable[str]) -> None:
        """Make the jobs of texts that are joined to the answer."""
        attempt = Attempt.STRICT if self._stage is _Stage.STRICT else Attempt.PLAIN
        self._jobs = [
            self.plan.make_job(sentence, attempt)
            for text in texts
            for sentence in self._split(text)
        ]
        self._owners = {part: job for job in self._jobs for part in job.open_parts()}

    def _split(self, text: str) -> Iterable[Sentence]:
        # A marker alone has no letters, so it comes back as it is.
        return self.plan.split([text], self.segment.context) if text else ()

    def _begin_again(self) -> list[Part]:
        """Ask in the next stricter way; empty where none is left."""
        if self._stage is _Stage.PIECES:
            return []
        if self._stage is _Stage.WHOLE and self.plan.rules.has_strict:
            self._stage = _Stage.STRICT
            self._begin([self._protected.text])
        else:
            self._stage = _Stage.PIECES
            self._begin(cut_at_markers(self._protected.text))
        return self.open_parts()
