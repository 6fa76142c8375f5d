"""The loss of a translator that learns from translations of its own.

Of each sentence it draws several translations, and those that are more like the
reference than the others become likelier, the others less likely. The reward is chrF++
by sacrebleu (Popović, WMT 2017): words count beside characters, as grammar suffers with
characters alone.

Sources: Shen et al., Minimum Risk Training for Neural Machine Translation, ACL 2016;
the advantage within a group from Shao et al., DeepSeekMath (GRPO), 2024; training on
the best and the worst alone from Xu et al., Not All Rollouts are Useful (PODS), 2025.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from polyspec.training.lora import merge_lora
from polyspec.training.packing import make_mask
from polyspec.training.pairs import Pair
from polyspec.training.sampling import AnswerSampler, Sampling
from polyspec.training.torch_gemma import Gemma

Answer = tuple[int, ...]
_NUM_KEPT = 2
"""Best answers, and worst, of a sentence that are learned from."""
_LEAST_SPREAD = 0.01
"""Rewards of a sentence nearer to each other than this teach nothing but chance."""
_EVEN = 0.03
"""Added to the spread of rewards, so that small differences count less."""
_ROOM = 8
"""Tokens by which an answer may be longer than `_LONGEST` times its reference."""
_LONGEST = 1.5
_CHUNK = 1024
"""Places whose logits are held at once."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Answers to a prompt that are learned from."""

    prompt_ids: tuple[int, ...]
    answers: tuple[Answer, ...]
    advantages: tuple[float, ...]
    """How much better than its siblings each is."""


class RewardLoss:
    """Draws translations of pairs' sources and measures what is to be learned."""

    def __init__(
        self,
        model: Gemma,
        decode: Callable[[Sequence[int]], str],
        seed: int,
        sampling: Sampling | None = None,
    ) -> None:
        """Prepare.

        Args:
            model: With an adapter, which is trained.
            decode: Text of token ids.
            seed: Of the draws; they depend on it and on the pairs alone.
            sampling: How translations are drawn.
        """
        self._model = model
        self._decode = decode
        self._seed = seed
        self._sampling = sampling or Sampling()

    def __call__(self, pairs: Sequence[Pair]) -> tuple[Tensor, int]:
        """Return the summed loss and the number of its terms.

        Its value is 1 minus the mean reward, for each term; its gradient that of the
        log-probabilities of answers, weighted by their advantages.
        """
        candidates = pairs[0].candidates
        judged, reward = self._judge(pairs, self._draw(pairs))
        num_terms = sum(len(answer) for each in judged for answer in each.answers)
        if not num_terms:
            # Nothing to learn: a loss with no gradient, as the trainer needs one.
            nothing = self._any_parameter().sum() * 0.0
            return nothing + (1.0 - reward), 1
        pull = measure_judged(
            self._model, judged, candidates, self._sampling.temperature
        )
        return pull - pull.detach() + num_terms * (1.0 - reward), num_terms

    def _draw(self, pairs: Sequence[Pair]) -> list[list[Answer]]:
        identity = np.concatenate([pair.prompt_ids for pair in pairs]).astype("<i8")
        generator = torch.Generator().manual_seed(
            crc32(identity.tobytes(), self._seed & 0xFFFFFFFF)
        )
        longest = max(len(pair.target_ids) for pair in pairs)
        sampler = AnswerSampler(self._model, pairs[0].target_ids[-1], self._sampling)
        with merge_lora(self._model):
            return sampler.draw(
                [pair.prompt_ids for pair in pairs],
                pairs[0].candidates,
                int(_LONGEST * longest) + _ROOM,
                generator,
            )

    def _judge(
        self, pairs: Sequence[Pair], drawn: Sequence[Sequence[Answer]]
    ) -> tuple[list[Judged], float]:
        """Choose what teaches something; also the mean reward of all."""
        from sacrebleu.metrics import CHRF

        metric = CHRF(word_order=2)
        judged, rewards = [], []
        for pair, answers in zip(pairs, drawn, strict=True):
            reference = self._decode(pair.target_ids).strip()
            end_id = pair.target_ids[-1]
            scores = np.array(
                [
                    metric.sentence_score(
                        self._decode(answer).strip(), [reference]
                    ).score
                    / 100
                    # Without an end it is no translation.
                    if answer[-1] == end_id
                    else 0.0
                    for answer in answers
                ]
            )
            rewards.append(float(scores.mean()))
            if scores.std() >= _LEAST_SPREAD:
                judged.append(_choose(pair.prompt_ids, answers, scores))
        return judged, float(np.mean(rewards))

    def _any_parameter(self) -> Tensor:
        return next(each for each in self._model.parameters() if each.requires_grad)


