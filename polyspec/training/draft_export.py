"""A trained draft written as GGUF, and compared with what llama.cpp makes of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from polyspec.arrays import LogitsArray
from polyspec.decoding.interfaces import Chunk, Target
from polyspec.gguf_header import GgufHeader
from polyspec.training.gguf_copy import (
    F16,
    F32,
    Q8_0,
    U32,
    TensorData,
    encode_number,
    encode_text,
    read_fields,
    write_gguf,
)
from polyspec.training.surgery import CARD

if TYPE_CHECKING:
    from polyspec.training.torch_gemma import Gemma

_BLOCK = 32
"""Numbers of a row that Q8_0 scales together."""
_MOSTLY_Q8_0 = 7
"""llama.cpp's number of a file of this type."""


def export_draft(
    model: "Gemma", header: GgufHeader, card: Mapping[str, str], out: Path
) -> None:
    """Write a trained draft: matrices in Q8_0 where rows allow it, else in F16.

    Args:
        model: The trained weights.
        header: Of the draft that training began with; all but weights is taken from it.
        card: What the draft is to say of itself besides.
        out: Where it is to be.

    Raises:
        DocumentError: The file cannot be written.
    """
    fields = read_fields(header)
    fields["general.file_type"] = encode_number(U32, _MOSTLY_Q8_0)
    for key, value in card.items():
        fields[f"{CARD}{key}"] = encode_text(value)
    write_gguf(out, fields, _tensors(model))


def _tensors(model: "Gemma") -> Iterator[TensorData]:
    for name, weights in model.state_dict().items():
        array = weights.detach().float().cpu().numpy()
        kind, rows = _encode(array)
        yield TensorData(name, tuple(reversed(array.shape)), kind, rows)


def _encode(array: NDArray[np.float32]) -> tuple[int, NDArray[np.uint8]]:
    from gguf import GGMLQuantizationType
    from gguf.quants import quantize

    if array.ndim == 1:
        return F32, array.astype("<f4").view(np.uint8).reshape(1, -1)
    if array.shape[1] % _BLOCK:
        return F16, array.astype("<f2").view(np.uint8)
    return Q8_0, quantize(array, GGMLQuantizationType.Q8_0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far two computations of the same weights are apart."""

    num_positions: int
    largest: float
    """Largest difference of two logits."""
    spread: float
    """Standard deviation of the logits, to see it beside."""
    num_same_choice: int
    """Positions at which both find the same token likeliest."""


def compare_logits(
    model: "Gemma", target: Target, texts: Sequence[Sequence[int]]
) -> Comparison:
    """Compare torch with llama.cpp on the logits after every token of texts.

    Args:
        model: With the weights as they stand in the file.
        target: The same file in llama.cpp.
        texts: Ids of the draft.

    Raises:
        EngineError: llama.cpp cannot evaluate it.
    """
    import torch

    largest, num_same, num, spreads = 0.0, 0, 0, []
    for text in texts:
        theirs = _read(target, text)
        with torch.no_grad():
            ours = model.logits(torch.tensor([list(text)]))[0].float().numpy()
        largest = max(largest, float(np.abs(ours - theirs).max()))
        num_same += int((ours.argmax(1) == theirs.argmax(1)).sum())
        spreads.append(float(theirs.std()))
        num += len(text)
    return Comparison(num, largest, float(np.mean(spreads)), num_same)


def _read(target: Target, text: Sequence[int]) -> LogitsArray:
    step = min(target.max_batch, target.max_outputs)
    rows = []
    try:
        for start in range(0, len(text), step):
            part = list(text[start : start + step])
            rows.append(target.evaluate([Chunk(0, start, part, len(part))]).copy())
    finally:
        target.release(0)
    return np.concatenate(rows)
