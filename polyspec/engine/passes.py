"""Cuts a step into the passes in which llama.cpp's processor kernels are fast."""

from collections.abc import Iterator, Sequence

from polyspec.decoding.interfaces import Chunk

MOST_ROWS = 63
"""From 64 tokens on, flash attention works in tiles of 64, and holds all of a tile
against every cell that one of them sees."""
_MANY = 16
"""With fewer sequences, most cells of a tile are its own and one pass is cheaper."""


def split_passes(chunks: Sequence[Chunk]) -> list[Sequence[Chunk]]:
    """Divide a step so that tokens of many sequences never share a tile.

    The next token of each of 64 texts sees the cells of its own text only, but in one
    tile it would be held against those of all: with 64 cells each, a step of Qwen2.5
    1.5B took 1.7 times as long. Tokens of a prompt stand together and share their
    cells, so prompts may be read in one wide pass.

    Args:
        chunks: Of one step: those that decode, then prompts.

    Returns:
        The chunks of each pass; all in order.
    """
    if len(chunks) < _MANY or _count(chunks) <= MOST_ROWS:
        return [chunks]
    num_decoding = 0
    while num_decoding < len(chunks) and _is_decoding(chunks[num_decoding]):
        num_decoding += 1
    passes = list(_split_evenly(chunks[:num_decoding]))
    if num_decoding < len(chunks):
        passes.append(chunks[num_decoding:])
    return passes


def _split_evenly(chunks: Sequence[Chunk]) -> Iterator[Sequence[Chunk]]:
    """Yield as few passes as hold the chunks, of about the same width."""
    num_rows = _count(chunks)
    share = num_rows / max(1, -(-num_rows // MOST_ROWS))
    start = width = 0
    for end, chunk in enumerate(chunks):
        size = len(chunk.token_ids)
        if end > start and (width >= share or width + size > MOST_ROWS):
            yield chunks[start:end]
            start, width = end, 0
        width += size
    if start < len(chunks):
        yield chunks[start:]


def _is_decoding(chunk: Chunk) -> bool:
    return chunk.num_outputs == len(chunk.token_ids)


def _count(chunks: Sequence[Chunk]) -> int:
    return sum(len(chunk.token_ids) for chunk in chunks)
