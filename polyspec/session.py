"""Engine, drafters and decoding joined: prompts in, streamed text out."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TypeAlias

from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.interfaces import Drafter, Target
from polyspec.decoding.scheduler import Emitted, Finished, Request, Scheduler
from polyspec.decoding.text_stream import TextStream
from polyspec.engine.tokenizer import Tokenizer
from polyspec.prompting.interfaces import (
    HOPE_TOKENS,
    Completed,
    CompletionRequest,
    DraftCounts,
    FinishReason,
    Piece,
    PromptPart,
)
from polyspec.prompting.trace import TokenTrace

Announce: TypeAlias = Callable[[Sequence[int], str], None]
"""Takes a prompt and the text that it asks to translate."""
Refer: TypeAlias = Callable[[Sequence[int], str, float], None]
"""Takes a prompt, the translation of a similar text, and how similar that is."""


@dataclass(slots=True)
class _Answer:
    """One answer while it is written."""

    stream: TextStream
    num_prompt_tokens: int
    started_s: float
    text: list[str] = field(default_factory=list)
    token_ids: list[int] = field(default_factory=list)
    num_steps: int = 0
    num_drafted: int = 0
    accepted_by_source: dict[str, int] = field(default_factory=dict)
    trace: TokenTrace | None = None

    def record(self, step: Emitted) -> None:
        self.token_ids += step.token_ids
        self.num_steps += 1
        self.num_drafted += step.num_drafted
        for source in step.sources:
            accepted = self.accepted_by_source.get(source, 0)
            self.accepted_by_source[source] = accepted + 1
        if self.trace is not None:
            self.trace.record(step)

    def take_text(self) -> str:
        text = self.stream.take()
        self.text.append(text)
        return text


def _go_on() -> None:
    pass


class Session:
    """Completes prompts with one target and at most one drafter.

    Implements `prompting.Completer`. Used by one thread, one run at a time.
    """

    def __init__(
        self,
        target: Target,
        tokenizer: Tokenizer,
        drafter: Drafter | None,
        policy: DraftPolicy,
        *,
        max_sequences: int,
        max_ahead: int = 0,
        max_drafting: int | None = None,
        announce: Announce | None = None,
        refer: Refer | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Join the parts.

        Args:
            target: The model.
            tokenizer: Of its vocabulary.
            drafter: Proposes tokens, or nothing.
            policy: Chooses how many of them are verified.
            max_sequences: Most answers side by side.
            max_ahead: Most prompts that are read before there is a place.
            max_drafting: Most answers side by side to which drafts are added.
            announce: Told of each translation before its sequence begins.
            refer: Told of the translation of a similar text, where there is one.
            clock: Gives seconds.
        """
        self.is_tracing = False
        """Whether answers that begin from now on say who proposed each token."""
        self.give_way: Callable[[], None] = _go_on
        """Called between steps; may take its time."""
        self.tokenizer = tokenizer
        self.target = target
        self._announce = announce
        self._refer = refer
        self._clock = clock
        self._scheduler = Scheduler(
            target,
            drafter,
            policy,
            max_sequences=max_sequences,
            max_ahead=max_ahead,
            max_drafting=max_drafting,
        )

    @property
    def max_prompt_tokens(self) -> int:
        """Longest prompt that still leaves room for an answer of the same length."""
        return self.target.context_size // 2

    def count_tokens(self, text: str) -> int:
        """Number of tokens of plain text."""
        return len(self.tokenizer.encode(text))

    def complete(
        self, requests: Iterable[CompletionRequest]
    ) -> Iterator[Piece | Completed]:
        """Answer the requests, taken one by one as places become free.

        Events of different requests interleave; closing the iterator cancels all.

        Raises:
            EngineError: A request cannot fit, or the model cannot be evaluated.
        """
        answers: dict[int, _Answer] = {}
        # A map, since a generator that had nothing to give once has ended.
        prepared = map(partial(self._prepare, answers), enumerate(requests))
        with closing(self._scheduler.run(prepared)) as steps:
            for step in steps:
                answer = answers[step.index]
                if isinstance(step, Emitted):
                    answer.record(step)
                    text = answer.take_text()
                    if text:
                        yield Piece(step.index, text)
                else:
                    yield from self._finish(step, answers.pop(step.index))
                self.give_way()

    def close(self) -> None:
        """Give back what the session keeps in its target between runs."""
        self._scheduler.close()

    def run_tokens(self, requests: Iterable[Request]) -> Iterator[Emitted | Finished]:
        """Answer requests given in tokens, for measurements below the text."""
        return self._scheduler.run(requests)

    def _prepare(
        self, answers: dict[int, _Answer], numbered: tuple[int, CompletionRequest]
    ) -> Request:
        index, request = numbered
        shared = self._encode(request.prompt.shared)
        if self.tokenizer.adds_bos:
            shared.insert(0, self.tokenizer.bos_id)
        prompt_ids = shared + self._encode(request.prompt.own)
        stream = TextStream(request.prompt.stop)
        answer = _Answer(stream, len(prompt_ids), self._clock())
        if self.is_tracing:
            answer.trace = TokenTrace(self.tokenizer.piece)
        answers[index] = answer
        if self._announce is not None and request.source:
            self._announce(prompt_ids, request.source)
        if self._refer is not None and request.precedent is not None:
            precedent = request.precedent
            self._refer(prompt_ids, precedent.adapted, precedent.similarity)
        return Request(
            prompt_ids,
            request.max_tokens,
            num_shared=len(shared),
            sampling=request.sampling,
            stream=index if request.stream is None else request.stream,
            is_end=self._make_end_test(stream, request.is_hopeless),
            ends_alone=self._make_last_test(request.prompt.stop),
        )

    def _encode(self, parts: tuple[PromptPart, ...]) -> list[int]:
        ids: list[int] = []
        for part in parts:
            ids += self.tokenizer.encode(part.text, parse_control=part.is_control)
        return ids

    def _make_end_test(
        self, stream: TextStream, is_hopeless: Callable[[str], bool] | None
    ) -> Callable[[int], bool]:
        """Feed each token to the answer's text and tell when it is over."""
        pieces: list[bytes] = []

        def is_end(token_id: int) -> bool:
            if self.tokenizer.is_end(token_id):
                return True
            piece = self.tokenizer.piece(token_id)
            stream.feed(piece)
            if stream.is_stopped or is_hopeless is None:
                return stream.is_stopped
            pieces.append(piece)
            # By the number of tokens, so that steps of any size end at one place.
            is_due = len(pieces) % HOPE_TOKENS == 0
            return is_due and is_hopeless(b"".join(pieces).decode(errors="replace"))

        return is_end

    def _make_last_test(self, stop: Sequence[str]) -> Callable[[int], bool]:
        """Tell of a token alone whether an answer with these stops ends with it."""
        stops = [text.encode() for text in stop]

        @lru_cache(maxsize=4096)
        def ends_alone(token_id: int) -> bool:
            if self.tokenizer.is_end(token_id):
                return True
            piece = self.tokenizer.piece(token_id)
            return any(text in piece for text in stops)

        return ends_alone

    def _finish(self, step: Finished, answer: _Answer) -> Iterator[Piece | Completed]:
        answer.stream.finish()
        text = answer.take_text()
        if text:
            yield Piece(step.index, text)
        yield Completed(
            index=step.index,
            text="".join(answer.text),
            reason=FinishReason.LENGTH if step.is_cut else FinishReason.STOP,
            num_prompt_tokens=answer.num_prompt_tokens,
            num_tokens=len(answer.token_ids),
            elapsed_s=self._clock() - answer.started_s,
            counts=DraftCounts(
                answer.num_steps,
                answer.num_drafted,
                sum(answer.accepted_by_source.values()),
                answer.accepted_by_source,
            ),
            token_ids=tuple(answer.token_ids),
            trace=answer.trace.finish() if answer.trace is not None else (),
        )
