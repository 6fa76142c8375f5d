"""Texts in several languages: which of their segments are in another than the rest."""

from functools import lru_cache

from polyspec.detection import detect
from polyspec.languages import Language, find_language
from polyspec.prompting.profiles import Profile
from polyspec.translation.prompts import (
    PromptBuilder,
    make_prompt_builder,
    make_strict_builder,
)

_LEAST_SHARE = 0.99
"""Least probability by which a segment is told from the text around it."""
_LEAST_WORDS = 4
_LEAST_LETTERS = 20
_LEAST_UNSPACED = 10
_MOST_CHARS = 1000
"""A longer segment leaves no room for a prompt of another length."""
_SEVERAL_FORMS = frozenset({"zho"})
"""Languages with forms that are translated into each other and not told apart."""
_CACHED = 2048


class MixedText:
    """Tells a segment that is surely in another language than its text."""

    def __init__(self, profile: Profile, source: Language, target: Language) -> None:
        """Know the languages of a job.

        Args:
            profile: How the model wants to be asked.
            source: The language that the text as a whole is in.
            target: What to translate into.
        """
        self._profile = profile
        self._source = source
        self._target = target
        self._builders: dict[tuple[str, bool], PromptBuilder | None] = {}
        self._find = lru_cache(_CACHED)(_find_surely)

    def find_other(self, text: str) -> Language | None:
        """The language of a segment, if it is neither that of the text nor unsure."""
        if len(text) > _MOST_CHARS:
            return None
        found = self._find(text)
        return None if found is None or found.code == self._source.code else found

    def is_translated(self, text: str) -> bool:
        """Whether a segment is in the language that is wanted already."""
        target = self._target
        has_form = target.tag != find_language(target.code).tag
        if has_form or target.code in _SEVERAL_FORMS:
            return False
        found = self._find(text)
        return found is not None and found.code == target.code

    def builder_for(self, language: Language, *, is_strict: bool) -> PromptBuilder:
        """What asks for the translation of a segment in this language."""
        key = language.code, is_strict
        if key not in self._builders:
            make = make_strict_builder if is_strict else make_prompt_builder
            self._builders[key] = make(self._profile, language, self._target)
        return self._builders[key] or self.builder_for(language, is_strict=False)


def _find_surely(text: str) -> Language | None:
    letters = sum(map(str.isalpha, text))
    if letters < _LEAST_UNSPACED:
        return None
    found = detect(text, is_wide=False)
    language = found.language
    if language is None or not found.is_sure or found.confidence < _LEAST_SHARE:
        return None
    is_long = letters >= _LEAST_LETTERS and len(text.split()) >= _LEAST_WORDS
    return language if is_long or not language.is_spaced else None
