"""A small draft model cut out of a target's own file: some layers, some tokens."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from polyspec.arrays import TokenArray
from polyspec.drafting import token_map as keys
from polyspec.errors import ModelError, UsageError
from polyspec.gguf_header import GgufHeader, StringArray, tokenizer_fingerprint
from polyspec.training import layers as depths
from polyspec.training.gguf_copy import (
    U32,
    Fields,
    TensorData,
    encode_ids,
    encode_number,
    encode_text,
    encode_texts,
    read_fields,
    read_tensors,
    select,
    write_gguf,
)
from polyspec.training.vocabulary import find_unknown_id, keep_merges

CARD = f"{keys.PREFIX}card."
"""What a draft says of itself, a text under each key that begins so."""
_TOKENS = "tokenizer.ggml.tokens"
_ROWS_ARE_TOKENS = ("token_embd.weight", "output.weight", "output.bias")
_LAYER = "blk."
_UNTRUE = ("general.size_label", "general.basename", "general.finetune")


@dataclass(frozen=True, slots=True)
class Cut:
    """What a draft keeps of its target."""

    layers: tuple[int, ...]
    """Rising numbers of the target's layers, from 0."""
    token_ids: TokenArray
    """Rising ids of the target's tokens, shape `(D,)`."""


def cut_model(header: GgufHeader, cut: Cut, card: Mapping[str, str], out: Path) -> None:
    """Write a draft model that llama.cpp loads like any other.

    Tensors keep the target's types, so nothing is rounded again; of embeddings and
    output the rows of the kept tokens are taken as they are.

    Args:
        header: Of the target's file.
        cut: What to keep.
        card: What the draft is to say of itself besides, for example its languages.
        out: Where it is to be.

    Raises:
        ModelError: The target cannot be cut.
        UsageError: The layers cannot work together, or the draft would replace the
            target.
        DocumentError: The file cannot be written.
    """
    require_other_file(header, out)
    depths.require_known(header)
    fields = read_fields(header)
    _trim_vocabulary(header, fields, cut.token_ids)
    _trim_layers(header, fields, cut.layers)
    _describe(header, fields, cut, card)
    write_gguf(out, fields, _trim_tensors(header, cut))


def require_other_file(header: GgufHeader, out: Path) -> None:
    """Refuse to write a draft over the model that it is made of.

    Raises:
        UsageError: Both are one file.
    """
    if out.exists() and out.samefile(header.path):
        raise UsageError(
            f"the draft would replace {header.path}",
            cause="it is what the draft is made of",
            remedy="name another file with --output",
        )


def read_card(header: GgufHeader) -> dict[str, str]:
    """What a draft says of itself."""
    return {
        key.removeprefix(CARD): value
        for key, value in header.metadata.items()
        if key.startswith(CARD) and isinstance(value, str)
    }


def _trim_vocabulary(header: GgufHeader, fields: Fields, token_ids: TokenArray) -> None:
    kept = token_ids.tolist()
    for key in [key for key in fields if key.startswith("tokenizer.ggml.")]:
        value = header.metadata[key]
        if key.endswith("_token_id"):
            token_id = header.integer(key)
            if token_id in kept:
                fields[key] = encode_number(U32, kept.index(token_id))
            else:
                del fields[key]
        elif key == "tokenizer.ggml.merges":
            tokens = header.metadata[_TOKENS]
            assert isinstance(value, StringArray)
            assert isinstance(tokens, StringArray)
            words = {tokens[token_id] for token_id in kept}
            fields[key] = encode_texts(keep_merges(value, words))
        elif _length(value) == header.vocabulary_size:
            fields[key] = select(fields[key], value, kept)
    if (size := f"{header.architecture}.vocab_size") in fields:
        fields[size] = encode_number(U32, len(kept))


def _trim_layers(header: GgufHeader, fields: Fields, layers: tuple[int, ...]) -> None:
    architecture = header.architecture
    num_layers = depths.require_known(header)
    for key in [key for key in fields if key.startswith(f"{architecture}.")]:
        if _length(header.metadata[key]) == num_layers:
            fields[key] = select(fields[key], header.metadata[key], layers)
    fields[f"{architecture}.block_count"] = encode_number(U32, len(layers))
    period = depths.find_period(header, layers)
    if period is not None:
        fields[depths.period_key(architecture)] = encode_number(U32, period)


def _length(value: object) -> int | None:
    return len(value) if isinstance(value, StringArray | np.ndarray) else None


def _describe(
    header: GgufHeader, fields: Fields, cut: Cut, card: Mapping[str, str]
) -> None:
    name = header.text("general.name") or header.path.stem
    unknown_id = int(np.searchsorted(cut.token_ids, find_unknown_id(header)))
    for key in _UNTRUE:
        fields.pop(key, None)
    fields["general.name"] = encode_text(f"{name}, cut to a draft")
    fields[keys.TARGET_IDS] = encode_ids(cut.token_ids)
    fields[keys.TARGET_FINGERPRINT] = encode_text(tokenizer_fingerprint(header))
    fields[keys.UNKNOWN_ID] = encode_number(U32, unknown_id)
    facts = {
        "target": header.path.stem,
        "layers": ",".join(map(str, cut.layers)),
        **card,
    }
    for key, value in facts.items():
        fields[f"{CARD}{key}"] = encode_text(value)


def _trim_tensors(header: GgufHeader, cut: Cut) -> Iterator[TensorData]:
    places = {layer: place for place, layer in enumerate(cut.layers)}
    for tensor in read_tensors(header):
        if tensor.name in _ROWS_ARE_TOKENS:
            yield _take_rows(header, tensor, cut.token_ids)
        elif tensor.name.startswith(_LAYER):
            number, _, rest = tensor.name.removeprefix(_LAYER).partition(".")
            place = places.get(int(number)) if number.isdecimal() else None
            if place is not None:
                yield replace(tensor, name=f"{_LAYER}{place}.{rest}")
        else:
            yield tensor


def _take_rows(
    header: GgufHeader, tensor: TensorData, token_ids: TokenArray
) -> TensorData:
    if tensor.shape[-1] != header.vocabulary_size:
        raise ModelError(
            f"no draft can be cut out of {header.path.stem}",
            cause=f"{tensor.name} has {tensor.shape[-1]} rows for "
            f"{header.vocabulary_size} tokens",
            remedy="pass another target",
        )
    rows = tensor.data.reshape(header.vocabulary_size, -1)[token_ids]
    shape = (*tensor.shape[:-1], len(token_ids))
    return TensorData(tensor.name, shape, tensor.kind, rows)
