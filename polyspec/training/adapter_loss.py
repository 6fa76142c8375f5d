"""The loss of a translator: how unlikely it finds the translations it is shown."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from polyspec.training.pairs import Pair
from polyspec.training.torch_gemma import Gemma


def measure_pairs(model: Gemma, pairs: Sequence[Pair]) -> tuple[Tensor, int]:
    """Return the summed cross-entropy of the target sides, and their tokens.

    The softmax is over the tokens that the pairs' pool has, sources included, instead
    of the whole vocabulary: a sample in which frequent tokens nearly always are.
    """
    candidates = pairs[0].candidates
    device = model.token_embd.weight.device
    length = max(pair.num_tokens for pair in pairs)
    ids = torch.zeros(len(pairs), length, dtype=torch.long)
    places: list[int] = []
    targets: list[int] = []
    for row, pair in enumerate(pairs):
        sequence = (*pair.prompt_ids, *pair.target_ids[:-1])
        ids[row, : len(sequence)] = torch.tensor(sequence)
        first = row * length + len(pair.prompt_ids) - 1
        places += range(first, first + len(pair.target_ids))
        targets += pair.target_ids
    hidden = model(ids.to(device)).flatten(0, 1)[torch.tensor(places, device=device)]
    rows = model.token_embd.weight[torch.from_numpy(candidates).to(device)]
    labels = torch.from_numpy(np.searchsorted(candidates, targets)).to(device)
    logits = functional.linear(hidden, rows).float()
    return functional.cross_entropy(logits, labels, reduction="sum"), len(targets)
