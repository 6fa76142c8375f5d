"""The identity of a tokenizer."""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from polyspec.errors import ModelError
from polyspec.gguf_header.values import StringArray

if TYPE_CHECKING:
    from polyspec.gguf_header.header import GgufHeader

_NORMAL_TOKEN = 1


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
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, StringArray) or not len(tokens):
        raise ModelError(
            f"{header.path} has no tokenizer",
            cause="tokenizer.ggml.tokens is missing",
            remedy="pass a complete model, not an adapter or a projector",
        )
    types = header.metadata.get("tokenizer.ggml.token_type")
    if not isinstance(types, np.ndarray):
        types = np.full(len(tokens), _NORMAL_TOKEN)
    digest = hashlib.sha256(len(tokens).to_bytes(8, "little"))
    digest.update(tokens.raw)
    digest.update(types.astype("<i4").tobytes())
    return digest.hexdigest()
