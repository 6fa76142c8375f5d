"""Whether a text is written in the letters of its language."""

import re
import unicodedata
from functools import lru_cache

from polyspec.languages import Language

_WORD = re.compile(r"[0-9A-Za-z]+|[^\W0-9A-Za-z]+")
"""Latin words are words of their own where they stand in a text without spaces."""
_MIN_LETTERS = 4
_MIN_SHARE = 0.5
"""Of the letters that do not stand in the source as well."""
_WRITTEN_IN = {
    "Jpan": {"CJK", "HIRAGANA", "KATAKANA"},
    "Kore": {"HANGUL", "CJK"},
    "Hans": {"CJK", "BOPOMOFO"},
    "Hant": {"CJK", "BOPOMOFO"},
    "Hani": {"CJK", "BOPOMOFO"},
    "Latn": {"LATIN"},
    "Cyrl": {"CYRILLIC"},
    "Arab": {"ARABIC"},
    "Aran": {"ARABIC"},
    "Deva": {"DEVANAGARI"},
    "Ethi": {"ETHIOPIC"},
    "Tfng": {"TIFINAGH"},
    "Cher": {"CHEROKEE"},
    "Grek": {"GREEK"},
    "Hebr": {"HEBREW"},
    "Armn": {"ARMENIAN"},
    "Geor": {"GEORGIAN"},
    "Thai": {"THAI"},
    "Laoo": {"LAO"},
    "Khmr": {"KHMER"},
    "Mymr": {"MYANMAR"},
    "Beng": {"BENGALI"},
    "Guru": {"GURMUKHI"},
    "Gujr": {"GUJARATI"},
    "Orya": {"ORIYA"},
    "Taml": {"TAMIL"},
    "Telu": {"TELUGU"},
    "Knda": {"KANNADA"},
    "Mlym": {"MALAYALAM"},
    "Sinh": {"SINHALA"},
    "Tibt": {"TIBETAN"},
}
"""From ISO 15924 to the words that the names of its letters begin with in Unicode."""
_SEVERAL_SCRIPTS = frozenset(
    {"aze", "bos", "hau", "kas", "kaz", "kur", "mon", "msa", "pan", "snd", "srp",
     "tat", "tgk", "tuk", "uig", "uzb"}
)  # fmt: skip
"""ISO 639-3 of languages that are written in more than one script."""


def is_wrong_script(source: str, answer: str, target: Language) -> bool:
    """Whether most of an answer stands in letters that its language does not have.

    Words that stand in the source too, such as names, do not count, nor does a text of
    a few letters.
    """
    expected = _WRITTEN_IN.get(target.script)
    if expected is None or target.code in _SEVERAL_SCRIPTS:
        return False
    copied = set(_WORD.findall(source.casefold()))
    words = [word for word in _WORD.findall(answer) if word.casefold() not in copied]
    found = [_script_of(char) for word in words for char in word if char.isalpha()]
    if len(found) < _MIN_LETTERS:
        return False
    return sum(script in expected for script in found) < _MIN_SHARE * len(found)


@lru_cache(maxsize=4096)
def _script_of(char: str) -> str:
    name = unicodedata.name(char, "").removeprefix("FULLWIDTH ")
    return name.removeprefix("HALFWIDTH ").split(" ", 1)[0].split("-", 1)[0]
