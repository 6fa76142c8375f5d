"""Which prompt profile a model wants, told from its own metadata."""

import re
from collections.abc import Mapping

from polyspec.prompting.profiles import (
    EUROLLM,
    GEMMA_BASE,
    GEMMA_CHAT,
    PLAIN,
    QWEN3_CHAT,
    QWEN_CHAT,
    TRANSLATEGEMMA,
    Profile,
)

_NAME_KEYS = ("general.name", "general.basename", "general.finetune")
_BASE_WORDS = frozenset({"base", "pt", "pretrained"})
_CHAT_WORDS = frozenset({"instruct", "chat", "it"})
_CHATML_TOKENIZERS = frozenset({"qwen2", "smollm"})


def detect_profile(metadata: Mapping[str, object]) -> Profile:
    """The profile that fits a GGUF file's metadata.

    A file without a usable sign is asked by examples, which every model understands.
    """
    words = _name_words(metadata)
    joined = "".join(words)
    template = _text(metadata, "tokenizer.chat_template")
    if "translategemma" in joined or "source_lang_code" in template:
        return TRANSLATEGEMMA
    is_base = not _BASE_WORDS.isdisjoint(words)
    is_named_chat = not _CHAT_WORDS.isdisjoint(words)
    is_gemma = _text(metadata, "general.architecture").startswith("gemma")
    if is_gemma or "<start_of_turn>" in template:
        is_chat = "<start_of_turn>" in template or (is_named_chat and not template)
        return GEMMA_CHAT if is_chat and not is_base else GEMMA_BASE
    if "<|im_start|>" in template and not is_base:
        return _detect_chatml(joined, template)
    # A file that lost its template on the way is known by its tokenizer.
    is_chatml = _text(metadata, "tokenizer.ggml.pre") in _CHATML_TOKENIZERS
    return QWEN_CHAT if is_chatml and is_named_chat and not template else PLAIN


def _detect_chatml(joined_name: str, template: str) -> Profile:
    if "eurollm" in joined_name:
        return EUROLLM
    # Only models that can think have the switch; the others write no thoughts.
    return QWEN3_CHAT if "enable_thinking" in template else QWEN_CHAT


def _name_words(metadata: Mapping[str, object]) -> list[str]:
    names = " ".join(_text(metadata, key) for key in _NAME_KEYS)
    return re.findall(r"[a-z]+|\d+", names.casefold())


def _text(metadata: Mapping[str, object], key: str) -> str:
    value = metadata.get(key)
    return value if isinstance(value, str) else ""
