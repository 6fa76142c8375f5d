"""Whether a text is written in the letters of its language."""

import re

from polyspec.detection.scripts import share_in_script
from polyspec.languages import Language

_WORD = re.compile(r"[0-9A-Za-z]+|[^\W0-9A-Za-z]+")
"""Latin words are words of their own where they stand in a text without spaces."""
_MIN_LETTERS = 4
_MIN_SHARE = 0.5
"""Of the letters that do not stand in the source as well."""
_NO_SCRIPT = frozenset({"Zyyy", "Zzzz", "Zinh"})
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
    if target.script in _NO_SCRIPT or target.code in _SEVERAL_SCRIPTS:
        return False
    copied = set(_WORD.findall(source.casefold()))
    words = [word for word in _WORD.findall(answer) if word.casefold() not in copied]
    rest = " ".join(words)
    if sum(char.isalpha() for char in rest) < _MIN_LETTERS:
        return False
    share = share_in_script(rest, target)
    return share is not None and share < _MIN_SHARE
