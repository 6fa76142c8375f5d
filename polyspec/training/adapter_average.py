"""The mean of adapters, which often translates better than each of them.

What runs on different pairs learned of the language they share, what each remembers of
its own pairs is halved. Source: Wortsman et al., Model soups, ICML 2022.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polyspec.catalog.adapters import PROFILE_KEY, find_base, is_adapter
from polyspec.errors import ModelError
from polyspec.gguf_header import GgufHeader, read_gguf_header
from polyspec.prompting.profiles import PAIRS
from polyspec.training.adapter_card import (
    CARD,
    describe_adapter,
    read_alpha,
    read_languages,
    read_rank,
)
from polyspec.training.adapter_export import (
    export_adapter,
    require_format,
)
from polyspec.training.weights import read_weights

_RUN = ("steps", "seed")
"""What is told of each adapter."""


def average_adapters(
    adapters: Sequence[GgufHeader],
    card: Mapping[str, str],
    out: Path,
    *,
    number_format: str = "f16",
) -> None:
    """Write the mean of both factors of each matrix.

    The factors of unrelated adapters have nothing to do with each other: one should
    have begun with the other, or all with the same one.

    Args:
        adapters: At least one; one that is named twice counts twice.
        card: What it is to say of itself, beside what it is the mean of; its `corpus`
            instead of those of the adapters.
        out: Where it is to be.
        number_format: As `require_format` allows.

    Raises:
        UsageError: The number format is unknown, or does not fit the rank.
        ModelError: A file is no adapter, not one of ours or damaged, adapters are of
            different models or sizes, or their model is not installed.
        DocumentError: The mean cannot be written.
    """
    first = adapters[0]
    for adapter in adapters:
        if not is_adapter(adapter):
            raise _refuse(adapter, "it is no adapter")
        if adapter.text(PROFILE_KEY) != PAIRS.name:
            raise _refuse(adapter, "it was not made with polyspec train adapter")
    require_format(number_format, read_rank(first))
    base = find_base(first)
    for adapter in adapters[1:]:
        if find_base(adapter) != base:
            raise _refuse(adapter, f"it is of another model than {first.path}")
        if _shapes(adapter) != _shapes(first):
            raise _refuse(adapter, f"its matrices are not those of {first.path}")
    alpha = read_alpha(first)

    def mean(name: str) -> NDArray[np.float32]:
        parts = []
        for adapter in adapters:
            share = read_alpha(adapter) / alpha if name.endswith("lora_b") else 1.0
            parts.append(np.float32(share) * read_weights(adapter, name))
        average: NDArray[np.float32] = np.mean(parts, axis=0, dtype=np.float32)
        return average

    made = {
        # Not what each began with: of means of means that would grow without end.
        "mean of": ", ".join(describe_adapter(each, _RUN) for each in adapters),
        "corpus": "; ".join(_told(adapters, "corpus")),
        "languages": ", ".join(
            dict.fromkeys(
                name
                for names in _told(adapters, "languages")
                for name in names.split(", ")
            )
        ),
    }
    export_adapter(
        {tensor.name: mean(tensor.name) for tensor in first.tensors},
        alpha,
        read_gguf_header(base),
        {key: text for key, text in {**made, **card}.items() if text},
        out,
        languages=tuple(
            dict.fromkeys(tag for each in adapters for tag in read_languages(each))
        ),
        number_format=number_format,
    )


def _told(adapters: Sequence[GgufHeader], key: str) -> list[str]:
    """What their cards say under a key, each text once."""
    texts = (adapter.text(f"{CARD}{key}") for adapter in adapters)
    return list(dict.fromkeys(text for text in texts if text))


def _shapes(adapter: GgufHeader) -> dict[str, tuple[int, ...]]:
    return {tensor.name: tensor.shape for tensor in adapter.tensors}


def _refuse(adapter: GgufHeader, cause: str) -> ModelError:
    return ModelError(
        f"{adapter.path} cannot be averaged",
        cause=cause,
        remedy="pass adapters of one model and rank",
    )
