"""The two languages of a translation, as the memory and the history name them."""

from dataclasses import dataclass
from functools import lru_cache

from polyspec.languages import Language, find_language


@dataclass(frozen=True, slots=True, order=True)
class LanguagePair:
    """What is translated into what, as BCP-47 tags."""

    source: str
    target: str

    @classmethod
    def of(cls, source: Language, target: Language) -> "LanguagePair":
        """The pair of two languages."""
        return cls(shorten_tag(source.tag), shorten_tag(target.tag))


@lru_cache(maxsize=1024)
def tag_of(name: str) -> str:
    """The shortest tag of a language that is named in a file.

    Raises:
        UsageError: Nothing is known by that name.
    """
    return shorten_tag(find_language(name).tag)


@lru_cache(maxsize=1024)
def shorten_tag(tag: str) -> str:
    """A tag without the script and region that the language alone means.

    So `de` and `de-DE`, or `zh` and `zh-Hans-CN`, are one language, and `en-GB` and
    `zh-Hant` are others. Source: likely subtags, Unicode CLDR (UTS 35).
    """
    if "-" not in tag:
        return tag
    import langcodes

    whole = langcodes.Language.get(tag).maximize()
    for kept in (("language",), ("language", "script"), ("language", "territory")):
        parts = {name: getattr(whole, name) for name in kept}
        shorter = langcodes.Language.make(**parts)
        if shorter.maximize() == whole:
            return str(shorter.to_tag())
    return tag


def is_same_language(tag: str, other: str) -> bool:
    """Whether two tags name one language, region and script aside; `` names none."""
    return bool(tag) and tag.partition("-")[0] == other.partition("-")[0]
