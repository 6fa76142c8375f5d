"""`decoding.Target` over a llama.cpp context."""

import ctypes
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from polyspec.arrays import LogitsArray, StateArray
from polyspec.decoding.interfaces import Chunk
from polyspec.decoding.step_cost import StepCost, fill_up
from polyspec.engine import bindings
from polyspec.engine.adapter import use_adapter
from polyspec.engine.bindings import llama
from polyspec.engine.headroom import require_memory
from polyspec.engine.model import Model
from polyspec.engine.passes import MOST_ROWS, split_passes
from polyspec.engine.sequence_state import SequenceState, build_state, parse_state
from polyspec.engine.threads import ThreadGovernor, default_threads
from polyspec.errors import EngineError

_FLASH_ATTENTION_ENABLED = 1
_CACHE_TYPES = {
    "f32": 0,
    "f16": 1,
    "q4_0": 2,
    "q4_1": 3,
    "q5_0": 6,
    "q5_1": 7,
    "q8_0": 8,
    "bf16": 30,
}
"""Values of `ggml_type`."""
MAX_SEQUENCES = 256
"""LLAMA_MAX_SEQ of llama.cpp."""
_LOGIT_BYTES = 4
_SPARE_ROWS = 4
"""Beyond what is asked for, to fill up a step."""
_WINDOW_ONLY = 1
"""LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY: leave out what has no window."""


@dataclass(frozen=True, slots=True)
class ContextOptions:
    """What a context is made with."""

    num_sequences: int
    context_size: int
    """Tokens, all sequences together."""
    max_batch: int = 512
    max_outputs: int = 128
    """Most rows of logits in one step; memory for them is reserved."""
    num_threads: int | None = None
    kv_type: str = "f16"
    has_streams: bool = False
    """Whether each sequence has an equal part of the cache that no other looks through.
    A step is then fast only if its chunks are of one size, and those of the first
    sequences, in order."""


def _require_memory(model: Model, options: ContextOptions) -> None:
    """Refuse a context that no memory here could hold.

    One copy of the logits is computed, another one is read, and where a step takes
    several passes a third one joins what they gave.
    """
    require_memory(
        options.context_size,
        options.context_size * model.cache_bytes_per_token(),
        options.kv_type,
        3 * options.max_outputs * model.tokenizer.vocab_size * _LOGIT_BYTES,
    )


def _pointer_to(state: StateArray) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))


def _move_error() -> EngineError:
    return EngineError(
        "a text could not be moved to other cells of the KV cache",
        cause=bindings.last_complaint("llama.cpp gave no reason"),
        remedy="pass a larger --ctx or a smaller --parallel",
    )


