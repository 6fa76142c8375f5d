"""What a draft is trained on: the target's likeliest tokens and its choice."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from polyspec.drafting.token_map import TokenMap
from polyspec.training.packing import PackedRow, pack
from polyspec.training.teacher import Lesson
from polyspec.training.torch_gemma import Gemma


def measure_row(model: Gemma, row: PackedRow) -> Tensor:
    """The summed loss over the answers of a row.

    At each place the divergence from the target's distribution, as far as its likeliest
    tokens go, plus the negative log-probability of the token that was written. Tokens
    that the draft does not have count for its unknown one.

    Source: Hinton et al. 2015, arXiv 1503.02531; for drafts, DistillSpec, Zhou et al.
    2023, arXiv 2310.08461.
    """
    hidden = model(row.ids[None], row.positions[None], row.mask[None, None])
    logits = functional.linear(hidden[0, row.places], model.token_embd.weight)
    own = functional.log_softmax(logits.float(), dim=-1)
    kept = row.log_probabilities.exp()
    divergence = kept * (row.log_probabilities - own.gather(1, row.likely_ids))
    chosen = own.gather(1, row.answer_ids[:, None])
    return divergence.sum() - chosen.sum()


class DraftLoss:
    """The loss of a draft over packed rows, for the trainer."""

    def __init__(self, model: Gemma) -> None:
        self._model = model

    def __call__(self, rows: Sequence[PackedRow]) -> tuple[Tensor, int]:
        """Return the summed loss and the number of places."""
        losses = [measure_row(self._model, row) for row in rows]
        return torch.stack(losses).sum(), sum(len(row.places) for row in rows)


class LessonDraws:
    """The rows of each step, drawn from all lessons by the number of the step."""

    def __init__(
        self,
        lessons: Sequence[Lesson],
        token_map: TokenMap,
        *,
        seed: int,
        batch_size: int,
        max_tokens: int,
    ) -> None:
        """Draw `batch_size` lessons a step, in rows of `max_tokens` at most."""
        self._lessons = lessons
        self._map = token_map
        self._seed = seed
        self._batch_size = min(batch_size, len(lessons))
        self._max_tokens = max_tokens

    def __call__(self, step: int) -> list[PackedRow]:
        rng = np.random.default_rng([self._seed, step])
        places = rng.choice(len(self._lessons), self._batch_size, replace=False)
        chosen = [self._lessons[place] for place in sorted(places.tolist())]
        return pack(chosen, self._map, self._max_tokens)
