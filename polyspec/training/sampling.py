"""Answers that a model draws, many side by side, while it is being trained."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from polyspec.training.torch_gemma import Gemma, Past

_MOST_LIKELY = 64
"""Tokens that are drawn among, so that the others need not be sorted."""
_FEW_LEFT = 0.92
"""Share of rows that go on, under which those that are complete are cleared away."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How answers are drawn.

    Source of the cut: epsilon sampling, Hewitt et al., Truncation Sampling as Language
    Model Desmoothing, 2022.
    """

    num_samples: int = 8
    """Answers to each prompt."""
    temperature: float = 0.7
    least_probability: float = 0.02
    """Tokens under it are not drawn, but for the likeliest."""


class AnswerSampler:
    """Draws answers to prompts, all of them side by side."""

    def __init__(self, model: Gemma, end_id: int, sampling: Sampling) -> None:
        """Draw from a model, as it is at each time.

        Args:
            model: What answers.
            end_id: Ends an answer, and stands at its end.
            sampling: How.
        """
        self._model = model
        self._end_id = end_id
        self._sampling = sampling

    def draw(
        self,
        prompts: Sequence[Sequence[int]],
        candidates: NDArray[np.int64],
        max_tokens: int,
        generator: torch.Generator,
    ) -> list[list[tuple[int, ...]]]:
        """Return the answers to each prompt.

        Args:
            prompts: Token ids, of about one length.
            candidates: Tokens of which answers may consist, sorted; that which ends
                them among them.
            max_tokens: Longest answer; one of that length may lack its end.
            generator: Of the draws, on the processor.
        """
        with torch.inference_mode():
            answers = self._draw_all(prompts, candidates, max_tokens, generator)
        size = self._sampling.num_samples
        return [
            [tuple(answer) for answer in answers[start : start + size]]
            for start in range(0, len(answers), size)
        ]

    def _draw_all(
        self,
        prompts: Sequence[Sequence[int]],
        candidates: NDArray[np.int64],
        max_tokens: int,
        generator: torch.Generator,
    ) -> list[list[int]]:
        model, end_id = self._model, self._end_id
        device = model.token_embd.weight.device
        allowed = torch.from_numpy(candidates).to(device)
        outputs = model.token_embd.weight[allowed]
        hidden, past, sees, positions = _read_prompts(model, prompts, max_tokens)
        num_samples = self._sampling.num_samples
        owners = list(range(num_samples * len(prompts)))
        rows = torch.tensor(owners, device=device) // num_samples
        past.choose(rows)
        hidden, sees, positions = hidden[rows], sees[rows], positions[rows]
        answers: list[list[int]] = [[] for _ in owners]
        for number in range(max_tokens):
            logits = functional.linear(hidden, outputs)
            ids = allowed[_draw(logits, self._sampling, generator)]
            for owner, token_id in zip(owners, ids.tolist(), strict=True):
                if not answers[owner] or answers[owner][-1] != end_id:
                    answers[owner].append(token_id)
            goes_on = [answers[owner][-1] != end_id for owner in owners]
            if not any(goes_on) or number + 1 == max_tokens:
                break
            if sum(goes_on) < _FEW_LEFT * len(owners):
                left = torch.tensor(goes_on, device=device).nonzero()[:, 0]
                past.choose(left)
                ids, sees, positions = ids[left], sees[left], positions[left]
                owners = [owners[place] for place in left.tolist()]
            sees[:, past.length] = True
            mask = sees[:, None, None, : past.length + 1]
            hidden = model(ids[:, None], positions[:, None], mask, past)[:, -1]
            positions = positions + 1
        return answers


def _read_prompts(
    model: Gemma, prompts: Sequence[Sequence[int]], max_tokens: int
) -> tuple[Tensor, Past, Tensor, Tensor]:
    """Read prompts, filled up at their beginnings to one length.

    Returns:
        Of each prompt: the hidden state of its last token, what the model keeps of it,
        where it stands among the tokens to come, and the position of the next.
    """
    device = model.token_embd.weight.device
    length = max(len(prompt) for prompt in prompts)
    ids = torch.zeros(len(prompts), length, dtype=torch.long)
    sees = torch.zeros(len(prompts), length + max_tokens, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        ids[row, length - len(prompt) :] = torch.tensor(prompt)
        sees[row, length - len(prompt) : length] = True
    ids, sees = ids.to(device), sees.to(device)
    positions = (sees[:, :length].cumsum(1) - 1).clamp(min=0)
    is_before = torch.ones(length, length, dtype=torch.bool, device=device).tril()
    # What fills up sees itself: a softmax over nothing would be no number.
    itself = torch.eye(length, dtype=torch.bool, device=device)
    mask = (is_before & sees[:, None, :length]) | itself
    past = Past(len(model.blk), length + max_tokens)
    hidden = model(ids, positions, mask[:, None], past)[:, -1]
    return hidden, past, sees, positions[:, -1] + 1


def _draw(logits: Tensor, sampling: Sampling, generator: torch.Generator) -> Tensor:
    """The place of a token for each row of `(rows, candidates)`."""
    scaled = logits.float() / sampling.temperature
    top = scaled.topk(min(_MOST_LIKELY, scaled.shape[-1]), dim=-1)
    chances = (top.values - scaled.logsumexp(-1, keepdim=True)).exp()
    chances[:, 1:][chances[:, 1:] < sampling.least_probability] = 0.0
    sums = chances.cumsum(-1)
    luck = torch.rand(len(sums), 1, generator=generator).to(sums.device)
    place = (sums <= luck * sums[:, -1:]).sum(-1, keepdim=True)
    # Rounding must not lead past the last that can be drawn.
    place = place.clamp(max=(chances > 0).sum(-1, keepdim=True) - 1)
    return top.indices.gather(1, place)[:, 0]
