"""The terms of a project: which of them a text holds, and whether they were used.

A term in small letters is found in any case; one with capitals as it is written, or in
capitals throughout. Words have to be whole, but where a script does not part them.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import Any

from polyspec.tables.words import find_words

_STEM_SHARE = 0.6
"""So much of a word's beginning tells it in another form."""
_MIN_STEM = 3


@dataclass(frozen=True, slots=True)
class Term:
    """A term with the translations that are allowed, the first of them preferred."""

    source: str
    targets: tuple[str, ...]


class Glossary:
    """Terms that can be found in texts."""

    def __init__(self, terms: Iterable[Term]) -> None:
        """Index terms; of several with one source all translations are allowed."""
        self.terms = tuple(_join_terms(terms))
        self._as_written = _Index()
        self._in_any_case = _Index()
        for term in self.terms:
            if term.source == term.source.lower():
                self._in_any_case.add(term.source.casefold(), term)
            else:
                self._as_written.add(term.source, term)
                self._as_written.add(term.source.upper(), term)

    def find(self, text: str) -> tuple[Term, ...]:
        """The terms that a text holds, in their order, each once.

        Of terms in one another the longest is found: in "operating system" the term
        "operating system" and not "system".
        """
        text = unicodedata.normalize("NFC", text)
        found = [
            *self._as_written.find(text),
            *self._in_any_case.find(text.casefold()),
        ]
        found.sort(key=lambda pair: pair[0])
        return tuple(dict.fromkeys(term for _, _, term in found))

    def locate(self, text: str) -> list[tuple[int, int, Term]]:
        """Where the terms of a text stand: start, end in characters, and the term.

        Of places that overlap the one that begins first is given.
        """
        written, places = _shape(text, lambda char: char)
        folded, folded_places = _shape(text, str.casefold)
        found = [
            *_place(self._as_written.find(written), places),
            *_place(self._in_any_case.find(folded), folded_places),
        ]
        found.sort(key=lambda place: (place[0], -place[1]))
        until = 0
        apart = []
        for start, end, term in found:
            if start >= until:
                apart.append((start, end, term))
                until = end
        return apart

    def find_unused(self, source: str, translation: str) -> tuple[Term, ...]:
        """The terms of a source of which a translation has no allowed translation.

        Other forms of a word pass, as far as their beginning is the same.
        """
        return tuple(
            term
            for term in self.find(source)
            if not any(_is_used(target, translation) for target in term.targets)
        )


class _Index:
    """Terms by their first two characters."""

    def __init__(self) -> None:
        self._by_start: dict[str, list[tuple[str, Term]]] = {}

    def add(self, key: str, term: Term) -> None:
        known = self._by_start.setdefault(key[:2], [])
        known.append((key, term))
        known.sort(key=lambda pair: -len(pair[0]))

    def find(self, text: str) -> Iterator[tuple[int, int, Term]]:
        """Yield the starts and ends of terms, the longest at each place."""
        place = 0
        while self._by_start and place < len(text):
            found = self._longest_at(text, place)
            if found is None:
                place += 1
                continue
            end = place + len(found[0])
            yield place, end, found[1]
            place = end

    def _longest_at(self, text: str, place: int) -> tuple[str, Term] | None:
        for size in (2, 1):
            for key, term in self._by_start.get(text[place : place + size], ()):
                if (
                    text.startswith(key, place)
                    and _is_parted(text, place, is_end=False)
                    and _is_parted(text, place + len(key), is_end=True)
                ):
                    return key, term
        return None


def _shape(text: str, fold: Callable[[str], str]) -> tuple[str, Sequence[int]]:
    """A text as terms are sought in it, and where each of its characters comes from.

    The places have one number more than there are characters: the length of `text`.
    """
    if unicodedata.is_normalized("NFC", text):
        shaped = fold(text)
        if len(shaped) == len(text):
            return shaped, range(len(text) + 1)
    import regex

    pieces, places = [], []
    for letter in regex.finditer(r"\X", text):
        pieces.append(fold(unicodedata.normalize("NFC", letter[0])))
        places += [letter.start()] * len(pieces[-1])
    return "".join(pieces), [*places, len(text)]


def _place(
    found: Iterable[tuple[int, int, Term]], places: Sequence[int]
) -> Iterator[tuple[int, int, Term]]:
    return ((places[start], places[end], term) for start, end, term in found)


def _join_terms(terms: Iterable[Term]) -> Iterator[Term]:
    joined: dict[str, dict[str, None]] = {}
    for term in terms:
        source = unicodedata.normalize("NFC", term.source)
        targets = (unicodedata.normalize("NFC", target) for target in term.targets)
        joined.setdefault(source, {}).update(dict.fromkeys(targets))
    for source, kept in joined.items():
        yield Term(source, tuple(kept))


def _is_parted(text: str, place: int, *, is_end: bool) -> bool:
    """Whether a word may begin or end at a place."""
    if not 0 < place < len(text):
        return True
    before, after = text[place - 1], text[place]
    if unicodedata.category(after).startswith("M"):
        return False  # a mark belongs to the letter before it
    if not (_is_of_word(before) and _is_of_word(after)):
        return True
    # Korean puts particles right behind a word.
    is_open = _patterns()["open"]
    if is_end and is_open.match(before) and is_open.match(after):
        return True
    unspaced = _patterns()["unspaced"]
    return bool(unspaced.match(before) or unspaced.match(after))


def _is_of_word(char: str) -> bool:
    return unicodedata.category(char)[0] in "LMN" or char == "_"


@cache
def _patterns() -> dict[str, Any]:
    import regex

    scripts = ("Han", "Hira", "Kana", "Thai", "Laoo", "Khmr", "Mymr", "Tibt")
    classes = "".join(rf"\p{{Script={name}}}" for name in scripts)
    return {
        "unspaced": regex.compile(f"[{classes}]"),
        "open": regex.compile(r"\p{Script=Hangul}"),
    }


def _is_used(target: str, translation: str) -> bool:
    folded, wanted = _fold(translation), _fold(target)
    if wanted in folded:
        return True
    words = find_words(folded)
    stems = [_stem(word) for word in find_words(wanted)]
    return bool(stems) and all(
        any(word.startswith(stem) for word in words) for stem in stems
    )


def _stem(word: str) -> str:
    return word[: max(_MIN_STEM, ceil(_STEM_SHARE * len(word)))]


def _fold(text: str) -> str:
    """A text without case, and without the marks of Latin letters."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = (char for char in plain if not "\u0300" <= char <= "\u036f")
    return unicodedata.normalize("NFC", "".join(kept))
