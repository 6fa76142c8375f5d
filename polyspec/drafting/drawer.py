"""Draws the drafts of one answer as the target draws its tokens."""

import numpy as np

from polyspec.arrays import LogitsArray
from polyspec.decoding.interfaces import Distribution
from polyspec.decoding.sampling import Chooser, Sampling, draw

_DRAFTING = 2
"""Sets the random numbers of drafts apart from all that the target draws by."""


class DraftDrawer:
    """Draws tokens from a draft model's distribution, filtered like the target's.

    Every draw takes a new random number, so that one which was thrown away says nothing
    of the next.

    Source: Leviathan et al. 2023, arXiv 2211.17192, algorithm 1.
    """

    def __init__(self, sampling: Sampling, stream: int) -> None:
        """Draw for an answer.

        Args:
            sampling: How the target draws; never greedy.
            stream: Tells apart the random draws of requests with one seed.
        """
        self._chooser = Chooser(sampling, stream)
        self._random = np.random.default_rng([sampling.seed, stream, _DRAFTING])

    def draw(
        self, logits: LogitsArray, written_ids: list[int]
    ) -> tuple[int, Distribution]:
        """Return a token and what it was drawn from.

        Args:
            logits: Of the draft model, shape `(V,)`.
            written_ids: The answer so far, drafted tokens among it.
        """
        ids, probabilities = self._chooser.distribution(logits, written_ids)
        token_id = draw(ids, probabilities, float(self._random.random()))
        return token_id, (ids, probabilities)
