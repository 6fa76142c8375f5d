"""The words that those who ask for text and those who complete it share."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from polyspec.decoding.sampling import Sampling


@dataclass(frozen=True, slots=True)
class PromptPart:
    """A stretch of a prompt that is tokenized on its own.

    User text must never become control tokens, so only parts marked `is_control`
    are searched for them.
    """

    text: str
    is_control: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model reads before it writes."""

    shared: tuple[PromptPart, ...]
    """The same for every segment of a job: computed once, then copied."""
    own: tuple[PromptPart, ...]
    """This segment's part, down to where the answer begins."""
    stop: tuple[str, ...] = ()
    """Texts that end the answer; they are not part of it."""


@dataclass(frozen=True, slots=True)
class Precedent:
    """A text like the one to be translated, with its translation."""

    source: str
    translation: str
    similarity: float
    """Of the two sources, `0..1`."""
    adapted: str
    """The translation with names and numbers of the text itself, as far as these merely
    took the places of others."""


HOPE_TOKENS = 16
"""So often an answer is asked whether there is hope for it."""


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One answer that is wanted."""

    prompt: Prompt
    max_tokens: int
    sampling: Sampling = field(default_factory=Sampling)
    source: str = ""
    """The text that is to be translated, where one is; drafters take hints from it."""
    precedent: Precedent | None = None
    """What the answer may be like; drafters follow it."""
    stream: int | None = None
    """Tells apart the random draws of requests with one seed; None takes the place of
    the request among those handed in."""
    is_hopeless: Callable[[str], bool] | None = field(default=None, compare=False)
    """Told the answer so far, every `HOPE_TOKENS` tokens; whether to end it there."""


class FinishReason(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    """The model ended it, or a stop text came."""
    LENGTH = "length"
    """`max_tokens` were written."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Newly written text of one request; joined in order they are the answer."""

    index: int
    """Position of the request among those handed in, from 0."""
    text: str


@dataclass(frozen=True, slots=True)
class DraftCounts:
    """What drafting did for one answer."""

    num_steps: int = 0
    """Evaluations of the target that this answer took part in."""
    num_drafted: int = 0
    num_accepted: int = 0
    accepted_by_source: dict[str, int] = field(default_factory=dict)
    """Accepted tokens per drafter name."""


@dataclass(frozen=True, slots=True)
class TracedToken:
    """A token as the model wrote it, and who had proposed it."""

    text: str
    """Of a character that takes several tokens the last one has it all."""
    source: str = ""
    """Name of the drafter whose token was accepted; empty for the target's own."""
    rejected: str = ""
    """What a drafter had proposed in its place."""
    rejected_source: str = ""


@dataclass(frozen=True, slots=True)
class Completed:
    """The end of one request's answer; no piece of it follows."""

    index: int
    text: str
    """The whole answer."""
    reason: FinishReason
    num_prompt_tokens: int
    num_tokens: int
    elapsed_s: float
    """From admission to the last token, shared with whatever ran beside it."""
    counts: DraftCounts
    token_ids: tuple[int, ...] = ()
    """The answer as it was written, with the token that ended it; empty where the
    completer knows none."""
    trace: tuple[TracedToken, ...] = ()
    """All tokens, those of a stop text among them, if the completer is tracing."""
    is_known: bool = False
    """Whether it is from an earlier run, and the model was not asked."""


class Completer(Protocol):
    """Completes prompts, many side by side."""

    def complete(
        self, requests: Iterable[CompletionRequest]
    ) -> Iterator[Piece | Completed]:
        """Answer the requests, taken one by one as places become free.

        Events of different requests interleave; closing the iterator cancels all.
        While some are being answered, an iterator that ended is asked again: an answer
        may be followed by another request.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Number of tokens of plain text."""
        ...

    @property
    def max_prompt_tokens(self) -> int:
        """Longest prompt that still leaves room for an answer of the same length."""
        ...
