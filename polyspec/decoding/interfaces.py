"""What the decoding loop asks of a model and of a drafter.

Words (after vLLM's rejection sampler): the *target* decides every token; a *drafter*
*proposes*; the target *verifies* a draft in one *step*; tokens it agrees with are
*accepted*; its own choice at the first disagreement is the *corrected* token, the
extra one when all agree the *bonus* token.

Invariant: between steps the KV cache of a sequence holds every token but the newest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

from polyspec.arrays import FloatArray, LogitsArray, TokenArray
from polyspec.decoding.sampling import Sampling


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive tokens of one sequence, evaluated in one step."""

    sequence_id: int
    position: int
    """Position of the first token; also the number of tokens cached before it."""
    token_ids: Sequence[int]
    num_outputs: int
    """Logits are wanted after each of the last `num_outputs` tokens."""


class Target(Protocol):
    """A model with a KV cache that many sequences share."""

    @property
    def vocab_size(self) -> int: ...

    @property
    def context_size(self) -> int:
        """Tokens that the KV cache holds, all sequences together."""
        ...

    @property
    def max_batch(self) -> int:
        """Most tokens in one call of `evaluate`."""
        ...

    @property
    def max_outputs(self) -> int:
        """Most rows of logits that one call of `evaluate` may want."""
        ...

    @property
    def can_trim(self) -> bool:
        """Whether the tail of a sequence can be dropped from the KV cache."""
        ...

    def evaluate(self, chunks: Sequence[Chunk]) -> LogitsArray:
        """Append the chunks to their sequences and return the wanted logits.

        Returns:
            Shape `(R, V)`, rows in the order of the chunks; a view that the next call
            overwrites.

        Raises:
            EngineError: The model could not be evaluated; the cache is unchanged or
                the affected sequences must be released.
        """
        ...

    def copy_prefix(self, from_id: int, to_id: int, num_tokens: int) -> None:
        """Let the empty sequence `to_id` begin with tokens of `from_id`."""
        ...

    def trim(self, sequence_id: int, num_tokens: int) -> None:
        """Keep the first `num_tokens` tokens of a sequence."""
        ...

    def release(self, sequence_id: int) -> None:
        """Forget a sequence."""
        ...


Distribution: TypeAlias = tuple[TokenArray, FloatArray]
"""Tokens that may be drawn and their probabilities, both of shape `(N,)`."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Proposed tokens of one sequence; an empty draft is allowed."""

    token_ids: tuple[int, ...] = ()
    probabilities: tuple[float, ...] = ()
    """Chance that each is accepted, given that all before it are, `0..1`."""
    sources: tuple[str, ...] = ()
    """Name of the drafter of each token."""
    distributions: tuple[Distribution, ...] = field(default=(), compare=False)
    """What each token was drawn from, where the draft was drawn. It is then verified
    whole, and its `probabilities` say nothing of the tokens that the draw gave: who
    chose among drawn tokens would change what the target writes."""

    @property
    def is_drawn(self) -> bool:
        return bool(self.distributions)

    def cut(self, length: int) -> "Draft":
        """Return its first `length` tokens."""
        if length >= len(self.token_ids):
            return self
        return Draft(
            self.token_ids[:length],
            self.probabilities[:length],
            self.sources[:length],
            self.distributions[:length],
        )


EMPTY_DRAFT = Draft()


class Drafter(Protocol):
    """Proposes tokens for many sequences. Never sees text, logits or the target.

    A sequence lives from `begin` to `end`; nothing of its tokens may outlive it, but in
    a drafter whose purpose is to remember what was written.
    """

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        """Start a sequence; whatever had this id before is forgotten."""
        ...

    def propose(
        self, sequence_ids: Sequence[int], limits: Sequence[int]
    ) -> list[Draft]:
        """Continue each sequence by at most its limit of tokens."""
        ...

    def observe(self, sequence_id: int, emitted_ids: Sequence[int]) -> None:
        """Learn the tokens that the target confirmed, in order."""
        ...

    def end(self, sequence_id: int) -> None:
        """Forget a sequence."""
        ...


@runtime_checkable
class Extender(Protocol):
    """What a drafter may offer besides: going on behind tokens of another draft."""

    def extend(
        self,
        sequence_ids: Sequence[int],
        prefixes: Sequence[Sequence[int]],
        limits: Sequence[int],
    ) -> list[Draft]:
        """Continue each sequence as if it went on with its prefix.

        Nothing is learned from a prefix, which is not part of the draft.
        """
        ...


@runtime_checkable
class Weighing(Protocol):
    """What a drafter may offer besides: learning from how sure the target was."""

    def weigh(self, sequence_id: int, chances: Sequence[float | None]) -> None:
        """Take the target's probability of each token that is observed next, `0..1`.

        Either no token of a sequence has one, or each; None where it is not known.
        """
        ...


@runtime_checkable
class Drawing(Protocol):
    """What a drafter with a distribution of its own may offer besides."""

    def draw_as(self, sequence_id: int, sampling: Sampling, stream: int) -> None:
        """Draw the drafts of a sequence that has begun as its answer is drawn.

        Args:
            sequence_id: The sequence.
            sampling: How the target draws; never greedy.
            stream: Tells apart the random draws of requests with one seed.
        """
        ...