class LlamaTarget:
    """A context of one model. Used by one thread; freed by `close`."""

    def __init__(self, model: Model, options: ContextOptions) -> None:
        """Make a context.

        Raises:
            EngineError: There is not enough memory, or the options do not fit the
                model.
        """
        self._llama = llama()
        self.model = model
        self.options = options
        self.num_threads = options.num_threads or default_threads()
        self.vocab_size = model.tokenizer.vocab_size
        self.can_trim = model.can_trim
        self.num_steps = 0
        self._uses_gpu = model.uses_gpu
        self._closing = ExitStack()
        self.handle: Any = self._make_context()
        self._closing.callback(self._llama.llama_free, self.handle)
        if model.adapter is not None:
            use_adapter(self.handle, model.adapter)
        self._memory = self._llama.llama_get_memory(self.handle)
        self.context_size = int(self._llama.llama_n_ctx(self.handle))
        self.max_batch = min(options.max_batch, self._most_tokens)
        self.max_outputs = options.max_outputs
        self._governor: ThreadGovernor | None = None
        self._expected: StepCost | None = None
        self.tile = 1
        """Wider steps are filled up to a multiple of it."""
        self._state: StateArray = np.empty(0, dtype=np.uint8)
        self._make_batch()

    def _make_context(self) -> Any:
        options = self.options
        if not 1 <= options.num_sequences <= MAX_SEQUENCES:
            raise ValueError(
                f"num_sequences must be 1 to {MAX_SEQUENCES}: {options.num_sequences}"
            )
        _require_memory(self.model, options)
        params = self._llama.llama_context_default_params()
        params.n_ctx = options.context_size
        params.n_batch = params.n_ubatch = self._most_tokens
        params.n_seq_max = options.num_sequences + self._has_spare
        params.n_outputs_max = min(options.max_outputs + _SPARE_ROWS, params.n_batch)
        params.n_threads = params.n_threads_batch = self.num_threads
        params.type_k = params.type_v = _CACHE_TYPES[options.kv_type]
        # Flash attention is what makes narrow steps equal single tokens bit for bit.
        params.flash_attn_type = _FLASH_ATTENTION_ENABLED
        # Sliding-window models keep all positions, so that rejected drafts and copied
        # prefixes never reach behind what is kept.
        params.swa_full = True
        params.kv_unified = not options.has_streams
        params.no_perf = True
        bindings.forget_log()
        context = self._llama.llama_init_from_model(self.model.handle, params)
        if not context:
            raise EngineError(
                f"no context of {options.context_size} tokens could be made",
                cause=bindings.last_complaint("llama.cpp gave no reason"),
                remedy="pass a smaller --ctx, fewer --gpu-layers or another --kv-type",
            )
        return context

    @property
    def _most_tokens(self) -> int:
        """Most tokens of a step, those that fill it up among them."""
        options = self.options
        return min(options.max_batch + _SPARE_ROWS, options.context_size)

    @property
    def _has_spare(self) -> bool:
        """Whether there is one more sequence, for what fills up a step."""
        options = self.options
        return not options.has_streams and options.num_sequences < MAX_SEQUENCES

    def _make_batch(self) -> None:
        """Own the arrays of a `llama_batch`, so that NumPy fills them."""
        size = self._most_tokens
        self._tokens = np.zeros(size, dtype=np.int32)
        self._positions = np.zeros(size, dtype=np.int32)
        self._sequence_ids = np.zeros(size, dtype=np.int32)
        self._outputs = np.zeros(size, dtype=np.int8)
        self._counts = np.ones(size, dtype=np.int32)
        step = self._sequence_ids.itemsize
        self._pointers = (
            self._sequence_ids.ctypes.data + step * np.arange(size)
        ).astype(np.uintp)
        batch = self._llama.llama_batch()
        for name, array in (
            ("token", self._tokens),
            ("pos", self._positions),
            ("n_seq_id", self._counts),
            ("seq_id", self._pointers),
            ("logits", self._outputs),
        ):
            kind = dict(self._llama.llama_batch._fields_)[name]
            setattr(batch, name, ctypes.cast(array.ctypes.data, kind))
        self._batch = batch

    def evaluate(self, chunks: Sequence[Chunk]) -> LogitsArray:
        """Append the chunks to their sequences and return the wanted logits."""
        width = sum(len(chunk.token_ids) for chunk in chunks)
        num_rows = sum(chunk.num_outputs for chunk in chunks)
        if not 0 < width <= self.max_batch or num_rows > self.max_outputs:
            raise ValueError(
                f"a step takes 1 to {self.max_batch} tokens and {self.max_outputs} "
                f"outputs: {width} tokens, {num_rows} outputs"
            )
        bindings.forget_log()
        started = time.perf_counter()
        is_whole = self._uses_gpu or self.options.has_streams
        passes = [chunks] if is_whole else split_passes(chunks)
        if len(passes) == 1:
            self._decode(chunks)
            logits = self._rows(num_rows)
        else:
            logits = self._evaluate_passes(passes, num_rows)
        self.num_steps += 1
        if self._governor and self._expected and width <= self._expected.max_width:
            self._llama.llama_synchronize(self.handle)
            elapsed = time.perf_counter() - started
            self._adopt(self._governor.after_step(elapsed, self._expected.of(width)))
        return logits

    def _evaluate_passes(
        self, passes: Sequence[Sequence[Chunk]], num_rows: int
    ) -> LogitsArray:
        """Decode one after another; each pass overwrites the logits of the last."""
        logits = np.empty((num_rows, self.vocab_size), dtype=np.float32)
        first = 0
        for chunks in passes:
            self._decode(chunks)
            end = first + sum(chunk.num_outputs for chunk in chunks)
            logits[first:end] = self._rows(end - first)
            first = end
        return logits

    def _decode(self, chunks: Sequence[Chunk]) -> None:
        tokens: list[int] = []
        positions: list[int] = []
        sequence_ids: list[int] = []
        outputs: list[int] = []
        for chunk in chunks:
            size = len(chunk.token_ids)
            tokens += chunk.token_ids
            positions += range(chunk.position, chunk.position + size)
            sequence_ids += [chunk.sequence_id] * size
            outputs += [0] * (size - chunk.num_outputs) + [1] * chunk.num_outputs
        filling = self._fill_up(len(tokens), sum(outputs), len(chunks))
        width = len(tokens) + len(filling)
        self._tokens[:width] = tokens + [0] * len(filling)
        self._positions[:width] = positions + [token[1] for token in filling]
        self._sequence_ids[:width] = sequence_ids + [token[0] for token in filling]
        self._outputs[:width] = outputs + [1] * len(filling)
        self._batch.n_tokens = width
        code = self._llama.llama_decode(self.handle, self._batch)
        for sequence_id in {token[0] for token in filling}:
            self.release(sequence_id)
        if code and filling:
            # There may be room for the step as it is.
            self._batch.n_tokens = len(tokens)
            code = self._llama.llama_decode(self.handle, self._batch)
        if code:
            raise bindings.decode_error(code)

    def _fill_up(
        self, width: int, num_rows: int, num_chunks: int
    ) -> list[tuple[int, int]]:
        """Return sequence and position of tokens that fill up a step.

        Where rows and tokens are not the same it reads prompts, and is left alone.
        """
        filled = fill_up(width, self.tile)
        if filled == width or num_rows < width or filled > self._most_tokens:
            return []
        num_tokens = filled - width
        if self.options.has_streams:
            # The first streams are in use, the others empty.
            if filled > self.options.num_sequences:
                return []
            return [(num_chunks + number, 0) for number in range(num_tokens)]
        if not self._has_spare or filled > MOST_ROWS >= width:
            return []
        return [(self.options.num_sequences, place) for place in range(num_tokens)]

    def _rows(self, num_rows: int) -> LogitsArray:
        if not num_rows:
            return np.empty((0, self.vocab_size), dtype=np.float32)
        start = ctypes.cast(
            self._llama.llama_get_logits(self.handle), ctypes.c_void_p
        ).value
        if start is None:
            raise EngineError(
                "the model gave no logits",
                cause="llama_get_logits returned nothing",
                remedy="report this with the output of polyspec doctor",
            )
        count = num_rows * self.vocab_size
        memory = (ctypes.c_float * count).from_address(start)
        return np.ctypeslib.as_array(memory).reshape(num_rows, self.vocab_size)

    def govern(self, expected: StepCost) -> None:
        """From now on, do what makes steps cheap.

        Fill them up where a larger one costs less, and use fewer threads when they
        turn far slower than expected.

        Args:
            expected: The ladder of this context.
        """
        self.tile = expected.tile
        self._expected = expected
        self._governor = ThreadGovernor(self.num_threads)

    def _adopt(self, num_threads: int) -> None:
        if num_threads != self.num_threads:
            self.num_threads = num_threads
            self._llama.llama_set_n_threads(self.handle, num_threads, num_threads)

    def copy_prefix(self, from_id: int, to_id: int, num_tokens: int) -> None:
        self._llama.llama_memory_seq_cp(self._memory, from_id, to_id, 0, num_tokens)

    def trim(self, sequence_id: int, num_tokens: int) -> None:
        if not self._llama.llama_memory_seq_rm(
            self._memory, sequence_id, num_tokens, -1
        ):
            raise EngineError(
                "rejected draft tokens cannot be removed from the KV cache",
                cause="this model's memory cannot drop its tail",
                remedy="pass --draft none",
            )

    def release(self, sequence_id: int) -> None:
        self._llama.llama_memory_seq_rm(self._memory, sequence_id, -1, -1)

    def save(self, sequence_id: int) -> SequenceState:
        """Return what the cache holds of a sequence, for `restore`.

        Returns:
            Memory that the next call overwrites.

        Raises:
            EngineError: llama.cpp refuses.
        """
        size = self._llama.llama_state_seq_get_size(self.handle, sequence_id)
        window_size = self._llama.llama_state_seq_get_size_ext(
            self.handle, sequence_id, _WINDOW_ONLY
        )
        if size > len(self._state):
            self._state = np.empty(2 * size, dtype=np.uint8)
        state = self._state[:size]
        if size != self._llama.llama_state_seq_get_data(
            self.handle, _pointer_to(state), size, sequence_id
        ):
            raise _move_error()
        stream = sequence_id if self.options.has_streams else 0
        return parse_state(state, window_size, self._num_streams, stream)

    def restore(self, sequence_id: int, state: SequenceState) -> None:
        """Let an empty sequence hold what `save` of any context of the model returned.

        Raises:
            EngineError: There are not enough cells, or llama.cpp refuses. The sequence
                is empty.
        """
        found = build_state(state, self._num_streams)
        if not self._llama.llama_state_seq_set_data(
            self.handle, _pointer_to(found), len(found), sequence_id
        ):
            raise _move_error()

    @property
    def _num_streams(self) -> int:
        return self.options.num_sequences if self.options.has_streams else 1

    def make_sibling(self, options: ContextOptions | None = None) -> "LlamaTarget":
        """Make another context of the same model that is treated alike.

        Args:
            options: Of the new context; without them, those of this one.
        """
        sibling = LlamaTarget(self.model, options or self.options)
        if self._expected:
            sibling.govern(self._expected)
        return sibling

    def close(self) -> None:
        """Free the context; the model stays."""
        self._closing.close()
