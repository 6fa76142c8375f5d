"""Many texts side by side on a processor, each with cells of its own.

In one cache for all, attention looks through the cells of every text to find those of
its own: with 75 texts of Qwen2.5 1.5B, a seventh of the time of a step. llama.cpp can
give each sequence a *stream*, a part of the cache that only this one looks through, but
then cuts a step where sequences take different numbers of tokens. So prompts, drafts
and the last few texts stay in the common cache, and texts which all take one token are
in a second context, made of streams.
"""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace

import numpy as np

from polyspec.arrays import LogitsArray
from polyspec.decoding.interfaces import Chunk
from polyspec.decoding.step_cost import fill_up
from polyspec.engine.target import LlamaTarget
from polyspec.errors import EngineError

STREAM_CELLS = 256
"""Tokens of a text in a stream; one that grows longer goes back to the common cache.
llama.cpp rounds up to a multiple of this."""
MIN_STREAMS = 16
"""Fewer texts have few cells to look through, and may have drafts."""


class StreamTarget:
    """`decoding.Target` over a context and another one of the same model, of streams.

    That one is made when there are first enough texts for it. Where memory does not
    suffice, all stay in the common cache.
    """

    def __init__(self, common: LlamaTarget, num_streams: int) -> None:
        """Add streams to a context.

        Args:
            common: Has room for all sequences; it stays open. The model's memory can
                be trimmed.
            num_streams: Most texts that get one.
        """
        self.vocab_size = common.vocab_size
        self.context_size = common.context_size
        self.max_batch = common.max_batch
        self.max_outputs = common.max_outputs
        self.can_trim = common.can_trim
        self._common = common
        self._num_streams = num_streams
        self._streams: LlamaTarget | None = None
        self._stream_of: dict[int, int] = {}
        self._joined: LogitsArray = np.empty((0, self.vocab_size), dtype=np.float32)
        self._closing = ExitStack()

    def evaluate(self, chunks: Sequence[Chunk]) -> LogitsArray:
        """Append the chunks to their sequences and return the wanted logits."""
        alike = self._choose(chunks)
        streams = self._open() if alike else None
        if streams and self._place(streams, [chunk.sequence_id for chunk in alike]):
            return self._evaluate_both(streams, chunks, alike)
        self._take_back(self._stream_of.keys())
        return self._common.evaluate(chunks)

    def _choose(self, chunks: Sequence[Chunk]) -> list[Chunk]:
        """Return the chunks that go through streams, or none."""
        alike = [
            chunk
            for chunk in chunks
            if len(chunk.token_ids) == chunk.num_outputs == 1
            and 0 < chunk.position < STREAM_CELLS
        ]
        return alike[: self._num_streams] if len(alike) >= MIN_STREAMS else []

    def _open(self) -> LlamaTarget | None:
        """Return the context of streams; None where memory does not suffice."""
        if self._streams is None and self._num_streams:
            # With those that fill up a step.
            num_sequences = fill_up(self._num_streams, self._common.tile)
            options = replace(
                self._common.options,
                num_sequences=num_sequences,
                context_size=num_sequences * STREAM_CELLS,
                max_batch=self._num_streams,
                max_outputs=self._num_streams,
                has_streams=True,
            )
            try:
                self._streams = self._common.make_sibling(options)
            except EngineError:
                self._num_streams = 0
                return None
            self._closing.enter_context(closing(self._streams))
        return self._streams

    def _place(self, streams: LlamaTarget, sequence_ids: Sequence[int]) -> bool:
        """Let these be in the first streams, and nothing in the others.

        llama.cpp takes in one piece only sequences whose numbers follow each other.

        Returns:
            Whether they are. If llama.cpp refuses, streams are not used again.
        """
        self._take_back(self._stream_of.keys() - sequence_ids)
        num_first = len(sequence_ids)
        free = set(range(num_first)).difference(self._stream_of.values())
        try:
            for sequence_id in sequence_ids:
                if self._stream_of.get(sequence_id, num_first) >= num_first:
                    self._move(streams, sequence_id, free.pop())
        except EngineError:
            self._num_streams = 0
            return False
        return True

    def _move(self, streams: LlamaTarget, sequence_id: int, stream: int) -> None:
        """Move a sequence from where it is to an empty stream."""
        owner, own_id = self._find(sequence_id)
        # It stays where it is until it is in the stream.
        streams.restore(stream, owner.save(own_id))
        owner.release(own_id)
        self._stream_of[sequence_id] = stream

    def _take_back(self, sequence_ids: Iterable[int]) -> None:
        """Move sequences from streams to the common cache."""
        for sequence_id in list(sequence_ids):
            assert self._streams is not None
            stream = self._stream_of.pop(sequence_id)
            self._common.restore(sequence_id, self._streams.save(stream))
            self._streams.release(stream)

    def _evaluate_both(
        self, streams: LlamaTarget, chunks: Sequence[Chunk], alike: Sequence[Chunk]
    ) -> LogitsArray:
        in_streams = {chunk.sequence_id for chunk in alike}
        rest = [chunk for chunk in chunks if chunk.sequence_id not in in_streams]
        moved = [
            replace(chunk, sequence_id=self._stream_of[chunk.sequence_id])
            for chunk in alike
        ]
        moved.sort(key=lambda chunk: chunk.sequence_id)
        rows = streams.evaluate(moved)
        others = self._common.evaluate(rest) if rest else rows[:0]
        return self._join(chunks, rows, others)

    def _join(
        self, chunks: Sequence[Chunk], rows: LogitsArray, others: LogitsArray
    ) -> LogitsArray:
        """Return all rows in the order of the chunks."""
        num_rows = len(rows) + len(others)
        if num_rows > len(self._joined):
            # Kept, as fresh memory would cost more than the copy.
            self._joined = np.empty((num_rows, self.vocab_size), dtype=np.float32)
        logits = self._joined[:num_rows]
        first = next_other = 0
        for chunk in chunks:
            end = first + chunk.num_outputs
            stream = self._stream_of.get(chunk.sequence_id)
            if stream is not None:
                logits[first] = rows[stream]
            else:
                logits[first:end] = others[next_other : next_other + end - first]
                next_other += end - first
            first = end
        return logits

    def copy_prefix(self, from_id: int, to_id: int, num_tokens: int) -> None:
        """Let the empty sequence `to_id` begin with tokens of `from_id`."""
        self._take_back(self._stream_of.keys() & {from_id})
        self._common.copy_prefix(from_id, to_id, num_tokens)

    def trim(self, sequence_id: int, num_tokens: int) -> None:
        """Keep the first `num_tokens` tokens of a sequence."""
        owner, own_id = self._find(sequence_id)
        owner.trim(own_id, num_tokens)

    def release(self, sequence_id: int) -> None:
        """Forget a sequence."""
        owner, own_id = self._find(sequence_id)
        owner.release(own_id)
        self._stream_of.pop(sequence_id, None)

    def _find(self, sequence_id: int) -> tuple[LlamaTarget, int]:
        stream = self._stream_of.get(sequence_id)
        if stream is None or self._streams is None:
            return self._common, sequence_id
        return self._streams, stream

    def close(self) -> None:
        """Free the streams; the common context stays."""
        self._closing.close()
