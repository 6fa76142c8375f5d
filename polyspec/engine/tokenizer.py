"""Text to token ids and back, by the model's own vocabulary."""

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from polyspec.engine.bindings import llama
from polyspec.errors import EngineError


class Tokenizer:
    """The vocabulary of a loaded model; valid while the model is."""

    def __init__(self, vocab: Any) -> None:
        self._vocab = vocab
        self._llama = llama()
        self.vocab_size = int(self._llama.llama_vocab_n_tokens(vocab))
        self.adds_bos = bool(self._llama.llama_vocab_get_add_bos(vocab))
        self.bos_id = int(self._llama.llama_vocab_bos(vocab))
        self.piece = lru_cache(maxsize=65536)(self._piece)
        self.is_end = lru_cache(maxsize=65536)(self._is_end)

    def encode(self, text: str, *, parse_control: bool = False) -> list[int]:
        """Return the token ids of a text, without a token for its beginning.

        Args:
            text: The text.
            parse_control: Whether control tokens written out in the text count as
                such; never set it for text that a user wrote.

        Raises:
            EngineError: llama.cpp cannot tokenize the text.
        """
        data = text.encode("utf-8", "surrogatepass").replace(b"\0", b"")
        size = len(data) + 8
        for _ in range(2):
            ids = (self._llama.llama_token * size)()
            count = self._llama.llama_tokenize(
                self._vocab, data, len(data), ids, size, False, parse_control
            )
            if count >= 0:
                return list(ids[:count])
            size = -count
        raise EngineError(
            "the text cannot be tokenized",
            cause=f"llama.cpp returned {count} for {len(data)} bytes",
            remedy="translate the text in smaller parts",
        )

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text; see `encode`."""
        return [self.encode(text) for text in texts]

    def _piece(self, token_id: int) -> bytes:
        """Return the bytes of a token; control tokens have none."""
        size = 64
        for _ in range(2):
            buffer = ctypes.create_string_buffer(size)
            count = self._llama.llama_token_to_piece(
                self._vocab, token_id, buffer, size, 0, False
            )
            if count >= 0:
                return buffer.raw[:count]
            size = -count
        return b""

    def _is_end(self, token_id: int) -> bool:
        """Whether a token ends an answer."""
        return bool(self._llama.llama_vocab_is_eog(self._vocab, token_id))
