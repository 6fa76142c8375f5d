"""Which language a text is in.

The script leaves few languages to choose from, often one; their character n-grams
decide among those. A text that is like none of ours, by its letters or by how little
the first leads the second, is shown to a library that knows more languages.
"""

from dataclasses import dataclass

from polyspec.detection.model import Scores, load_ngram_model
from polyspec.detection.ngrams import clean
from polyspec.detection.scripts import scripts_of
from polyspec.detection.wider import guess_widely, language_of_script
from polyspec.languages import Language, find_language

SAMPLE_CHARS = 6000
"""Of a longer text its beginning, middle and end are read, as much in all."""
SURE = 0.95
"""Least probability of a sure answer."""
_LEAST_LETTERS = {"Hani": 3, "Hira": 1, "Kana": 2, "Hang": 2}
_LEAST_LETTERS_ELSEWHERE = 8
"""Fewer letters say nothing surely."""
_ONLY = {"Cher": "chr", "Tfng": "zgh", "Ethi": "amh", "Hang": "kor", "Arab": "ara"}
"""The languages that alone among ours have a script."""
_LATIN_WEIGHT = 0.4
"""Names and terms in Latin letters stand in texts of all scripts, seldom otherwise."""
_LEAST_KANA = 0.04
"""Share of letters from which on Chinese characters are read as Japanese."""
_FOREIGN_LETTERS = 0.012
"""Share of letters that a language hardly writes, above which it may be another."""
_WIDER = 0.5
"""Least probability by which a language that is none of ours is believed."""
_WIDER_LETTERS = 20
"""A text of fewer letters is not looked at for languages that are none of ours."""
_UNNAMED = 0.01
"""Alternatives that are less likely are not named."""


@dataclass(frozen=True, slots=True)
class Detection:
    """The language of a text, as far as it can be told."""

    language: Language | None
    """None for a text without letters."""
    confidence: float
    """Probability of the language, `0..1`."""
    is_sure: bool
    """Whether it may be acted on without asking."""
    alternatives: tuple[tuple[Language, float], ...] = ()
    """Other languages with their probabilities, the likeliest first."""


NOTHING = Detection(None, 0.0, is_sure=False)


def detect(text: str, *, is_wide: bool = True) -> Detection:
    """Tell the language of a text of any length.

    Args:
        text: Any characters at all; addresses, tags and the like are passed over.
        is_wide: Whether a text that is like none of ours is looked at once more for
            other languages, which takes half a second the first time.
    """
    sample = _take_sample(text)
    words = clean(sample)
    script = _find_script(words)
    if script is None:
        return NOTHING
    num_letters = len(words) - words.count(" ")
    least = _LEAST_LETTERS.get(script, _LEAST_LETTERS_ELSEWHERE)
    found, is_odd = _judge(words, script)
    if is_odd and is_wide and num_letters >= _WIDER_LETTERS:
        wider = _look_wider(sample, script, found)
        found, is_odd = wider or found, wider is None
    is_sure = found.confidence >= SURE and not is_odd and num_letters >= least
    return Detection(found.language, found.confidence, is_sure, found.alternatives)


def _take_sample(text: str) -> str:
    if len(text) <= SAMPLE_CHARS:
        return text
    size = SAMPLE_CHARS // 3
    middle = (len(text) - size) // 2
    parts = (text[:size], text[middle : middle + size], text[-size:])
    return "\n".join(parts)


def _find_script(words: str) -> str | None:
    """The script that decides; kana stand for Japanese as a whole."""
    shares = scripts_of(words)
    if "Latn" in shares:
        shares["Latn"] *= _LATIN_WEIGHT
    kana = shares.get("Hira", 0.0) + shares.get("Kana", 0.0)
    japanese = kana + shares.get("Hani", 0.0)
    if kana > _LEAST_KANA * japanese:
        shares = {**shares, "Hira": japanese, "Hani": 0.0, "Kana": 0.0}
    return max(shares, key=lambda script: shares[script], default=None)


def _judge(words: str, script: str) -> tuple[Detection, bool]:
    """What the text is among our languages, and whether it may be none of them."""
    model = load_ngram_model()
    if model.has_script(script):
        scores = model.score(words, script)
        code, share = scores.ranked[0]
        is_odd = share < SURE or not scores.is_typical
        found = _from_scores(scores)
    elif script == "Hira":
        return Detection(find_language("jpn"), 1.0, is_sure=True), False
    elif script in _ONLY:
        code, is_odd = _ONLY[script], False
        found = Detection(find_language(code), 1.0, is_sure=True)
    else:
        only = language_of_script(script)
        return Detection(only, 1.0 if only else 0.0, is_sure=False), only is None
    is_foreign = model.foreign_share(words, code) > _FOREIGN_LETTERS
    return found, is_odd or is_foreign


def _from_scores(scores: Scores) -> Detection:
    (code, share), *others = scores.ranked
    alternatives = tuple(
        (find_language(other), other_share)
        for other, other_share in others
        if other_share >= _UNNAMED
    )
    return Detection(
        find_language(code), share, is_sure=True, alternatives=alternatives
    )


def _look_wider(sample: str, script: str, found: Detection) -> Detection | None:
    """What the library makes of an odd text; None where that does not help."""
    text = sample.encode("utf-8", "ignore").decode()
    guess = guess_widely(text)
    if guess is None:
        return None
    language, share = guess
    if language == found.language:
        return found if found.confidence >= SURE else None
    is_ours = language.code in _our_codes(script)
    if is_ours or share < _WIDER:
        return None
    alternatives = found.alternatives
    if found.language is not None:
        alternatives = ((found.language, (1 - share) * found.confidence), *alternatives)
    return Detection(language, share, is_sure=True, alternatives=alternatives[:3])


def _our_codes(script: str) -> frozenset[str]:
    """The languages that the n-grams would have known."""
    header = load_ngram_model().header
    rivals = zip(header.languages, header.scripts, strict=True)
    own = {code for code, its_script in rivals if its_script == script}
    return frozenset(own | {_ONLY.get(script, "")})
