"""Text to token ids in bulk, without llama.cpp, as the model itself would do it."""

import json
from collections.abc import Sequence
from typing import Protocol

from polyspec.errors import ModelError
from polyspec.gguf_header import GgufHeader, StringArray
from polyspec.tables.spm_model import make_spm_model

_QWEN2 = (
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
    r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
# Each digit stands alone, so the text before it ends there.
_SMOLLM = _GPT2.replace(r" ?\p{N}+", r"\p{N}").replace(r"(?!\S)", r"(?![^\s\p{N}])")
_SPLITS = {
    "qwen2": _QWEN2,
    "llama-bpe": _QWEN2.replace(r"\p{N}|", r"\p{N}{1,3}|"),
    "smollm": _SMOLLM,
    "gpt-2": _GPT2,
}
"""How each kind of byte-level vocabulary cuts text before merging.

Source: llama-vocab.cpp of llama.cpp.
"""
_MAX_WORDS = 1_000_000
"""Distinct words kept between batches."""


class Encoder(Protocol):
    """Tokenizes many lines at once on several threads."""

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each line, without one for its beginning."""
        ...


def make_encoder(header: GgufHeader) -> Encoder:
    """An encoder for the vocabulary of a model file.

    Raises:
        ModelError: The vocabulary is of a kind that tables cannot be built for.
    """
    kind = header.text("tokenizer.ggml.model")
    if kind == "llama":
        return _SpmEncoder(make_spm_model(header))
    pre = header.text("tokenizer.ggml.pre") or "gpt-2"
    if kind == "gpt2" and pre in _SPLITS:
        return _BpeEncoder(header, _SPLITS[pre])
    raise ModelError(
        f"no table can be built for {header.path}",
        cause=f"its tokenizer is {kind!r} with {pre!r}; known are 'llama' and "
        f"'gpt2' with {', '.join(_SPLITS)}",
        remedy="choose another model",
    )


class _SpmEncoder:
    def __init__(self, model: bytes) -> None:
        from sentencepiece import SentencePieceProcessor

        self._processor = SentencePieceProcessor(model_proto=model)

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        ids: list[list[int]] = self._processor.encode(list(lines), num_threads=-1)
        return ids


class _BpeEncoder:
    """Merges each distinct word once: most words of a text were met before."""

    def __init__(self, header: GgufHeader, pattern: str) -> None:
        import regex
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_str(json.dumps(_bpe_config(header)))
        self._split = regex.compile(pattern).findall
        self._ids_of: dict[str, list[int]] = {}

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        words = [self._split(line) for line in lines]
        if len(self._ids_of) > _MAX_WORDS:
            self._ids_of.clear()
        known = self._ids_of
        fresh = list({word for line in words for word in line if word not in known})
        encoded = self._tokenizer.encode_batch_fast(fresh, add_special_tokens=False)
        known.update(
            (word, result.ids) for word, result in zip(fresh, encoded, strict=True)
        )
        return [[token for word in line for token in known[word]] for line in words]


def _bpe_config(header: GgufHeader) -> dict[str, object]:
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    merges = header.metadata.get("tokenizer.ggml.merges")
    if not isinstance(tokens, StringArray) or not isinstance(merges, StringArray):
        raise ModelError(
            f"{header.path} cannot tokenize texts for a table",
            cause="its vocabulary has no merges",
            remedy="pass the complete model",
        )
    return {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "ByteLevel",
            "add_prefix_space": False,
            "trim_offsets": False,
            "use_regex": False,
        },
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "BPE",
            "vocab": {_text(token): id_ for id_, token in enumerate(tokens)},
            "merges": [_text(merge) for merge in merges],
        },
    }


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
