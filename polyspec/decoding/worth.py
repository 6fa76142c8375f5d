"""What the tokens of a draft are worth: how likely each is to be accepted."""

from collections.abc import Callable, Iterator
from itertools import accumulate
from operator import mul

from polyspec.decoding.interfaces import Draft


def token_worths(draft: Draft, trust: Callable[[str], float]) -> list[float]:
    """Return the chance that each token and all before it are accepted, `0..1`.

    Where another drafter goes on, what it promises is corrected by the trust in it.

    Example: chances 0.8 and 0.5, the second token from a drafter with a trust of 0.5,
    the first from one with 1, are worth 0.8 and 0.2.
    """
    worths: list[float] = []
    reached = worth = 1.0
    source = ""
    for chance, name in zip(draft.probabilities, draft.sources, strict=True):
        if name != source:
            source = name
            reached *= trust(name)
        reached *= chance
        # Each needs those before it, so none is worth more than the last one.
        worth = min(worth, reached)
        worths.append(worth)
    return worths


def expected_tokens(draft: Draft, trust: Callable[[str], float]) -> float:
    """Return how many tokens are expected to be accepted, the sum of their worths."""
    sources = draft.sources
    if not sources:
        return 0.0
    if sources[0] == sources[-1] and len(set(sources)) == 1:
        promised: float = sum(accumulate(draft.probabilities, mul))
        return trust(sources[0]) * promised
    return sum(token_worths(draft, trust))


def runs_by_source(draft: Draft) -> Iterator[tuple[str, int, int]]:
    """Yield each drafter's stretches of a draft: its name, first place, behind last."""
    start, sources = 0, draft.sources
    for place in range(1, len(sources) + 1):
        if place == len(sources) or sources[place] != sources[start]:
            yield sources[start], start, place
            start = place
