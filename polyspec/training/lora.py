"""Low-rank adapters on the matrices of a frozen model.

Source: Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from polyspec.training.adapter_export import tensor_name
from polyspec.training.torch_gemma import PROJECTIONS, Gemma


class LoraLinear(nn.Module):
    """A frozen matrix `W` with a trained one beside it: `x Wᵀ + s (x Aᵀ) Bᵀ`.

    `A` and `B` are float32 and are rounded to the type of `W` for each product. `B`
    begins at zero, so the model begins as it was.
    """

    def __init__(self, frozen: nn.Linear, rank: int, scale: float) -> None:
        super().__init__()
        self.weight = frozen.weight.requires_grad_(False)
        self.scale = scale
        self.lora_a = nn.Parameter(torch.empty(rank, frozen.in_features))
        self.lora_b = nn.Parameter(torch.zeros(frozen.out_features, rank))
        self.merged: Tensor | None = None
        """Both matrices as one, while `merge_lora` holds."""

    def forward(self, inputs: Tensor) -> Tensor:
        if self.merged is not None:
            return functional.linear(inputs, self.merged)
        rows = inputs.reshape(-1, inputs.shape[-1])
        outputs: Tensor = _LoraProduct.apply(
            rows, self.weight, self.lora_a, self.scale * self.lora_b
        )
        return outputs.view(*inputs.shape[:-1], -1)


class _LoraProduct(torch.autograd.Function):
    """The product with a backward pass that spends nothing on the frozen matrix."""

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, weight: Tensor, lora_a: Tensor, lora_b: Tensor
    ) -> Tensor:
        down, up = lora_a.to(weight.dtype), lora_b.to(weight.dtype)
        inner = inputs @ down.T
        ctx.save_for_backward(inputs, weight, down, up, inner)
        return torch.addmm(inputs @ weight.T, inner, up.T)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight, down, up, inner = ctx.saved_tensors
        (gradient,) = gradients
        of_inner = gradient @ up
        of_a = (of_inner.T @ inputs).float()
        of_b = (gradient.T @ inner).float()
        of_inputs = None
        if ctx.needs_input_grad[0]:
            of_inputs = torch.addmm(gradient @ weight, of_inner, down)
        return of_inputs, None, of_a, of_b


def add_lora(model: Gemma, rank: int, alpha: float, seed: int) -> nn.ParameterDict:
    """Freeze a model and put an adapter beside each matrix of its blocks.

    Returns:
        The trained parameters under the names they have in a GGUF adapter, with
        underscores for dots: `blk_0_attn_q_weight_lora_a` of shape `(rank, inputs)`
        and `..._lora_b` of shape `(outputs, rank)`.
    """
    model.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    trained = {}
    for index, block in enumerate(model.blk):
        for name in PROJECTIONS:
            lora = LoraLinear(getattr(block, name), rank, alpha / rank)
            # As kaiming_uniform with a = sqrt(5), the usual start of a linear layer.
            bound = 1 / math.sqrt(lora.lora_a.shape[1])
            nn.init.uniform_(lora.lora_a, -bound, bound, generator=generator)
            setattr(block, name, lora)
            stem = f"blk_{index}_{name}_weight"
            trained[f"{stem}_lora_a"] = lora.lora_a
            trained[f"{stem}_lora_b"] = lora.lora_b
    return nn.ParameterDict(trained)


@contextmanager
def merge_lora(model: Gemma) -> Iterator[None]:
    """Compute with one matrix instead of two meanwhile; nothing can be trained then."""
    layers = [each for each in model.modules() if isinstance(each, LoraLinear)]
    with torch.no_grad():
        for each in layers:
            product = each.scale * (each.lora_b @ each.lora_a)
            each.merged = (each.weight.float() + product).to(each.weight.dtype)
    try:
        yield
    finally:
        for each in layers:
            each.merged = None


def read_parameters(trained: nn.ParameterDict) -> dict[str, NDArray[np.float32]]:
    """What was trained, as float32 arrays by the names of an adapter's tensors."""
    return {
        tensor_name(name): weights.detach().float().cpu().numpy()
        for name, weights in trained.items()
    }
