"""Languages beyond those that PolySpec has data for, told by py3langid.

Loading its model takes half a second, so it is asked only about texts that are like
none of ours.
"""

from functools import cache
from typing import TYPE_CHECKING

from polyspec.errors import UsageError
from polyspec.languages import Language, find_language

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_NO_LANGUAGE = "zxx"
_PARTS = {"arz": "ar", "ary": "ar", "wuu": "zh", "yue": "zh", "gug": "gn", "nb": "no"}
"""Labels of languages that go by the name of a larger one here."""
_SCRIPT_LANGUAGES = {
    "Grek": "el",
    "Hebr": "he",
    "Beng": "bn",
    "Guru": "pa",
    "Gujr": "gu",
    "Orya": "or",
    "Taml": "ta",
    "Telu": "te",
    "Knda": "kn",
    "Mlym": "ml",
    "Sinh": "si",
    "Thai": "th",
    "Laoo": "lo",
    "Tibt": "bo",
    "Mymr": "my",
    "Khmr": "km",
    "Geor": "ka",
    "Armn": "hy",
    "Cans": "iu",
    "Nkoo": "nqo",
    "Vaii": "vai",
    "Thaa": "dv",
    "Mong": "mn-Mong",
}
"""The language that is most written in each script that none of ours is written in."""


def language_of_script(script: str) -> Language | None:
    """The language that a script is mostly used for, if it is none of ours."""
    tag = _SCRIPT_LANGUAGES.get(script)
    return None if tag is None else find_language(tag)


def guess_widely(text: str) -> tuple[Language, float] | None:
    """The likeliest of 139 languages, and its probability.

    None where the text looks like no language, or the library cannot unpack its model.
    """
    try:
        label, share = _load().classify(text)
    except (OSError, MemoryError):
        return None
    if label == _NO_LANGUAGE:
        return None
    try:
        return find_language(_PARTS.get(label, label)), float(share)
    except UsageError:  # a label that has no name
        return None


@cache
def _load() -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
