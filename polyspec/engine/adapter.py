"""Low-rank adapters: loaded beside a model, in effect in a context."""

import ctypes
import os
from pathlib import Path
from typing import Any

from polyspec.engine import bindings
from polyspec.engine.bindings import llama
from polyspec.errors import EngineError, ModelError

_FULL_STRENGTH = 1.0


def load_adapter(model: Any, path: Path) -> Any:
    """Load a GGUF adapter for a model handle; it is freed with the model.

    Raises:
        ModelError: It is no adapter, or one for a model of other sizes.
    """
    bindings.forget_log()
    handle = llama().llama_adapter_lora_init(model, os.fsencode(path))
    if not handle:
        raise ModelError(
            f"the adapter {path} cannot be loaded",
            cause=bindings.last_complaint("llama.cpp gave no reason"),
            remedy="use it with the model that it was made for",
        )
    return handle


def use_adapter(context: Any, adapter: Any) -> None:
    """Let a context compute with an adapter from now on.

    Raises:
        EngineError: llama.cpp refuses.
    """
    library = llama()
    adapters = (library.llama_adapter_lora_p_ctypes * 1)(adapter)
    scales = (ctypes.c_float * 1)(_FULL_STRENGTH)
    if library.llama_set_adapters_lora(context, adapters, 1, scales):
        raise EngineError(
            "the adapter cannot be used",
            cause=bindings.last_complaint("llama.cpp gave no reason"),
            remedy="use the model without it",
        )
