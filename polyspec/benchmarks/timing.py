"""Timing one text decoded in several ways, in turns."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from polyspec.decoding.interfaces import EMPTY_DRAFT, Draft, Drafter
from polyspec.prompting.interfaces import Completed, CompletionRequest
from polyspec.session import Session


class Witness:
    """Stands around a drafter, or none, and notes a prompt and when it was read."""

    def __init__(self, drafter: Drafter | None = None) -> None:
        self._drafter = drafter
        self._begun_s = 0.0
        self._is_reading = False
        self.prompt_ids: tuple[int, ...] = ()
        self.prompt_s = 0.0
        """From the beginning of the last sequence to its first token."""

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        self.prompt_ids = tuple(prompt_ids)
        self._is_reading = True
        self._begun_s = time.perf_counter()
        if self._drafter is not None:
            self._drafter.begin(sequence_id, prompt_ids)

    def propose(
        self, sequence_ids: Sequence[int], limits: Sequence[int]
    ) -> list[Draft]:
        if self._drafter is None:
            return [EMPTY_DRAFT] * len(sequence_ids)
        return self._drafter.propose(sequence_ids, limits)

    def observe(self, sequence_id: int, emitted_ids: Sequence[int]) -> None:
        if self._is_reading:
            self.prompt_s = time.perf_counter() - self._begun_s
            self._is_reading = False
        if self._drafter is not None:
            self._drafter.observe(sequence_id, emitted_ids)

    def end(self, sequence_id: int) -> None:
        if self._drafter is not None:
            self._drafter.end(sequence_id)


@dataclass(slots=True)
class Timed:
    """One way of decoding a text: its answers and the fastest time."""

    session: Session
    witness: Witness = field(default_factory=Witness)
    answers: list[Completed] = field(default_factory=list)
    seconds: float = float("inf")
    prompt_s: float = float("inf")
    """Of `seconds`, up to the first token; 0 where nothing witnessed it."""

    @property
    def last(self) -> Completed:
        """The latest answer."""
        return self.answers[-1]

    def run(self, request: CompletionRequest) -> None:
        """Decode once more.

        Whatever else the machine does can only add time, so the least is the truest.
        """
        answer, elapsed_s = complete(self.session, request)
        self.answers.append(answer)
        if elapsed_s < self.seconds:
            self.seconds, self.prompt_s = elapsed_s, self.witness.prompt_s


def time_in_turns(
    ways: Sequence[Timed], request: CompletionRequest, repeats: int, first: int = 0
) -> None:
    """Decode one text all ways in turn, so that a drift of speed falls on all.

    Args:
        ways: Each begins as often as any other.
        request: The text.
        repeats: Times that each way decodes it.
        first: Which way begins.
    """
    for place in range(first, first + repeats):
        start = place % len(ways)
        for way in (*ways[start:], *ways[:start]):
            way.run(request)


def complete(session: Session, request: CompletionRequest) -> tuple[Completed, float]:
    """Answer one request, and say how many seconds it took."""
    started = time.perf_counter()
    events = list(session.complete([request]))
    elapsed_s = time.perf_counter() - started
    last = events[-1]
    if not isinstance(last, Completed):
        raise TypeError("a completion ends with Completed")
    return last, elapsed_s
