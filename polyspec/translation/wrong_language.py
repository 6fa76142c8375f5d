"""Whether an answer is in another language than was asked for."""

from polyspec.detection.detector import detect
from polyspec.languages import Language, known_languages
from polyspec.translation.checks import IsWrongLanguage

_MIN_LETTERS = 40
"""Shorter texts are too often names, or like in several languages."""
_SURE = 0.99


def make_language_check(source: Language | None, target: Language) -> IsWrongLanguage:
    """A check of answers in `target`.

    Only what is surely another language counts: the source's, or any at all where the
    target is one that detection knows well.
    """
    is_known = target.code in {language.code for language in known_languages()}
    source_code = source.code if source is not None else None

    def is_wrong_language(text: str) -> bool:
        if sum(map(str.isalpha, text)) < _MIN_LETTERS:
            return False
        found = detect(text, is_wide=False)
        if found.language is None or not found.is_sure or found.confidence < _SURE:
            return False
        code = found.language.code
        return code != target.code and (is_known or code == source_code)

    return is_wrong_language
