"""Tokenizing texts for a table: in bulk, or by llama.cpp where that is not known."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from polyspec.engine.model import Model
from polyspec.engine.tokenizer import Tokenizer
from polyspec.errors import ModelError
from polyspec.gguf_header import GgufHeader
from polyspec.tables.encoder import Encoder, make_encoder


@contextmanager
def open_encoder(header: GgufHeader, note: Callable[[str], None]) -> Iterator[Encoder]:
    """Tokenize as the model of a header does.

    Args:
        header: Of the model file.
        note: Told when llama.cpp has to do it, line by line.

    Raises:
        ModelError: llama.cpp cannot load the vocabulary either.
    """
    try:
        encoder = make_encoder(header)
    except ModelError as error:
        note(f"llama.cpp tokenizes, which takes longer: {error.cause}")
        with Model(header.path, gpu_layers=0, vocab_only=True) as model:
            yield _LlamaEncoder(model.tokenizer)
    else:
        yield encoder


def make_decoder(header: GgufHeader) -> Callable[[Sequence[int]], str]:
    """What turns token ids of a model into text; broken characters are marked.

    Raises:
        ModelError: llama.cpp cannot load the vocabulary.
    """
    with Model(header.path, gpu_layers=0, vocab_only=True) as model:
        pieces = [model.tokenizer.piece(i) for i in range(model.tokenizer.vocab_size)]

    def decode(ids: Sequence[int]) -> str:
        return b"".join(pieces[i] for i in ids).decode("utf-8", "replace")

    return decode


class _LlamaEncoder:
    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        return [self._tokenizer.encode(line) for line in lines]
