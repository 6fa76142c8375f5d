"""Words of source and target texts, as lexicons know them."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

_LETTERS = r"[\p{L}\p{M}\p{N}]+"
_JOINTS = r"['’ʻʼ·\-]"
_MAX_WORD_CHARS = 40


@cache
def _pattern() -> Any:
    import regex

    return regex.compile(f"{_LETTERS}(?:{_JOINTS}{_LETTERS})*")


def find_words(text: str) -> list[str]:
    """Words of a text, without punctuation.

    Example: `"Don't panic, R2-D2!"` has the words `Don't`, `panic` and `R2-D2`.
    """
    found = _pattern().findall(unicodedata.normalize("NFC", text))
    return [word for word in found if len(word) <= _MAX_WORD_CHARS]


def fold_source(word: str) -> str:
    """Return a source word as lexicons list it."""
    return word.lower().replace("’", "'")


def capitalise(word: str) -> str:
    """Return a word as it stands at the beginning of a sentence."""
    return word[:1].upper() + word[1:]


def find_cased_words(texts: Sequence[str]) -> list[list[str]]:
    """Words of each text; the first takes the case that it mostly has elsewhere."""
    lines = [find_words(text) for text in texts]
    inside = Counter(word for words in lines for word in words[1:])
    for words in lines:
        if words:
            lower = words[0][0].lower() + words[0][1:]
            if inside[lower] and inside[lower] >= inside[words[0]]:
                words[0] = lower
    return lines
