"""What is asked of the loop, what it gives, and a sequence on its way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from polyspec.decoding.interfaces import EMPTY_DRAFT, Chunk, Draft
from polyspec.decoding.sampling import Chooser, Sampling


def _never(token_id: int) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Request:
    """One answer that is wanted, in tokens."""

    prompt_ids: Sequence[int]
    max_tokens: int
    num_shared: int = 0
    """Leading prompt tokens that other requests begin with as well."""
    sampling: Sampling = field(default_factory=Sampling)
    stream: int = 0
    """Tells apart the random draws of requests with one seed."""
    is_end: Callable[[int], bool] = _never
    """Called with every emitted token in order; true ends the answer with it."""
    ends_alone: Callable[[int], bool] = _never
    """Whether a token ends the answer whatever stands before it. A draft of it saves
    nothing: no token follows, and the target gives it with the step before."""


@dataclass(frozen=True, slots=True)
class Emitted:
    """What one step gave one answer."""

    index: int
    """Position of the request among those handed in."""
    token_ids: tuple[int, ...]
    sources: tuple[str, ...]
    """Drafters of the accepted tokens, which come first; the rest is the target's."""
    num_drafted: int
    draft: Draft = EMPTY_DRAFT
    """What was verified in the step."""

    @property
    def num_rejected(self) -> int:
        """Draft tokens behind the accepted ones."""
        return self.num_drafted - len(self.sources)


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of one answer."""

    index: int
    is_cut: bool
    """Whether `max_tokens` ended it."""


@dataclass(slots=True)
class LiveSequence:
    """One answer while it is written; the loop changes it."""

    index: int
    request: Request
    sequence_id: int
    chooser: Chooser
    num_cached: int = 0
    num_copied: int = 0
    """Tokens of a shared prefix, which take no cells of their own."""
    num_reserved: int = 0
    written_ids: list[int] = field(default_factory=list)
    chances: Sequence[float | None] = ()
    """How likely the target held each token of the latest step; empty if greedily."""

    @property
    def shared_ids(self) -> Sequence[int]:
        """The prompt's shared beginning.

        Without the last prompt token, which is always evaluated: its logits are needed.
        """
        request = self.request
        return request.prompt_ids[
            : min(request.num_shared, len(request.prompt_ids) - 1)
        ]

    @property
    def is_prefilling(self) -> bool:
        return not self.written_ids

    def coming_draws(self, count: int) -> Sequence[float]:
        """What the next tokens will be drawn with, `0..1`; empty if greedily."""
        if self.request.sampling.is_greedy:
            return ()
        start = len(self.written_ids)
        return [self.chooser.uniform(place) for place in range(start, start + count)]

    @property
    def num_left(self) -> int:
        return self.request.max_tokens - len(self.written_ids)


def prompt_chunk(sequence: LiveSequence, room: int) -> tuple[Chunk, bool]:
    """Return the next piece of a prompt and whether it is the last."""
    start = sequence.num_cached
    piece = tuple(islice(sequence.request.prompt_ids, start, start + room))
    is_last = start + len(piece) == len(sequence.request.prompt_ids)
    return Chunk(sequence.sequence_id, start, piece, int(is_last)), is_last


def cut_before_end(draft: Draft, ends_alone: Callable[[int], bool]) -> Draft:
    """Return a draft up to the first token that ends its answer.

    A drawn one stays whole: what was drawn may not decide whether it is verified.
    """
    if draft.is_drawn:
        return draft
    for place, token_id in enumerate(draft.token_ids):
        if ends_alone(token_id):
            return draft.cut(place)
    return draft