def _choose(
    prompt_ids: Answer, answers: Sequence[Answer], scores: NDArray[np.float64]
) -> Judged:
    """The best and the worst answers; equal ones count as one, as often as drawn."""
    advantages = (scores - scores.mean()) / (scores.std() + _EVEN)
    sums: dict[Answer, float] = {}
    for answer, advantage in zip(answers, advantages.tolist(), strict=True):
        sums[answer] = sums.get(answer, 0.0) + advantage
    ranked = sorted(sums.items(), key=lambda item: item[1])
    if len(ranked) > 2 * _NUM_KEPT:
        ranked = ranked[:_NUM_KEPT] + ranked[-_NUM_KEPT:]
    return Judged(
        prompt_ids,
        tuple(answer for answer, _ in ranked),
        tuple(advantage for _, advantage in ranked),
    )


def measure_judged(
    model: Gemma,
    judged: Sequence[Judged],
    candidates: NDArray[np.int64],
    temperature: float,
) -> Tensor:
    """The summed cross-entropy of answers, each times its advantage.

    The answers of a sentence stand side by side behind one prompt. As when they were
    drawn, the softmax is over `candidates`, of logits by `temperature`.
    """
    device = model.token_embd.weight.device
    length = max(
        len(each.prompt_ids) + sum(len(answer) - 1 for answer in each.answers)
        for each in judged
    )
    ids = torch.zeros(len(judged), length, dtype=torch.long)
    positions = torch.zeros_like(ids)
    owners = torch.full_like(ids, -1)
    places: list[int] = []
    targets: list[int] = []
    weights: list[float] = []
    for row, each in enumerate(judged):
        at = len(each.prompt_ids)
        ids[row, :at] = torch.tensor(each.prompt_ids)
        positions[row, :at] = torch.arange(at)
        owners[row, :at] = 0
        last = row * length + at - 1
        for number, answer in enumerate(each.answers, start=1):
            size = len(answer) - 1
            ids[row, at : at + size] = torch.tensor(answer[:-1], dtype=torch.long)
            start = len(each.prompt_ids)
            positions[row, at : at + size] = torch.arange(start, start + size)
            owners[row, at : at + size] = number
            places += [last, *range(row * length + at, row * length + at + size)]
            targets += answer
            weights += [each.advantages[number - 1]] * len(answer)
            at += size
    mask = make_mask(owners).unsqueeze(1)
    hidden = model(ids.to(device), positions.to(device), mask.to(device)).flatten(0, 1)
    hidden = hidden[torch.tensor(places, device=device)]
    outputs = model.token_embd.weight[torch.from_numpy(candidates).to(device)]
    labels = torch.from_numpy(np.searchsorted(candidates, targets)).to(device)
    advantages = torch.tensor(weights, device=device)

    def measure(hidden: Tensor, labels: Tensor, advantages: Tensor) -> Tensor:
        logits = functional.linear(hidden, outputs).float() / temperature
        losses = functional.cross_entropy(logits, labels, reduction="none")
        return (losses * advantages).sum()

    # The logits of all places at once would take more memory than the model.
    parts = zip(
        hidden.split(_CHUNK),
        labels.split(_CHUNK),
        advantages.split(_CHUNK),
        strict=True,
    )
    return torch.stack(
        [checkpoint(measure, *part, use_reentrant=False) for part in parts]
    ).sum()
