"""Smoothed probabilities of n-grams, and what their contexts are worth.

Contexts are found order after order: one can only be frequent if it is frequent
without its oldest token, so most of a text is left behind early. Counts are whole
numbers and each probability depends on a few of them only, so the result is the same
however a text is divided among calls.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from polyspec.arrays import FloatArray

PAD = -1
"""Stands where no token is, before the start of a line."""
MAX_WINDOWS = 1 << 21
"""Most windows of a call: contexts, tokens and places are sorted as one number."""
_TOKEN_BITS = _PLACE_BITS = 21
_DISCOUNT = 0.75
"""Taken from every count of a context, so that what was seen once is not believed."""
_THRESHOLDS = (0.1, 0.2, 0.3, 0.5)
"""Probabilities from which drafting a token pays, on machines of several kinds."""

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scored:
    """Contexts with their likeliest next token and what they are worth."""

    contexts: NDArray[np.int32]
    """Shape `(N, max_order)`, the newest token last, -1 before the oldest."""
    sizes: IntArray
    """Tokens of each context, shape `(N,)`."""
    token_ids: IntArray
    """The likeliest next token, shape `(N,)`."""
    probabilities: FloatArray
    """Its smoothed probability, shape `(N,)`."""
    worth: FloatArray
    """Accepted tokens that the context or one that needs it earns, shape `(N,)`."""

    def at(self, places: NDArray[np.intp] | NDArray[np.bool_]) -> "Scored":
        """Some of them."""
        return Scored(*(getattr(self, field.name)[places] for field in fields(self)))

    @staticmethod
    def join(parts: Iterable["Scored"]) -> "Scored":
        """Several as one."""
        every = list(parts)
        return Scored(
            *(
                np.concatenate([getattr(part, field.name) for part in every])
                for field in fields(Scored)
            )
        )

    def worthy(self, most: int) -> "Scored":
        """About as many of the most useful as asked for; those that tie all stay."""
        if self.worth.size <= most:
            return self.at(self.worth > 0.0)
        least = np.partition(self.worth, -most)[-most]
        return self.at((self.worth > 0.0) & (self.worth >= least))


@dataclass(frozen=True, slots=True)
class Shared:
    """A context that all windows of a call end in, and what may follow it."""

    size: int
    """Its tokens."""
    chances: FloatArray
    """Smoothed probability by token id; read only for tokens that follow it."""
    likeliest: int
    probability: float


@dataclass(frozen=True, slots=True)
class _Contexts:
    """Frequent contexts of one order, and the tokens that followed them."""

    parents: IntArray
    """Place of each context without its oldest token among those one shorter."""
    num_visits: IntArray
    pair_contexts: IntArray
    """Place of the context of each pair of context and next token, rising."""
    pair_tokens: IntArray
    """Rising within a context."""
    pair_counts: IntArray
    pair_below: FloatArray
    """Probability of the token behind the parent."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """What a smoothed order holds."""

    chances: FloatArray
    """Probability of each pair."""
    token_ids: IntArray
    """The likeliest token of each context."""
    probabilities: FloatArray
    scores: FloatArray


def share_root(counts: IntArray) -> Shared:
    """The empty context.

    Args:
        counts: Occurrences by token id; at least one.
    """
    chances = counts / counts.sum()
    best = int(chances.argmax())
    return Shared(0, chances, best, float(chances[best]))


def share_longer(shared: Shared, counts: IntArray) -> tuple[Shared, float]:
    """One context with another token before it, and its score.

    Args:
        shared: The context without that token.
        counts: How often each token followed, by token id; at least one did.
    """
    tokens = np.flatnonzero(counts)
    nothing = np.zeros(tokens.size, np.int64)
    contexts = _Contexts(
        nothing[:1],
        counts.sum(keepdims=True),
        nothing,
        tokens,
        counts[tokens],
        shared.chances[tokens],
    )
    choice = _choose(
        contexts, np.array([shared.likeliest]), np.array([shared.probability])
    )
    chances = np.zeros(counts.size)
    chances[tokens] = choice.chances
    longer = Shared(
        shared.size + 1,
        chances,
        int(choice.token_ids[0]),
        float(choice.probabilities[0]),
    )
    return longer, float(choice.scores[0])


def score_windows(windows: NDArray[np.int32], shared: Shared, min_count: int) -> Scored:
    """Score all frequent contexts that are longer than the one they share.

    Args:
        windows: Tokens with those before them, shape `(N, max_order + 1)`, at most
            `MAX_WINDOWS`, all occurrences of the contexts in them; the token that
            follows comes last, `PAD` stands before a start.
        shared: What stands before that token in each of them.
        min_count: Least occurrences of a context.
    """
    max_order = windows.shape[1] - 1
    rows = np.arange(len(windows))
    nexts = windows[:, -1].astype(np.int64)
    below = shared.chances[nexts]
    places = np.zeros(len(windows), np.int64)
    likeliest = np.array([shared.likeliest])
    probabilities = np.array([shared.probability])
    levels: list[Scored] = []
    parents: list[IntArray] = []
    for order in range(shared.size + 1, max_order + 1):
        oldest = windows[:, max_order - order][rows].astype(np.int64)
        kept, starts, num_visits = _group(places, oldest, min_count)
        if not starts.size:
            break
        of_context = places[kept[starts]]
        rows, nexts, below = rows[kept], nexts[kept], below[kept]
        places = np.repeat(np.arange(starts.size), num_visits)
        pair_rows, pair_starts, pair_counts = _group(places, nexts, 1)
        firsts = pair_rows[pair_starts]
        contexts = _Contexts(
            of_context,
            num_visits,
            places[firsts],
            nexts[firsts],
            pair_counts,
            below[firsts],
        )
        choice = _choose(contexts, likeliest, probabilities)
        below[pair_rows] = np.repeat(choice.chances, pair_counts)
        likeliest, probabilities = choice.token_ids, choice.probabilities
        levels.append(_scored(windows[rows[starts], :-1], order, choice))
        parents.append(of_context)
    return _raise_worth(levels, parents, max_order)


def _group(
    places: IntArray, tokens: IntArray, min_count: int
) -> tuple[IntArray, IntArray, IntArray]:
    """Sort by context and token, and find where each frequent pair of them begins.

    Returns:
        The order of what is kept; where in it each group begins; the groups' sizes.
    """
    keys = (places << _TOKEN_BITS | tokens) << _PLACE_BITS | np.arange(places.size)
    keys = keys[tokens >= 0]
    keys.sort()
    order = keys & ((1 << _PLACE_BITS) - 1)
    keys >>= _PLACE_BITS
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))[
        : keys.size
    ]
    sizes = np.diff(starts, append=keys.size)
    is_frequent = sizes >= min_count
    if not is_frequent.all():
        order = order[np.repeat(is_frequent, sizes)]
        sizes = sizes[is_frequent]
        starts = np.cumsum(sizes) - sizes
    return order, starts, sizes


def _choose(
    contexts: _Contexts, likeliest: IntArray, probabilities: FloatArray
) -> _Choice:
    """Interpolate an order with the one below and score its contexts.

    `p = (c - D) / N + D * T / N * p_below`, with `N` occurrences of the context
    followed by `T` distinct tokens; a token not seen there has no first term.

    Args:
        contexts: Of one order.
        likeliest: The likeliest token of each context one shorter.
        probabilities: Of those tokens.

    Source: interpolated absolute discounting, Chen and Goodman 1999.
    """
    of_pair, tokens = contexts.pair_contexts, contexts.pair_tokens
    num_visits = contexts.num_visits
    num_distinct = np.bincount(of_pair, minlength=num_visits.size)
    spared = _DISCOUNT * num_distinct / num_visits
    chances = (contexts.pair_counts - _DISCOUNT) / num_visits[of_pair]
    chances += spared[of_pair] * contexts.pair_below
    top = np.maximum.reduceat(chances, np.cumsum(num_distinct) - num_distinct)
    # Backwards, so that of equal ones the first token is written last and stays.
    is_top = np.flatnonzero(chances == top[of_pair])[::-1]
    best = np.empty(num_visits.size, np.int64)
    best[of_pair[is_top]] = tokens[is_top]
    # What the parent's best token has here is what is lost without the context.
    below_token = likeliest[contexts.parents]
    below_chance = probabilities[contexts.parents]
    own = spared * below_chance
    is_own = tokens == below_token[of_pair]
    own[of_pair[is_own]] = chances[is_own]
    token_ids = np.where(own > top, below_token, best)
    top = np.maximum(own, top)
    scores = (num_visits - _DISCOUNT) * _gain(top, own, below_chance)
    return _Choice(chances, token_ids, top, scores)


def _gain(top: FloatArray, own: FloatArray, below: FloatArray) -> FloatArray:
    """Accepted tokens that a visit earns, summed over the thresholds.

    Args:
        top: Probability of the best token.
        own: That of the parent's best token, here.
        below: That of the parent's best token, behind the parent.
    """
    gain = np.zeros(top.size)
    for least in _THRESHOLDS:
        gain += np.maximum(top - least, 0.0)
        gain -= np.where(below > least, own - least, 0.0)
    return gain


def _scored(contexts: NDArray[np.int32], order: int, choice: _Choice) -> Scored:
    contexts[:, : contexts.shape[1] - order] = PAD
    return Scored(
        contexts,
        np.full(len(contexts), order),
        choice.token_ids,
        choice.probabilities,
        choice.scores,
    )


def _raise_worth(
    levels: Sequence[Scored], parents: Sequence[IntArray], max_order: int
) -> Scored:
    """Make a context worth at least what its children are, since they need it."""
    for level, children, of_children in zip(
        levels[-2::-1], levels[:0:-1], parents[:0:-1], strict=True
    ):
        np.maximum.at(level.worth, of_children, children.worth)
    return Scored.join([no_contexts(max_order), *levels])


def no_contexts(max_order: int) -> Scored:
    """Nothing, of the right shape."""
    nothing = np.empty(0, np.int64)
    return Scored(
        np.empty((0, max_order), np.int32), nothing, nothing, np.empty(0), np.empty(0)
    )
