"""The identity of a tokenizer."""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from polyspec.errors import ModelError
from polyspec.gguf_header.values import NumberArray, StringArray

if TYPE_CHECKING:
    from polyspec.gguf_header.header import GgufHeader

_NORMAL_TOKEN = 1
_CONTROL_TOKEN, _UNUSED_TOKEN = 3, 5


def tokenizer_fingerprint(header: "GgufHeader") -> str:
    """SHA-256, in hex, over every token's bytes and type.

    Hashed are, all numbers little endian: the number of tokens (8 bytes); for each
    token in the order of its id the length of its bytes (8 bytes) and the bytes; for
    each token in the same order its type (4 bytes, 1 where the file has no types).
    Merges, scores and templates are left out: they decide which tokens a text becomes,
    not what a token is.

    Raises:
        ModelError: The file holds no vocabulary.
    """
    tokens = _tokens(header)
    types = _types(header, len(tokens))
    digest = hashlib.sha256(len(tokens).to_bytes(8, "little"))
    digest.update(tokens.raw)
    digest.update(types.astype("<i4").tobytes())
    return digest.hexdigest()


def count_common_tokens(first: "GgufHeader", second: "GgufHeader") -> int:
    """Count the leading tokens that two tokenizers have in common, 0 if they differ.

    Sizes of one family pad their vocabularies to different lengths: the longer one may
    go on, with tokens that no text becomes, where the shorter one ends.

    Raises:
        ModelError: A file holds no vocabulary.
    """
    shorter, longer = sorted((first, second), key=lambda header: len(_tokens(header)))
    tokens, count = _tokens(longer), len(_tokens(shorter))
    types = _types(longer, len(tokens))
    is_same = tokens.raw.startswith(_tokens(shorter).raw) and np.array_equal(
        types[:count], _types(shorter, count)
    )
    is_padding = np.isin(types[count:], (_CONTROL_TOKEN, _UNUSED_TOKEN)).all()
    return count if is_same and is_padding else 0


def _tokens(header: "GgufHeader") -> StringArray:
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, StringArray) or not len(tokens):
        raise ModelError(
            f"{header.path} has no tokenizer",
            cause="tokenizer.ggml.tokens is missing",
            remedy="pass a complete model, not an adapter or a projector",
        )
    return tokens


def _types(header: "GgufHeader", count: int) -> NumberArray:
    types = header.metadata.get("tokenizer.ggml.token_type")
    if not isinstance(types, np.ndarray):
        return np.full(count, _NORMAL_TOKEN)
    return types
