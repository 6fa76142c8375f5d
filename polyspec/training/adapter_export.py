"""A trained adapter as GGUF, in the form that llama.cpp loads beside a model.

Source: `src/llama-adapter.cpp` and `convert_lora_to_gguf.py` of llama.cpp.
"""

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polyspec.catalog.adapters import BASE_KEY, PROFILE_KEY, TOKENIZER_KEY
from polyspec.errors import UsageError
from polyspec.gguf_header import GgufHeader, tokenizer_fingerprint
from polyspec.prompting.profiles import PAIRS
from polyspec.training.adapter_card import ALPHA_KEY, CARD, LANGUAGES_KEY
from polyspec.training.gguf_copy import (
    F16,
    Q8_0,
    U32,
    TensorData,
    encode_number,
    encode_text,
    encode_texts,
    write_gguf,
)

NUMBER_FORMATS = {"f16": (F16, 1), "q8_0": (Q8_0, 7)}
"""ggml's number of a tensor type, and llama.cpp's of a file of that type."""
_QUANTIZED_BLOCK = 32
"""Numbers of a row that Q8_0 scales together, so a rank must be a multiple."""
_F32_VALUE = 6
_TERMS = {
    "general.license.name": encode_text("Gemma Terms of Use"),
    "general.license.link": encode_text("https://ai.google.dev/gemma/terms"),
}
"""Of all models that can be trained here; what is derived from them keeps the terms."""


def require_format(number_format: str, rank: int) -> None:
    """Refuse what no adapter can be written in.

    Raises:
        UsageError: The format is unknown, or does not fit the rank.
    """
    if number_format not in NUMBER_FORMATS:
        raise UsageError(
            f"unknown number format {number_format!r}",
            remedy=f"choose one of {', '.join(NUMBER_FORMATS)}",
        )
    if number_format == "q8_0" and rank % _QUANTIZED_BLOCK:
        raise UsageError(
            f"rank {rank} cannot be written as q8_0",
            cause=f"it is no multiple of {_QUANTIZED_BLOCK}",
            remedy="pass --format f16, or train with another --rank",
        )


def export_adapter(
    weights: Mapping[str, NDArray[np.float32]],
    alpha: float,
    base: GgufHeader,
    card: Mapping[str, str],
    out: Path,
    *,
    languages: tuple[str, ...] = (),
    number_format: str = "f16",
) -> None:
    """Write an adapter, whole or not at all.

    Args:
        weights: Of each tensor, by its name in the file, see `tensor_name`.
        alpha: Strength; llama.cpp multiplies by alpha over rank.
        base: Of the model that was trained.
        card: What it is to say of itself.
        out: Where it is to be.
        languages: BCP-47 tags.
        number_format: One of `NUMBER_FORMATS`.

    Raises:
        DocumentError: It cannot be written.
    """
    kind, file_type = NUMBER_FORMATS[number_format]
    fields = {
        "general.architecture": encode_text(base.architecture),
        "general.type": encode_text("adapter"),
        "general.name": encode_text(out.stem),
        "general.license": encode_text(base.text("general.license") or "unknown"),
        **_TERMS,
        LANGUAGES_KEY: encode_texts([tag.encode() for tag in languages]),
        "general.base_model.count": encode_number(U32, 1),
        BASE_KEY: encode_text(base.path.stem),
        "general.file_type": encode_number(U32, file_type),
        "general.quantization_version": encode_number(U32, 2),
        "adapter.type": encode_text("lora"),
        ALPHA_KEY: struct.pack("<If", _F32_VALUE, alpha),
        TOKENIZER_KEY: encode_text(tokenizer_fingerprint(base)),
        PROFILE_KEY: encode_text(PAIRS.name),
        **{f"{CARD}{key}": encode_text(value) for key, value in card.items()},
    }
    write_gguf(out, fields, _tensors(weights, kind))


def tensor_name(parameter: str) -> str:
    """The name in a GGUF adapter of a parameter.

    Example: `blk_0_attn_q_weight_lora_a` is `blk.0.attn_q.weight.lora_a`.
    """
    block, _, rest = parameter.removeprefix("blk_").partition("_")
    projection, _, side = rest.partition("_weight_")
    return f"blk.{block}.{projection}.weight.{side}"


def _tensors(
    weights: Mapping[str, NDArray[np.float32]], kind: int
) -> Iterator[TensorData]:
    for name, array in weights.items():
        yield TensorData(name, tuple(reversed(array.shape)), kind, _encode(array, kind))


def _encode(array: NDArray[np.float32], kind: int) -> NDArray[np.uint8]:
    from gguf import GGMLQuantizationType
    from gguf.quants import quantize

    encoded: NDArray[np.uint8] = quantize(array, GGMLQuantizationType(kind))
    return np.ascontiguousarray(encoded).view(np.uint8)
