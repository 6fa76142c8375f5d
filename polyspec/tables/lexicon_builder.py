"""From pairs of sentences to a lexicon: align, choose, write."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from typing import TypeAlias

from polyspec.errors import TableError
from polyspec.tables.alignment import Link, align_words
from polyspec.tables.corpus import read_pairs
from polyspec.tables.format import Corpus
from polyspec.tables.lexicon import LexiconInfo, to_bytes
from polyspec.tables.words import find_cased_words, find_words, fold_source

_LEAST_COUNT = 1.5
_LEAST_RATE = 0.02
_MOST_TARGETS = 6
_FITTING_SHARE = 0.98
_LEAST_PAIRS_PER_HELD_OUT = 10
_MOST_HELD_OUT = 1_000
SentencePair: TypeAlias = tuple[str, str]
"""A sentence and its translation."""


@dataclass(frozen=True, slots=True)
class LexiconRequest:
    """What a lexicon is built from, and how."""

    source: str
    """Language of the first column, ISO 639-3."""
    target: str
    """Language of the last column, ISO 639-3."""
    corpora: Sequence[tuple[Path, Corpus]]
    max_bytes: int = 250_000
    """Size of the file at most."""
    report: Callable[[str], None] = field(default=lambda _text: None)
    """Told in a few words what is being done."""


@dataclass(frozen=True, slots=True)
class BuiltLexicon:
    """A lexicon before it is written."""

    info: LexiconInfo
    entries: dict[str, list[tuple[str, float]]]


def read_all_pairs(corpora: Sequence[tuple[Path, Corpus]]) -> list[SentencePair]:
    """The pairs of all files.

    Raises:
        TableError: A file cannot be read, or there are no pairs.
    """
    pairs = [pair for path, _ in corpora for pair in read_pairs(path)]
    if not pairs:
        raise TableError(
            f"{corpora[0][0]} holds no pairs of sentences",
            cause="every line is blank",
            remedy="pass a .tsv with the source first and the translation last",
        )
    return pairs


def hold_out(
    pairs: Sequence[SentencePair],
) -> tuple[list[SentencePair], list[SentencePair]]:
    """Part pairs into those to learn from and some, evenly spread, to judge by."""
    every = max(_LEAST_PAIRS_PER_HELD_OUT, len(pairs) // _MOST_HELD_OUT)
    kept = [pair for place, pair in enumerate(pairs) if (place + 1) % every]
    return kept, list(pairs[every - 1 :: every])


def build_lexicon(
    request: LexiconRequest, pairs: Sequence[SentencePair]
) -> BuiltLexicon:
    """Learn a lexicon; the same pairs give the same one.

    Args:
        request: Names and sizes.
        pairs: Sentences with their translations, those held out left out.
    """
    request.report("aligning words")
    words = _split_words(pairs)
    links = align_words(words)
    request.report("choosing translations")
    kept = _choose(links)
    num_words = sum(len(source) for source, _ in words)
    info = LexiconInfo(
        source=request.source,
        target=request.target,
        corpora=tuple(corpus for _, corpus in request.corpora),
        num_pairs=len(pairs),
        words_per_word=sum(len(target) for _, target in words) / max(1, num_words),
        build_arguments=_arguments(request),
    )
    return BuiltLexicon(info, _fit(kept, info, request.max_bytes))


def _split_words(pairs: Sequence[SentencePair]) -> list[tuple[list[str], list[str]]]:
    sources = [[fold_source(w) for w in find_words(source)] for source, _ in pairs]
    targets = find_cased_words([target for _, target in pairs])
    return list(zip(sources, targets, strict=True))


def _choose(links: Sequence[Link]) -> list[Link]:
    """Links worth having, the most valuable first; few for each source word.

    A link is worth the surprise that it spares: how often it holds, times the
    logarithm of how much likelier it makes the translation.
    """
    total = sum(link.count for link in links)
    num_target: dict[str, float] = {}
    for link in links:
        num_target[link.target] = num_target.get(link.target, 0.0) + link.count

    def worth(link: Link) -> float:
        return link.count * log(link.rate * total / num_target[link.target])

    sound = [
        link
        for link in links
        if link.count >= _LEAST_COUNT and link.rate >= _LEAST_RATE and worth(link) > 0
    ]
    sound.sort(key=lambda link: (-worth(link), link.source, link.target))
    num_of: dict[str, int] = {}
    kept = []
    for link in sound:
        num_of[link.source] = num_of.get(link.source, 0) + 1
        if num_of[link.source] <= _MOST_TARGETS:
            kept.append(link)
    return kept


def _fit(
    links: Sequence[Link], info: LexiconInfo, max_bytes: int
) -> dict[str, list[tuple[str, float]]]:
    """Return entries of as many of the first links as fit."""
    while True:
        entries = _group(links)
        size = len(to_bytes(info, entries))
        if size <= max_bytes or len(links) <= 1:
            return entries
        links = links[: max(1, int(len(links) * max_bytes / size * _FITTING_SHARE))]


def _group(links: Sequence[Link]) -> dict[str, list[tuple[str, float]]]:
    entries: dict[str, list[tuple[str, float]]] = {}
    for link in links:
        entries.setdefault(link.source, []).append((link.target, link.rate))
    for translations in entries.values():
        translations.sort(key=lambda pair: (-pair[1], pair[0]))
    return entries


def _arguments(request: LexiconRequest) -> str:
    arguments = {
        "files": sorted({path.name for path, _ in request.corpora}),
        "max_bytes": request.max_bytes,
    }
    return json.dumps(arguments, sort_keys=True)
