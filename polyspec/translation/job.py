"""One segment under way: its parts, what was written of them, what may be shown."""

from dataclasses import dataclass, field

from polyspec.prompting.interfaces import (
    Completed,
    DraftCounts,
    FinishReason,
    TracedToken,
)
from polyspec.translation.checks import find_loop, review_answer, tidy_answer
from polyspec.translation.cutting import find_middle
from polyspec.translation.segmentation import Segment

_LOOP_WINDOW = 600
"""Characters looked at for a loop while an answer is being written."""


@dataclass(slots=True, eq=False)
class Part:
    """What is asked for in one request."""

    source: str
    gap: str = ""
    """Stands between this part's translation and the next one's."""
    written: str = ""
    answer: str | None = None
    """The translation, once it is final."""
    trace: tuple[TracedToken, ...] = ()
    """Tokens of the answer, if the completer is tracing."""

    @property
    def visible(self) -> str:
        """What may be shown: one line of it, and no more of a loop."""
        if self.answer is not None:
            return self.answer
        text = tidy_answer(self.written)
        loop = find_loop(text, _LOOP_WINDOW)
        return text if loop is None else text[:loop].rstrip()


@dataclass(slots=True, eq=False)
class SegmentJob:
    """A segment from its first request to its last answer."""

    segment: Segment
    joint: str = ""
    shown: str = ""
    is_changed: bool = True
    """Whether what may be shown has to be looked at again."""
    num_tokens: int = 0
    elapsed_s: float = 0.0
    """Sum over its requests, also of those whose answer was thrown away."""
    reason: FinishReason = FinishReason.STOP
    counts: list[DraftCounts] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)

    def __post_init__(self) -> None:
        text = self.segment.text
        answer = None if self.segment.is_translatable else text
        self.parts = [Part(text, answer=answer)]

    @property
    def is_done(self) -> bool:
        return all(part.answer is not None for part in self.parts)

    def finish(self, part: Part, completed: Completed) -> list[Part]:
        """Note a part's answer; returns the smaller parts to be asked for instead."""
        self.num_tokens += completed.num_tokens
        self.elapsed_s += completed.elapsed_s
        self.counts.append(completed.counts)
        verdict = review_answer(part.source, completed.text, completed.reason)
        pieces = [] if verdict.is_sound else self._split(part)
        if pieces:
            return pieces
        part.answer = verdict.text
        part.trace = completed.trace
        if verdict.note and verdict.note not in self.notes:
            self.notes.append(verdict.note)
        if completed.reason is FinishReason.LENGTH:
            self.reason = FinishReason.LENGTH
        return []

    def text(self) -> str:
        """The translation of the whole segment."""
        return _join(self.parts)

    def trace(self) -> tuple[TracedToken, ...]:
        """Tokens of the answers that make up the translation."""
        return tuple(token for part in self.parts for token in part.trace)

    def visible(self) -> str:
        """The output as far as it may be shown by now."""
        shown = []
        for part in self.parts:
            shown.append(part)
            if part.answer is None:
                break
        text = f"{self.segment.prefix}{_join(shown)}"
        return f"{text}{self.segment.suffix}" if self.is_done else text

    def _split(self, part: Part) -> list[Part]:
        cut = find_middle(part.source)
        if cut is None:
            return []
        first, second = part.source[:cut].rstrip(), part.source[cut:].lstrip()
        if not first or not second:
            return []
        gap_start, gap_end = len(first), len(part.source) - len(second)
        gap = part.source[gap_start:gap_end] or self.joint
        pieces = [Part(first, gap), Part(second, part.gap)]
        place = self.parts.index(part)
        self.parts[place : place + 1] = pieces
        return pieces


def _join(parts: list[Part]) -> str:
    joined = ""
    for number, part in enumerate(parts):
        gap = part.gap if number < len(parts) - 1 else ""
        joined += f"{part.visible}{gap}"
    return joined
