"""A loaded model: weights and vocabulary, owned and freed once."""

import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from polyspec.engine import bindings
from polyspec.engine.adapter import load_adapter
from polyspec.engine.bindings import llama
from polyspec.engine.devices import list_devices
from polyspec.engine.tokenizer import Tokenizer
from polyspec.errors import ModelError
from polyspec.gguf_header import GgufHeader, read_gguf_header


class Model:
    """Weights in memory, on the devices that llama.cpp was told to use.

    Close it after every context made from it.
    """

    def __init__(
        self,
        path: Path,
        *,
        adapter: Path | None = None,
        gpu_layers: int = -1,
        vocab_only: bool = False,
        is_repacked: bool = True,
    ) -> None:
        """Load a GGUF file whose header is sound.

        Args:
            path: The file.
            adapter: An adapter for it, which then gives the model its path and name.
            gpu_layers: Layers to offload; -1 for all.
            vocab_only: Leave the weights out: the model can tokenize, no more.
            is_repacked: Let llama.cpp arrange weights on the processor anew where it
                can. That makes single tokens faster, and wide steps faster or slower.

        Raises:
            ModelError: The file is not a model that llama.cpp can load, or the adapter
                is not one for it.
            EngineError: llama.cpp itself cannot be loaded.
        """
        self.path = adapter or path
        self.files = (path, adapter) if adapter else (path,)
        self.gpu_layers = gpu_layers
        self.is_repacked = is_repacked
        self.header: GgufHeader = read_gguf_header(path)
        library = llama()
        params = library.llama_model_default_params()
        params.n_gpu_layers = gpu_layers
        params.vocab_only = vocab_only
        params.use_extra_bufts = is_repacked
        bindings.forget_log()
        self._closing = ExitStack()
        handle = library.llama_model_load_from_file(os.fsencode(path), params)
        if not handle:
            raise ModelError(
                f"{path} cannot be loaded",
                cause=bindings.last_complaint("llama.cpp gave no reason"),
                remedy="free memory, or check the file with polyspec models verify",
            )
        self.handle: Any = handle
        self._closing.callback(library.llama_model_free, handle)
        self.adapter: Any = None
        if adapter is not None and not vocab_only:
            try:
                self.adapter = load_adapter(handle, adapter)
            except ModelError:
                self.close()
                raise
        self.tokenizer = Tokenizer(library.llama_model_get_vocab(handle))

    @property
    def description(self) -> str:
        """Architecture, size and quantisation, as llama.cpp words them."""
        import ctypes

        buffer = ctypes.create_string_buffer(256)
        llama().llama_model_desc(self.handle, buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace")

    @property
    def max_context(self) -> int:
        """Longest context the model was trained for, in tokens."""
        return int(llama().llama_model_n_ctx_train(self.handle))

    @property
    def num_layers(self) -> int:
        return int(llama().llama_model_n_layer(self.handle))

    @property
    def uses_gpu(self) -> bool:
        """Whether layers are offloaded, and there is a GPU to take them."""
        return self.gpu_layers != 0 and any(
            device.kind == "gpu" for device in list_devices()
        )

    @property
    def can_trim(self) -> bool:
        """Whether the memory of this architecture can drop its tail."""
        library = llama()
        return not (
            library.llama_model_is_recurrent(self.handle)
            or library.llama_model_is_hybrid(self.handle)
        )

    @property
    def can_write(self) -> bool:
        """Whether the model writes text one token after another."""
        library = llama()
        return bool(library.llama_model_has_decoder(self.handle)) and not (
            library.llama_model_has_encoder(self.handle)
            or library.llama_model_is_diffusion(self.handle)
        )

    def cache_bytes_per_token(self) -> int:
        """Memory of the KV cache for one token with 16-bit numbers, roughly."""
        library = llama()
        heads = max(1, library.llama_model_n_head(self.handle))
        shared = library.llama_model_n_head_kv(self.handle) / heads
        width = library.llama_model_n_embd(self.handle) * shared
        return int(4 * width * library.llama_model_n_layer(self.handle))

    def close(self) -> None:
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
