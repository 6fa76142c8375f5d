"""Paragraphs of a translation memory, cut into sentences that belong together.

Texts are translated sentence by sentence, and other programs may keep paragraphs.
"""

from collections.abc import Sequence

from polyspec.assets.language_pair import LanguagePair

_MOST_APART = 2.0
"""Sentences that belong together differ in length as their paragraphs do, give or take
this factor (after Gale and Church 1993, who found the lengths of a sentence and its
translation to be proportional)."""
_FREE_CHARS = 12
"""Short sentences differ by more."""


def pair_sentences(
    pair: LanguagePair, source: str, translation: str
) -> list[tuple[str, str]]:
    """The sentences of a paragraph with theirs of its translation.

    Empty where it is one sentence, where the two have different numbers of them, or
    where lengths say that they do not belong together.
    """
    sources = _split(source, pair.source)
    translations = _split(translation, pair.target)
    if len(sources) != len(translations) or len(sources) < 2:
        return []
    pairs = list(zip(sources, translations, strict=True))
    ratio = len(translation) / len(source)
    return pairs if all(_fit(*one, ratio) for one in pairs) else []


def _split(text: str, tag: str) -> Sequence[str]:
    import sentencex

    lines = text.splitlines()
    return [
        sentence.strip()
        for line in lines
        if line.strip()
        for sentence in sentencex.segment(tag, line)
        if sentence.strip()
    ]


def _fit(source: str, translation: str, ratio: float) -> bool:
    expected = len(source) * ratio
    shortest = expected / _MOST_APART - _FREE_CHARS
    return shortest <= len(translation) <= expected * _MOST_APART + _FREE_CHARS
