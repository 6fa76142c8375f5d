"""Timing one text decoded in several ways, a piece of each in turn."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from polyspec.prompting.interfaces import Completed, CompletionRequest, Piece
from polyspec.session import Session


@dataclass(slots=True)
class Run:
    """A text while one session decodes it.

    Only the time inside the session counts, so that runs can take turns.
    """

    events: Iterator[Piece | Completed]
    elapsed_s: float = 0.0
    num_chars: int = 0
    answer: Completed | None = field(default=None)

    def advance(self) -> None:
        """Decode up to the next piece of text, or to the end."""
        started = time.perf_counter()
        event = next(self.events)
        self.elapsed_s += time.perf_counter() - started
        if isinstance(event, Completed):
            self.answer = event
        else:
            self.num_chars += len(event.text)


def decode_in_turns(
    sessions: Sequence[Session], request: CompletionRequest
) -> list[tuple[Completed, float]]:
    """Decode one text in each session; whoever has the shortest text goes on.

    A machine whose speed wavers from one second to the next treats all alike so: it
    scatters the ratio of two times far less than decoding one text after the other.

    Args:
        sessions: Each with a context of its own.
        request: The text.

    Returns:
        For each session its answer, and the seconds it took.
    """
    runs = [Run(session.complete([request])) for session in sessions]
    while going := [run for run in runs if run.answer is None]:
        min(going, key=lambda run: run.num_chars).advance()
    return [(run.answer, run.elapsed_s) for run in runs if run.answer is not None]


def complete(session: Session, request: CompletionRequest) -> tuple[Completed, float]:
    """Answer one request, and say how many seconds it took."""
    return decode_in_turns([session], request)[0]
