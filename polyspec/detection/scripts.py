"""In which scripts a text is written.

Scripts are those of Unicode Standard Annex 24, named by ISO 15924.
"""

import regex

from polyspec.languages import Language

_NAMES = {
    "Latn": "Latin",
    "Cyrl": "Cyrillic",
    "Grek": "Greek",
    "Arab": "Arabic",
    "Hebr": "Hebrew",
    "Deva": "Devanagari",
    "Beng": "Bengali",
    "Guru": "Gurmukhi",
    "Gujr": "Gujarati",
    "Orya": "Oriya",
    "Taml": "Tamil",
    "Telu": "Telugu",
    "Knda": "Kannada",
    "Mlym": "Malayalam",
    "Sinh": "Sinhala",
    "Thai": "Thai",
    "Laoo": "Lao",
    "Tibt": "Tibetan",
    "Mymr": "Myanmar",
    "Khmr": "Khmer",
    "Geor": "Georgian",
    "Armn": "Armenian",
    "Ethi": "Ethiopic",
    "Cher": "Cherokee",
    "Cans": "Canadian_Aboriginal",
    "Tfng": "Tifinagh",
    "Nkoo": "Nko",
    "Vaii": "Vai",
    "Adlm": "Adlam",
    "Mong": "Mongolian",
    "Syrc": "Syriac",
    "Thaa": "Thaana",
    "Hani": "Han",
    "Hira": "Hiragana",
    "Kana": "Katakana",
    "Bopo": "Bopomofo",
    "Hang": "Hangul",
}
_SHARED = {"Kana": "ー", "Hani": "々"}
"""Letters that Unicode leaves without a script though one alone uses them."""
_OTHER = "Zyyy"
"""Letters of any other script, or of none."""
_COMPOSED = {
    "Hans": frozenset({"Hani"}),
    "Hant": frozenset({"Hani", "Bopo"}),
    "Jpan": frozenset({"Hani", "Hira", "Kana"}),
    "Kore": frozenset({"Hang", "Hani"}),
}
"""Codes of ways to write that take letters of several scripts, or a part of one."""


def _pattern(code: str, name: str) -> str:
    members = rf"[\p{{Script={name}}}{_SHARED.get(code, '')}]"
    return rf"(?P<{code}>[{members}&&[\p{{L}}\p{{M}}]]+)"


_RUNS = regex.compile(
    "|".join(_pattern(code, name) for code, name in _NAMES.items())
    + rf"|(?P<{_OTHER}>\p{{L}}+)",
    regex.VERSION1,
)


def scripts_of(text: str) -> dict[str, float]:
    """Shares of the letters of a text by script, the largest first.

        "Привет, world!!"  ->  {"Cyrl": 0.545, "Latn": 0.455}

    A text without letters has none.
    """
    counts: dict[str, int] = {}
    for run in _RUNS.finditer(text):
        script = run.lastgroup or _OTHER
        counts[script] = counts.get(script, 0) + run.end() - run.start()
    total = sum(counts.values())
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    return {script: number / total for script, number in ranked}


def scripts_for(language: Language) -> frozenset[str]:
    """The scripts whose letters a language is written with, as `scripts_of` has them.

    Japanese takes three, Chinese one.
    """
    return _COMPOSED.get(language.script, frozenset({language.script}))


def share_in_script(text: str, language: Language) -> float | None:
    """Share of the letters of a text that a language's script has, `0..1`.

    None for a text without letters.
    """
    shares = scripts_of(text)
    if not shares:
        return None
    wanted = scripts_for(language)
    return sum(share for script, share in shares.items() if script in wanted)
