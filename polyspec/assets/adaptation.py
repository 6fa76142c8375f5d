"""A stored translation with the names and numbers of another text in it.

"Room 12 is free" -> "Zimmer 12 ist frei", asked for "Room 14 is free"
gives "Zimmer 14 ist frei"
"""

from collections import Counter
from functools import cache
from typing import Any

from polyspec.tables.words import find_words


def adapt(known_source: str, known_translation: str, source: str) -> str:
    """Return a known translation, changed where a name or number took another's place.

    Only what stands once in the known source and once in its translation is changed,
    so that there is no doubt which word is meant.

    Args:
        known_source: A text like `source`.
        known_translation: Its translation.
        source: The text that is to be translated.
    """
    replaced = _find_replaced(known_source, source)
    if not replaced:
        return known_translation
    counts = Counter(_pattern().findall(known_translation))

    def put(match: Any) -> str:
        word: str = match[0]
        return replaced.get(word, word) if counts[word] == 1 else word

    adapted: str = _pattern().sub(put, known_translation)
    return adapted


def _find_replaced(known: str, asked: str) -> dict[str, str]:
    """Names and numbers of a text, by what they are in the other."""
    from rapidfuzz.distance import Levenshtein

    old, new = find_words(known), find_words(asked)
    counts = Counter(old)
    pairs: dict[str, str] = {}
    for step in Levenshtein.editops(old, new):
        if step.tag == "replace":
            word = old[step.src_pos]
            if counts[word] == 1 and _is_literal(word):
                pairs[word] = new[step.dest_pos]
    return pairs


def _is_literal(word: str) -> bool:
    """Whether a word may stand in a translation as it is."""
    return any(char.isdigit() or char.isupper() for char in word)


@cache
def _pattern() -> Any:
    import regex

    return regex.compile(r"[\p{L}\p{M}\p{N}]+(?:['’ʻʼ·\-][\p{L}\p{M}\p{N}]+)*")
