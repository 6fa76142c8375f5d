"""Languages: codes, names, script, direction, and the look-up of what a user typed.

The 27 languages that PolySpec ships data for are static. Any other language is
resolved through `langcodes`, which is loaded only when it is needed.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from polyspec.errors import UsageError

if TYPE_CHECKING:
    import langcodes

_RTL_SCRIPTS = frozenset(
    ("Adlm", "Arab", "Aran", "Hebr", "Mand", "Mend", "Nkoo", "Rohg", "Syrc", "Thaa")
)
_UNSPACED_SCRIPTS = frozenset(
    ("Hani", "Hans", "Hant", "Jpan", "Khmr", "Laoo", "Mymr", "Thai", "Tibt")
)
_NOT_A_LANGUAGE = frozenset({"art", "mis", "mul", "root", "sgn", "und", "zxx"})
_MAX_NAME_CHARS = 64


@dataclass(frozen=True, slots=True)
class Language:
    """One language as it is asked for, with region or script where named."""

    code: str
    """ISO 639-3, as in the file names of tables."""
    tag: str
    """BCP-47, with region and script where the user named them."""
    name: str
    """English name."""
    native_name: str
    script: str
    """ISO 15924, for example `Latn`."""

    @property
    def is_rtl(self) -> bool:
        return self.script in _RTL_SCRIPTS

    @property
    def is_spaced(self) -> bool:
        """Whether words are separated by spaces."""
        return self.script not in _UNSPACED_SCRIPTS


_KNOWN = (
    Language("ber", "kab", "Kabyle", "Taqbaylit", "Latn"),
    Language("grn", "gn", "Guarani", "avañe’ẽ", "Latn"),
    Language("chr", "chr", "Cherokee", "ᏣᎳᎩ", "Cher"),
    Language("zgh", "zgh", "Standard Moroccan Tamazight", "ⵜⴰⵎⴰⵣⵉⵖⵜ", "Tfng"),
    Language("que", "qu", "Quechua", "Runasimi", "Latn"),
    Language("oci", "oc", "Occitan", "occitan", "Latn"),
    Language("npi", "ne", "Nepali", "नेपाली", "Deva"),
    Language("yor", "yo", "Yoruba", "Èdè Yorùbá", "Latn"),
    Language("haw", "haw", "Hawaiian", "ʻŌlelo Hawaiʻi", "Latn"),
    Language("ibo", "ig", "Igbo", "Asụsụ Igbo", "Latn"),
    Language("amh", "am", "Amharic", "አማርኛ", "Ethi"),
    Language("deu", "de", "German", "Deutsch", "Latn"),
    Language("fra", "fr", "French", "français", "Latn"),
    Language("spa", "es", "Spanish", "español", "Latn"),
    Language("ita", "it", "Italian", "italiano", "Latn"),
    Language("por", "pt", "Portuguese", "português", "Latn"),
    Language("nld", "nl", "Dutch", "Nederlands", "Latn"),
    Language("pol", "pl", "Polish", "polski", "Latn"),
    Language("ukr", "uk", "Ukrainian", "українська", "Cyrl"),
    Language("rus", "ru", "Russian", "русский", "Cyrl"),
    Language("tur", "tr", "Turkish", "Türkçe", "Latn"),
    Language("ara", "ar", "Arabic", "العربية", "Arab"),
    Language("hin", "hi", "Hindi", "हिन्दी", "Deva"),
    Language("zho", "zh", "Chinese", "中文", "Hans"),
    Language("jpn", "ja", "Japanese", "日本語", "Jpan"),
    Language("kor", "ko", "Korean", "한국어", "Kore"),
    Language("eng", "en", "English", "English", "Latn"),
)

# Other codes and names under which the languages above are known. Individual
# languages stand for the macrolanguage whose data they are.
_ALIASES = {
    "ber": ("kab", "taqbaylit", "berber"),
    "grn": ("gug", "avañeẽ"),
    "zgh": ("tamazight", "moroccan tamazight"),
    "que": ("quz", "quy", "quh", "qug", "runa simi", "kechua"),
    "npi": ("nep",),
    "yor": ("yorùbá",),
    "haw": ("ōlelo hawaii",),
    "ibo": ("ndi igbo",),
    "spa": ("castilian", "castellano"),
    "nld": ("dut", "flemish", "vlaams"),
    "ara": ("arb", "modern standard arabic"),
    "hin": ("हिंदी",),
    "zho": ("chi", "cmn", "mandarin", "mandarin chinese", "汉语", "普通话"),
    "deu": ("ger",),
    "fra": ("fre",),
}
_OTHER_NAMES = {"farsi": "fa", "tagalog": "fil", "brazilian portuguese": "pt-BR"}
_MACRO_CODES = {
    "kab": "ber", "gug": "grn", "quz": "que", "quy": "que", "quh": "que",
    "qug": "que", "nep": "npi", "cmn": "zho", "arb": "ara",
}  # fmt: skip


def known_languages() -> tuple[Language, ...]:
    """The languages that PolySpec ships data for."""
    return _KNOWN


def find_language(query: str) -> Language:
    """The language that a BCP-47 tag, an ISO 639 code or a name stands for.

    Raises:
        UsageError: Nothing is known by that name.
    """
    known = _known_by_name().get(_fold(query))
    if known is not None:
        return known
    nearest: list[str] = []
    if query.isprintable() and len(query) <= _MAX_NAME_CHARS:
        found = _parse_tag(query) or _find_by_name(query)
        if found is not None:
            return found
        nearest = _suggest(query)
    raise UsageError(
        f"unknown language {query[:_MAX_NAME_CHARS]!r}",
        cause=f"the nearest are {', '.join(nearest)}" if nearest else "",
        remedy="name it by code or English name, for example fr, fra, French or pt-BR",
    )


@cache
def _known_by_name() -> dict[str, Language]:
    names = {}
    for language in _KNOWN:
        own = (language.code, language.tag, language.name, language.native_name)
        for name in own + _ALIASES.get(language.code, ()):
            names[_fold(name)] = language
    return names


def _fold(name: str) -> str:
    """The name without case, accents, apostrophes and superfluous spaces."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    # Only Latin letters lose their marks: elsewhere a mark is part of the spelling.
    kept = [
        char
        for char in decomposed
        if not "\u0300" <= char <= "\u036f" and char not in "'’ʻʼ`"
    ]
    return " ".join("".join(kept).replace("_", " ").replace("-", " ").split())


