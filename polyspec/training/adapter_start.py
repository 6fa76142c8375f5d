"""An adapter as the beginning of another: what it learned is trained further."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from polyspec.catalog.adapters import TOKENIZER_KEY, is_adapter
from polyspec.errors import ModelError
from polyspec.gguf_header import GgufHeader, tokenizer_fingerprint
from polyspec.training.adapter_card import read_alpha
from polyspec.training.adapter_export import tensor_name
from polyspec.training.weights import read_weights

if TYPE_CHECKING:
    from torch import Tensor


def begin_with(
    trained: "Mapping[str, Tensor]", start: GgufHeader, base: GgufHeader, alpha: float
) -> None:
    """Give new parameters the values of an adapter, as far as its format kept them.

    Args:
        trained: As `add_lora` returns them; changed in place.
        start: The adapter to begin with.
        base: The model that is trained.
        alpha: Strength with which the new adapter will be applied; another one of
            `start` is evened out.

    Raises:
        ModelError: The file is no adapter, of another model, rank or kind, or damaged.
    """
    if not is_adapter(start):
        raise _refuse(start, "it is no adapter", "pass one, or leave --start out")
    if start.text(TOKENIZER_KEY) not in {None, tokenizer_fingerprint(base)}:
        raise _refuse(
            start,
            f"it was made for another model than {base.path.stem}",
            "pass the model that it names as --target",
        )
    shapes = {tensor.name: tensor.shape[::-1] for tensor in start.tensors}
    wanted = {tensor_name(name): tuple(each.shape) for name, each in trained.items()}
    if shapes != wanted:
        raise _refuse(start, *_tell_apart(shapes, wanted))
    share = read_alpha(start) / alpha
    with torch.no_grad():
        for name, weights in trained.items():
            values = torch.from_numpy(read_weights(start, tensor_name(name)))
            weights.copy_(values * share if name.endswith("_lora_b") else values)


def _tell_apart(
    shapes: Mapping[str, tuple[int, ...]], wanted: Mapping[str, tuple[int, ...]]
) -> tuple[str, str]:
    name = next(iter(wanted))
    if shapes.keys() == wanted.keys() and shapes[name][1:] == wanted[name][1:]:
        rank = shapes[name][0]
        return f"its rank is {rank}, not {wanted[name][0]}", f"pass --rank {rank}"
    return "it changes other matrices", "pass one made with: polyspec train adapter"


def _refuse(start: GgufHeader, cause: str, remedy: str) -> ModelError:
    return ModelError(
        f"training cannot begin with {start.path}", cause=cause, remedy=remedy
    )
