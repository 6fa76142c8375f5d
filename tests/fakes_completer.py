"""A completer that follows a script, and a tokenizer of one token a character."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from polyspec.prompting.interfaces import (
    Completed,
    CompletionRequest,
    DraftCounts,
    FinishReason,
    Piece,
    TracedToken,
)


def own_text(request: CompletionRequest) -> str:
    """The text of the request's own parts that are no control parts."""
    return "".join(part.text for part in request.prompt.own if not part.is_control)


@dataclass
class FakeCompleter:
    """Answers each request with what `answer` says, in small interleaved pieces."""

    answer: Callable[[str], str] = str.upper
    max_prompt_tokens: int = 2000
    num_places: int = 4
    piece_chars: int = 3
    seed: int = 0
    requests: list[CompletionRequest] = field(default_factory=list)
    num_closed: int = 0
    num_runs: int = 0
    is_tracing: bool = False

    def count_tokens(self, text: str) -> int:
        return len(text)

    def complete(
        self, requests: Iterable[CompletionRequest]
    ) -> Iterator[Piece | Completed]:
        self.num_runs += 1
        try:
            yield from self._interleave(enumerate(requests))
        finally:
            self.num_closed += 1

    def _interleave(
        self, requests: Iterator[tuple[int, CompletionRequest]]
    ) -> Iterator[Piece | Completed]:
        random = Random(self.seed)
        running: list[Iterator[Piece | Completed]] = []
        while True:
            while len(running) < self.num_places:
                taken = next(requests, None)
                if taken is None:
                    break
                running.append(self._answer(*taken))
            if not running:
                return
            chosen = random.choice(running)
            event = next(chosen)
            if isinstance(event, Completed):
                running.remove(chosen)
            yield event

    def _answer(
        self, index: int, request: CompletionRequest
    ) -> Iterator[Piece | Completed]:
        self.requests.append(request)
        whole = self.answer(own_text(request))
        text = whole[: request.max_tokens]
        for start in range(0, len(text), self.piece_chars):
            yield Piece(index, text[start : start + self.piece_chars])
        yield Completed(
            index=index,
            text=text,
            reason=FinishReason.STOP if text == whole else FinishReason.LENGTH,
            num_prompt_tokens=len(own_text(request)),
            num_tokens=len(text),
            elapsed_s=0.5,
            counts=DraftCounts(2, 3, 1, {"history": 1}),
            trace=tuple(map(_trace_char, text)) if self.is_tracing else (),
        )


def _trace_char(char: str) -> TracedToken:
    """Vowels were proposed; at a space something else had been."""
    if char == " ":
        return TracedToken(char, "", "<b>", "table")
    return TracedToken(char, "history" if char.lower() in "aeiou" else "")