def _parse_tag(query: str) -> Language | None:
    import langcodes

    try:
        parsed = langcodes.Language.get(query.strip().replace("_", "-"))
        if not parsed.is_valid():
            return None
        return _describe(parsed)
    except (LookupError, ValueError):  # `LanguageTagError` is a `ValueError`
        return None


def _describe(parsed: "langcodes.Language") -> Language | None:
    name = parsed.display_name()
    if (
        parsed.language is None
        or parsed.language in _NOT_A_LANGUAGE
        or "unknown" in name.casefold()
    ):
        return None
    code = parsed.to_alpha3()
    code = _MACRO_CODES.get(code, code)
    return Language(
        code=code,
        tag=parsed.to_tag(),
        name=name,
        native_name=parsed.autonym(),
        script=parsed.maximize().script or "Zyyy",
    )


def _find_by_name(query: str) -> Language | None:
    folded = _fold(query)
    if folded in _OTHER_NAMES:
        return _parse_tag(_OTHER_NAMES[folded])
    found = _look_up_name(query)
    # The look-up also knows what every language is called in every other one, where
    # a slip of the finger may mean something.
    if found is None or folded not in (_fold(found.name), _fold(found.native_name)):
        return None
    return _known_by_name().get(_fold(found.tag), found)


def _look_up_name(query: str) -> Language | None:
    import langcodes

    try:
        return _describe(langcodes.find(query.strip()))
    except LookupError:
        return None


def _suggest(query: str, limit: int = 3) -> list[str]:
    """The nearest names with their codes, best first; none for a mere code."""
    import langcodes
    from language_data.language_lists import CLDR_LANGUAGES
    from rapidfuzz import process

    folded = _fold(query)
    if len(folded) < 3:
        return []
    labels = {_fold(item.name): f"{item.name} ({item.code})" for item in _KNOWN}
    for tag in sorted(CLDR_LANGUAGES - _NOT_A_LANGUAGE):
        name = langcodes.Language.get(tag).display_name()
        labels.setdefault(_fold(name), f"{name} ({tag})")
    meant = _look_up_name(query)
    suggestions = [] if meant is None else [f"{meant.name} ({meant.tag})"]
    near = process.extract(folded, labels.keys(), limit=limit, score_cutoff=60)
    suggestions += [labels[name] for name, _, _ in near]
    return list(dict.fromkeys(suggestions))[:limit]
