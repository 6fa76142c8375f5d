"""The character n-grams that languages are told by."""

import unicodedata
from collections import Counter
from collections.abc import Iterator

import regex

MAX_ORDER = 5
"""Longest n-gram, the mark of a word's beginning or end included."""
_EDGE = "_"
"""Stands before and after each word."""
_FIRST_IDEOGRAPH = "\u2e80"
"""From here on a letter says as much as two or three of an alphabet."""
_MAX_WORD_CHARS = 64
_APOSTROPHES = str.maketrans(dict.fromkeys("’ʼʻ‘`´ꞌ", "'"))
_FOREIGN = regex.compile(
    r"</?[a-z][^<>]{0,400}>|&#?\w{1,10};|\$?\{[^{}]{0,80}\}"
    r"|(?<![!-~])(?=[!-~]*(?:[0-9@_%/\\]|www\.))[!-~]+",
    regex.IGNORECASE,
)
"""Tags, placeholders, addresses, names of files and the like, in no language."""
_WORD = regex.compile(r"'?\p{L}[\p{L}\p{M}]*(?:['·-][\p{L}\p{M}]+)*'?")


def clean(text: str) -> str:
    """The words of a text in small letters, one space between them.

    "See https://example.org: L’ÉTÉ, 2 jours"  ->  "see l'été jours"
    """
    prose = _FOREIGN.sub(" ", text)
    plain = unicodedata.normalize("NFC", prose).lower().translate(_APOSTROPHES)
    return " ".join(word[:_MAX_WORD_CHARS] for word in _WORD.findall(plain))


def ngrams_of(words: str) -> Iterator[str]:
    """The n-grams of cleaned text, as often as they occur.

    "am"  ->  "a", "m", "_a", "am", "m_", "_am", "am_", "_am_"
    """
    for word in words.split():
        yield from word
        padded = f"{_EDGE}{word}{_EDGE}"
        size = len(padded)
        longest = MAX_ORDER if word[0] < _FIRST_IDEOGRAPH else 2
        for order in range(2, longest + 1):
            for start in range(size - order + 1):
                yield padded[start : start + order]


def count_ngrams(words: str) -> Counter[str]:
    """How often each n-gram occurs in cleaned text."""
    return Counter(ngrams_of(words))
