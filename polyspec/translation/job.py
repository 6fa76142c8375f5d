"""One segment under way: its parts, what was written of them, what may be shown.

An answer that fails a check is asked for again: after a loop or a cut in smaller
pieces, otherwise with a stricter prompt, then in smaller pieces, then with tokens drawn
at a low temperature.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from polyspec.prompting.interfaces import (
    Completed,
    DraftCounts,
    FinishReason,
    TracedToken,
)
from polyspec.translation.checks import AnswerChecks, Fault, Verdict, tidy_answer
from polyspec.translation.cutting import find_middle
from polyspec.translation.loops import find_loop
from polyspec.translation.segmentation import Segment

_LOOP_WINDOW = 600
"""Characters looked at for a loop while an answer is being written."""
_MAX_RETRIES = 12
"""So many requests a segment may take beyond its first."""
NOTE_KEPT = "the source text was kept"
NOTE_KNOWN = "it failed in this way before and was not asked for again"


class Attempt(IntEnum):
    """How a part is asked for."""

    PLAIN = 0
    STRICT = 1
    """With a prompt that says more about what is wanted, and no context."""
    DRAWN = 2
    """Strictly, with tokens drawn at a low temperature."""


@dataclass(slots=True, eq=False)
class Part:
    """What is asked for in one request."""

    source: str
    gap: str = ""
    """Stands between this part's translation and the next one's."""
    attempt: Attempt = Attempt.PLAIN
    is_piece: bool = False
    """Whether it was cut from a part whose answer was wrong."""
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


@dataclass(frozen=True, slots=True)
class Rules:
    """What becomes of answers."""

    checks: AnswerChecks = field(default_factory=AnswerChecks)
    joint: str = ""
    """Stands between the translations of two pieces that were cut where the source has
    no white space."""
    has_strict: bool = False
    """Whether there is a stricter prompt to ask with."""
    keeps_source: bool = False
    """Whether the source takes the place of an answer that never passed; otherwise the
    last answer is given with a note."""
    remark: Callable[[str, str], str] | None = None
    """What is to be said of a source and its translation, though it is accepted."""


@dataclass(slots=True, eq=False)
class SegmentJob:
    """A segment from its first request to its last answer."""

    segment: Segment
    rules: Rules = field(default_factory=Rules)
    number: int = 0
    """Of the segment in its text."""
    attempt: Attempt = Attempt.PLAIN
    """How it is asked for first."""
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
    is_kept: bool = False
    """Whether the source stands for a part that was never answered well."""
    num_retries: int = 0
    num_known: int = 0
    """Answers that are from an earlier run."""
    known: str | None = None
    """A translation that is taken without asking."""

    def __post_init__(self) -> None:
        text = self.segment.text
        answer = self.known if self.segment.is_translatable else text
        self.parts = [Part(text, attempt=self.attempt, answer=answer)]
        if self.segment.note:
            self.notes.append(self.segment.note)
        if self.is_recalled and answer is not None:
            self._add_note(self._remark(text, answer))

    @property
    def is_done(self) -> bool:
        return all(part.answer is not None for part in self.parts)

    @property
    def is_recalled(self) -> bool:
        """Whether its translation was known before."""
        return self.known is not None and self.segment.is_translatable

    @property
    def is_sound(self) -> bool:
        """Whether the model's answer passed all checks, so that it is worth keeping."""
        is_asked = self.segment.is_translatable and self.known is None
        return is_asked and self.is_done and not (self.notes or self.is_kept)

    @property
    def has_failed(self) -> bool:
        """Whether it is done and its answer is not good enough to be remembered."""
        is_asked = self.segment.is_translatable and self.known is None
        return is_asked and self.is_done and not self.is_sound

    def open_parts(self) -> list[Part]:
        """What is to be asked for first."""
        return [part for part in self.parts if part.answer is None]

    def finish(self, part: Part, completed: Completed) -> list[Part]:
        """Note a part's answer; returns what is to be asked for instead, if any."""
        self.num_tokens += completed.num_tokens
        self.elapsed_s += completed.elapsed_s
        self.counts.append(completed.counts)
        self.num_known += completed.is_known
        checks = self.rules.checks
        verdict = checks.review(part.source, completed.text, completed.reason)
        if verdict.fault is not None and self.num_retries < _MAX_RETRIES:
            again = self._retry(part, verdict.fault)
            self.num_retries += len(again)
            if again:
                return again
        self._settle(part, verdict, completed)
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

    def _retry(self, part: Part, fault: Fault) -> list[Part]:
        """What to ask for in place of a part that failed; empty to give it up."""
        can_be_stricter = part.attempt is Attempt.PLAIN and self.rules.has_strict
        is_too_long = fault in {Fault.CUT, Fault.LOOP}
        if is_too_long or not (can_be_stricter or part.is_piece):
            pieces = self._split(part)
            if pieces:
                return pieces
        if part.attempt is Attempt.DRAWN:
            return []
        part.attempt = Attempt.STRICT if can_be_stricter else Attempt.DRAWN
        part.written = ""
        return [part]

    def _settle(self, part: Part, verdict: Verdict, completed: Completed) -> None:
        note = verdict.note
        part.answer, part.trace = verdict.text, completed.trace
        if verdict.fault is not None and self.rules.keeps_source:
            part.answer, part.trace = part.source, ()
            self.is_kept = True
            note = f"{_say(verdict.fault)}; {NOTE_KEPT}"
        if verdict.fault is Fault.EMPTY:
            self.is_kept = True
        self._add_note(note)
        if verdict.fault is None:
            self._add_note(self._remark(part.source, part.answer))
        if completed.reason is FinishReason.LENGTH:
            self.reason = FinishReason.LENGTH
        if self.has_failed and self.num_known == len(self.counts):
            self._add_note(NOTE_KNOWN)

    def _remark(self, source: str, translation: str) -> str:
        return self.rules.remark(source, translation) if self.rules.remark else ""

    def _add_note(self, note: str) -> None:
        if note and note not in self.notes:
            self.notes.append(note)

    def _split(self, part: Part) -> list[Part]:
        cut = find_middle(part.source)
        if cut is None:
            return []
        first, second = part.source[:cut].rstrip(), part.source[cut:].lstrip()
        if not first or not second:
            return []
        gap_start, gap_end = len(first), len(part.source) - len(second)
        gap = part.source[gap_start:gap_end] or self.rules.joint
        pieces = [
            Part(first, gap, part.attempt, is_piece=True),
            Part(second, part.gap, part.attempt, is_piece=True),
        ]
        place = self.parts.index(part)
        self.parts[place : place + 1] = pieces
        return pieces


def _say(fault: Fault) -> str:
    """What was wrong, without what becomes of it."""
    return fault.value.partition(";")[0]


def _join(parts: list[Part]) -> str:
    joined = ""
    for number, part in enumerate(parts):
        gap = part.gap if number < len(parts) - 1 else ""
        joined += f"{part.visible}{gap}"
    return joined
