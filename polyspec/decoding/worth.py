"""What the tokens of a draft are worth: how likely each is to be accepted."""

from collections.abc import Callable

from polyspec.decoding.interfaces import Draft


def token_worths(draft: Draft, trust: Callable[[str], float]) -> list[float]:
    """Return the chance that each token and all before it are accepted, `0..1`.

    What each drafter promises is corrected by the trust in it.

    Example: chances 0.8 and 0.5, the second token from a drafter with a trust of 0.5,
    the first from one with 1, are worth 0.8 and 0.2.
    """
    worths: list[float] = []
    reached, source, factor = 1.0, "", 1.0
    for chance, name in zip(draft.probabilities, draft.sources, strict=True):
        if name != source:
            source, factor = name, trust(name)
        reached *= min(1.0, factor * chance)
        worths.append(reached)
    return worths


def expected_tokens(draft: Draft, trust: Callable[[str], float]) -> float:
    """Return how many tokens are expected to be accepted, the sum of their worths."""
    return sum(token_worths(draft, trust))
