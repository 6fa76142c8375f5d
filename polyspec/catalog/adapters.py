"""Adapters: small files that change a model, installed like one."""

from pathlib import Path

from polyspec.catalog.store import find_model
from polyspec.errors import ModelError
from polyspec.gguf_header import GgufHeader, read_gguf_header, tokenizer_fingerprint

BASE_KEY = "general.base_model.0.name"
TOKENIZER_KEY = "polyspec.adapter.tokenizer"
"""Fingerprint of the tokenizer of the model that it was made for."""
PROFILE_KEY = "polyspec.adapter.prompt_profile"
"""The prompt profile that it was trained for."""


def is_adapter(header: GgufHeader) -> bool:
    """Whether a file holds an adapter instead of a model."""
    return header.text("general.type") == "adapter"


def find_base(adapter: GgufHeader) -> Path:
    """The file of the installed model that an adapter was made for.

    Raises:
        ModelError: The adapter does not name it, it is not installed, or it has
            another tokenizer.
    """
    name = adapter.text(BASE_KEY)
    if not name:
        raise ModelError(
            f"the adapter {adapter.path} cannot be used",
            cause="it does not say which model it is for",
            remedy="make it with: polyspec train adapter",
        )
    try:
        base = find_model(name)
    except ModelError as error:
        raise ModelError(
            f"{adapter.path.stem} cannot be used without {name}",
            cause=error.cause or error.problem,
            remedy=f"polyspec models pull {name}",
        ) from error
    wanted = adapter.text(TOKENIZER_KEY)
    if wanted not in {None, tokenizer_fingerprint(read_gguf_header(base))}:
        raise ModelError(
            f"{adapter.path.stem} cannot be used with {base}",
            cause="the adapter was made for a model with another tokenizer",
            remedy=f"polyspec models verify {name}",
        )
    return base


def read_base_header(path: Path) -> GgufHeader:
    """The header with the tokenizer and sizes: a model's own, or its adapter's base's.

    Raises:
        ModelError: The file is damaged, or an adapter whose model is missing.
    """
    header = read_gguf_header(path)
    return read_gguf_header(find_base(header)) if is_adapter(header) else header
