"""Choose pairs of sentences that are like a text, to train a translator for its kind.

    python scripts/select_pairs.py deu.tsv.zst -o deu.prose.tsv \
      --like pud.txt --like eng.txt.zst --unlike yor.bible.tsv.zst --most 6000

Whole sentences without markup are ordered by how much likelier their English side is in
the texts they should be like than among all that could be chosen; those likelier in a
text that they should be unlike are left out.

Source: Moore and Lewis, Intelligent Selection of Language Model Training Data, 2010.
"""

import argparse
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import log
from pathlib import Path
from random import Random

from polyspec.tables.corpus import read_lines, read_pairs

_WORD = re.compile(r"[a-z']+|[^\sa-z]")
_MARKUP = re.compile(r"[<>{}\[\]\\|=_%#$@/*`~]|\bclick\b|https?", re.IGNORECASE)
_LEAST_CHARS, _MOST_CHARS = 60, 320
_NUM_SAMPLED = 12_000
"""Sentences of which each model is made."""
_NUM_WORDS = 50_000
"""Words that are presumed to exist, for those that were not seen."""


class WordPairs:
    """How likely sentences are, by each word's probability behind the one before."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self._words: Counter[str] = Counter()
        self._pairs: Counter[tuple[str, str]] = Counter()
        for sentence in sentences:
            words = _split(sentence)
            self._words.update(words)
            self._pairs.update(pairwise(words))
        self._total = sum(self._words.values())

    def score(self, sentence: str) -> float:
        """Mean log-probability of its words."""
        words = _split(sentence)
        return sum(self._log_chance(*pair) for pair in pairwise(words)) / len(words)

    def _log_chance(self, before: str, word: str) -> float:
        alone = (self._words[word] + 0.5) / (self._total + _NUM_WORDS)
        if not self._words[before]:
            return log(alone)
        behind = self._pairs[before, word] / self._words[before]
        return log(0.6 * behind + 0.4 * alone)


def _split(sentence: str) -> list[str]:
    return ["<s>", *_WORD.findall(sentence.lower())]


def is_prose(source: str, target: str) -> bool:
    """Whether a pair is a whole sentence without markup, of about the same length."""
    return (
        _LEAST_CHARS <= len(source) <= _MOST_CHARS
        and source[0].isupper()
        and source.rstrip()[-1] in '.!?"”'
        and 0.55 < len(target) / len(source) < 2
        and not _MARKUP.search(source + target)
    )


def select(
    pairs: Sequence[tuple[str, str]],
    like: WordPairs,
    unlike: WordPairs | None,
    most: int,
    random: Random,
) -> list[tuple[str, str]]:
    """Return the pairs whose sources fit best, the best first."""
    rows = [pair for pair in pairs if is_prose(*pair)]
    sources = [source for source, _ in rows]
    usual = WordPairs(random.sample(sources, min(_NUM_SAMPLED, len(sources))))
    scored = [
        (like.score(source) - usual.score(source), source, target)
        for source, target in rows
        if unlike is None or like.score(source) > unlike.score(source)
    ]
    scored.sort(key=lambda row: -row[0])
    return [(source, target) for _, source, target in scored[:most]]


def _read(paths: Sequence[Path], random: Random) -> list[str]:
    """Sentences of each file, as many of each."""
    sentences: list[str] = []
    for path in paths:
        is_pairs = ".tsv" in path.suffixes
        lines = (
            [source for source, _ in read_pairs(path)]
            if is_pairs
            else list(read_lines(path))
        )
        whole = [line for line in lines if len(line) >= _LEAST_CHARS]
        sentences += random.sample(whole, min(_NUM_SAMPLED, len(whole)))
    return sentences


def main() -> None:
    """Write the chosen pairs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--output", "-o", type=Path, required=True)
    parser.add_argument("--like", type=Path, action="append", required=True)
    parser.add_argument("--unlike", type=Path, action="append", default=[])
    parser.add_argument("--most", type=int, default=6000)
    arguments = parser.parse_args()
    random = Random(0)
    like = WordPairs(_read(arguments.like, random))
    unlike = WordPairs(_read(arguments.unlike, random)) if arguments.unlike else None
    pairs = list(read_pairs(arguments.pairs))
    chosen = select(pairs, like, unlike, arguments.most, random)
    lines = [f"{source}\t{target}\n" for source, target in chosen]
    arguments.output.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
