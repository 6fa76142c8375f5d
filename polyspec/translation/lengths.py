"""How long a translation may be expected to be."""

from polyspec.languages import Language

_CHARS_PER_ENGLISH = {
    "amh": 0.68, "ara": 0.94, "ber": 1.03, "chr": 0.69, "deu": 1.19, "eng": 1.0,
    "fra": 1.18, "grn": 1.02, "haw": 1.14, "hin": 1.06, "ibo": 1.0, "ita": 1.17,
    "jpn": 0.46, "kor": 0.55, "nld": 1.18, "npi": 1.01, "oci": 1.15, "pol": 1.12,
    "por": 1.12, "que": 1.08, "rus": 1.11, "spa": 1.17, "tur": 1.08, "ukr": 1.07,
    "yor": 1.09, "zgh": 0.88, "zho": 0.34,
}  # fmt: skip
"""Characters of a translation per character of its English source, measured over 72 to
500 pairs of sentences a language."""
_UNSPACED = 0.45
"""For other languages without spaces between words; 1 for those with them."""
_MOST = 3.0
_LEAST = 0.25
_SPARE_CHARS = 24
"""Short texts vary more."""
_MIN_JUDGED_CHARS = 30
"""A shorter source may have a translation of any shortness."""


def is_wrong_length(
    source: str, answer: str, from_: Language | None, to: Language | None
) -> bool:
    """Whether a translation is far longer or shorter than its source lets expect.

    The limits lie well outside of what people write: three times as long, or a quarter.
    """
    expected = len(source) * _density(to) / _density(from_)
    if len(answer) > _MOST * expected + _SPARE_CHARS:
        return True
    return len(source) >= _MIN_JUDGED_CHARS and len(answer) < _LEAST * expected


def _density(language: Language | None) -> float:
    if language is None:
        return 1.0
    default = 1.0 if language.is_spaced else _UNSPACED
    return _CHARS_PER_ENGLISH.get(language.code, default)
