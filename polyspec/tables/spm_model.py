"""A SentencePiece model from the pieces and scores of a GGUF file.

The model is a protocol buffer; only the fields that tokenizing needs are written.
Source: sentencepiece_model.proto of github.com/google/sentencepiece.
"""

import struct

import numpy as np

from polyspec.errors import ModelError
from polyspec.gguf_header import GgufHeader, StringArray

_VARINT, _BYTES, _FLOAT = 0, 2, 5
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_BPE = 2
_UNKNOWN, _USER_DEFINED, _UNUSED, _BYTE = 2, 4, 5, 6
_ESCAPED_SPACE = "▁".encode()


def make_spm_model(header: GgufHeader) -> bytes:
    """The serialized model; token ids are those of the file.

    Raises:
        ModelError: The file has no scores or types.
    """
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    scores = header.metadata.get("tokenizer.ggml.scores")
    types = header.metadata.get("tokenizer.ggml.token_type")
    if not (
        isinstance(tokens, StringArray)
        and isinstance(scores, np.ndarray)
        and isinstance(types, np.ndarray)
    ):
        raise ModelError(
            f"{header.path} cannot tokenize texts for a table",
            cause="its vocabulary has no scores or no types",
            remedy="pass the complete model",
        )
    unknown_id = header.integer("tokenizer.ggml.unknown_token_id") or 0
    adds_space = bool(header.metadata.get("tokenizer.ggml.add_space_prefix", True))
    has_bytes = bool((types == _BYTE).any())
    parts = [
        _field(_PIECES, _BYTES, _piece(piece, score, _kind(kind, id_, unknown_id)))
        for id_, (piece, score, kind) in enumerate(
            zip(tokens, scores.tolist(), types.tolist(), strict=True)
        )
    ]
    return b"".join(parts) + _settings(tokens[unknown_id], adds_space, has_bytes)


def _kind(kind: int, token_id: int, unknown_id: int) -> int:
    # SentencePiece wants exactly one unknown piece.
    if token_id == unknown_id:
        return _UNKNOWN
    return _UNUSED if kind == _UNKNOWN else kind


def _piece(piece: bytes, score: float, kind: int) -> bytes:
    if kind == _USER_DEFINED:
        # Converters write these as the text has them; matching comes after escaping.
        piece = piece.replace(b" ", _ESCAPED_SPACE)
    return (
        _field(1, _BYTES, piece)
        + _field(2, _FLOAT, struct.pack("<f", score))
        + _field(3, _VARINT, _varint(kind))
    )


def _settings(unknown: bytes, adds_space: bool, has_bytes: bool) -> bytes:
    trainer = (
        _field(3, _VARINT, _varint(_BPE))
        + _field(35, _VARINT, _varint(has_bytes))
        + _field(45, _BYTES, unknown)
    )
    normalizer = (
        _field(1, _BYTES, b"identity")
        + _field(3, _VARINT, _varint(adds_space))
        + _field(4, _VARINT, _varint(False))
        + _field(5, _VARINT, _varint(True))
    )
    return _field(_TRAINER, _BYTES, trainer) + _field(_NORMALIZER, _BYTES, normalizer)


def _field(number: int, wire_type: int, content: bytes) -> bytes:
    length = _varint(len(content)) if wire_type == _BYTES else b""
    return _varint(number << 3 | wire_type) + length + content


def _varint(number: int) -> bytes:
    raw = bytearray()
    while number > 0x7F:
        raw.append(number & 0x7F | 0x80)
        number >>= 7
    raw.append(number)
    return bytes(raw)
