"""The yardstick: `llama_decode` in a bare loop with argmax, nothing around it."""

import ctypes
import time
from collections.abc import Sequence

import numpy as np

from polyspec.decoding.interfaces import Chunk
from polyspec.engine.bindings import decode_error, llama
from polyspec.engine.target import LlamaTarget


class BareLoop:
    """Decodes one token after another as plainly as Python can."""

    def __init__(self, target: LlamaTarget, sequence_id: int) -> None:
        """Use a sequence of the target that nobody else uses."""
        self._target = target
        self._sequence_id = sequence_id

    def time_tokens(self, prompt_ids: Sequence[int], num_tokens: int) -> float:
        """Return the seconds from the first written token to the last."""
        library, target = llama(), self._target
        context = target.handle
        row = target.evaluate([Chunk(self._sequence_id, 0, prompt_ids, 1)])
        token = int(row[0].argmax())
        batch = library.llama_batch_init(1, 0, 1)
        vocab_size = target.vocab_size
        try:
            batch.n_tokens = 1
            batch.n_seq_id[0] = 1
            batch.seq_id[0][0] = self._sequence_id
            batch.logits[0] = 1
            started = time.perf_counter()
            for position in range(len(prompt_ids), len(prompt_ids) + num_tokens - 1):
                batch.token[0] = token
                batch.pos[0] = position
                code = library.llama_decode(context, batch)
                if code:
                    raise decode_error(code)
                logits = library.llama_get_logits_ith(context, 0)
                start = ctypes.cast(logits, ctypes.c_void_p).value
                memory = (ctypes.c_float * vocab_size).from_address(start or 0)
                token = int(np.ctypeslib.as_array(memory).argmax())
            return time.perf_counter() - started
        finally:
            library.llama_batch_free(batch)
            target.release(self._sequence_id)
