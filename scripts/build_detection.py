"""Builds the n-gram model that tells languages apart.

A softmax regression on the character n-grams of `polyspec/detection/ngrams.py`: those
that tell most of the language are kept, and their weights are fitted to stretches of
one to twenty words, all languages counting the same. Weights are kept as bytes.

Usage: python scripts/build_detection.py CORPORA [--sift MODEL] [--output FILE]

Corpora hold lines in other languages. So the model is built twice: the second time,
with `--sift`, lines that the first model takes for another language are left out.

CORPORA holds `data/mono/<language>.train.txt.zst`, `parallel/<language>.tsv.zst` with
English first, and `data/src/eng.txt.zst`, of which every 70th line is left for
`scripts/measure_detection.py`. It takes some minutes and 4 GB of memory. The last line
of output is a JSON object.
"""

import argparse
import json
import random
import sys
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polyspec.detection.model import (
    DATA_FILE,
    LEAST_MARGIN,
    Header,
    NgramModel,
    load_ngram_model,
    write_model,
)
from polyspec.detection.ngrams import clean, ngrams_of
from polyspec.tables.corpus import read_lines, read_pairs

CLASSES = {
    "Latn": (
        "eng ber grn que oci yor haw ibo "  # noqa: SIM905
        "deu fra spa ita por nld pol tur".split()
    ),
    "Cyrl": ["ukr", "rus"],
    "Deva": ["hin", "npi"],
    "Hani": ["zho", "jpn"],
}
"""Languages that have to be told apart, by script."""
ALONE = ("ara", "amh")
"""Those that have a script to themselves among ours; others are written in it too."""
UNSPACED = {"zho", "jpn"}
PRIORS = {"eng": 3.0} | dict.fromkeys(
    ("deu", "fra", "spa", "ita", "por", "nld", "pol", "tur"), 1.5
)
"""How much more often texts are met than in the others; tells where words do not."""
ENGLISH_HELD_OUT = 70
"""Every so many-th English line is for measuring."""
_MOST_PAIRS = 8000
"""Of each file of pairs of sentences, for their English side."""
_WORDS = (1, 1, 2, 3, 3, 4, 6, 10, 20)
_CHARS = (4, 6, 10, 30)
_LEAST_COUNT = 8
_STRIPPED = 0.1
"""Share of Latin stretches that lose their accents, as people leave them away."""
_LEAST_LETTER_SHARE = 1e-4
"""A letter that is rarer in a language's text is foreign to it."""
_STRANGE = 0.9
"""Probability of another language from which on a line is left out."""
_BATCH = 1024
_STRETCHES = 3
"""So many in a row are as long as a sentence or two."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Stretches of text as n-gram numbers, one after another."""

    ids: NDArray[np.int32]
    starts: NDArray[np.int64]
    """Where each begins in `ids`, and the end of the last."""
    scales: NDArray[np.float32]
    classes: NDArray[np.int64]

    def take(
        self, chosen: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """N-gram numbers of some stretches, and for each of them whose it is."""
        sizes = self.starts[chosen + 1] - self.starts[chosen]
        firsts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        places = np.repeat(self.starts[chosen] - firsts, sizes)
        rows = np.repeat(np.arange(len(chosen)), sizes)
        return self.ids[places + np.arange(sizes.sum())], rows


def main() -> None:
    """Build the model and write it into the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--chars", type=int, default=600_000)
    parser.add_argument("--ngrams", type=int, default=44_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--sift", type=Path, help="model of an earlier run")
    parser.add_argument("--output", type=Path, default=DATA_FILE)
    arguments = parser.parse_args()
    languages = [code for group in CLASSES.values() for code in group]
    sieve = load_ngram_model(arguments.sift) if arguments.sift else None
    texts = {
        code: list(cut(arguments.corpora, code, arguments.chars, sieve))
        for code in (*languages, *ALONE)
    }
    vocabulary = choose_ngrams([texts[code] for code in languages], arguments.ngrams)
    tell(f"{len(vocabulary)} n-grams chosen")
    samples = encode([texts[code] for code in languages], vocabulary)
    scripts = [script for script, group in CLASSES.items() for _ in group]
    weights = fit(samples, len(vocabulary), scripts, arguments.epochs)
    weights[-1] += np.log([PRIORS.get(code, 1.0) for code in languages])
    header = Header(
        languages=tuple(languages),
        scripts=tuple(scripts),
        alphabets={code: find_alphabet(texts[code]) for code in texts},
        margins=find_margins(samples, weights, scripts),
    )
    write_model(arguments.output, header, vocabulary, weights)
    size = arguments.output.stat().st_size
    print(json.dumps({"ngrams": len(vocabulary), "bytes": size}))


def tell(text: str) -> None:
    """Say how far it is."""
    print(text, file=sys.stderr, flush=True)


def cut(
    corpora: Path, code: str, max_chars: int, sieve: NgramModel | None
) -> Iterator[str]:
    """Stretches of a language's cleaned text, `max_chars` of them at most."""
    rng = random.Random(code)
    lines = list(read_training(corpora, code))
    rng.shuffle(lines)
    is_latin = code in CLASSES["Latn"]
    num_chars = num_strange = 0
    for line in lines:
        words = clean(line)
        if sieve is not None and _is_strange(words, code, sieve):
            num_strange += 1
            continue
        num_chars += len(words)
        if num_chars > max_chars:
            break
        for stretch in _cut_line(words, code in UNSPACED, rng):
            drops = is_latin and rng.random() < _STRIPPED
            yield _strip_accents(stretch) if drops else stretch
    num_chars = min(num_chars, max_chars)
    tell(f"{code}: {num_chars} letters and spaces, {num_strange} lines left out")


def _is_strange(words: str, code: str, sieve: NgramModel) -> bool:
    """Whether a line is surely in another language of the same script."""
    script = next((name for name, group in CLASSES.items() if code in group), "")
    if not script or not words:
        return False
    found, share = sieve.score(words, script).ranked[0]
    return found != code and share >= _STRANGE


def read_training(corpora: Path, code: str) -> Iterator[str]:
    """The lines that a language's weights may be fitted to."""
    if code != "eng":
        yield from read_lines(corpora / "data" / "mono" / f"{code}.train.txt.zst")
        return
    for number, line in enumerate(read_lines(corpora / "data/src/eng.txt.zst")):
        if number % ENGLISH_HELD_OUT:
            yield line
    # Menus and manuals, pieces of which were left untranslated in other languages.
    known: set[str] = set()
    for path in sorted((corpora / "parallel").glob("*.tsv.zst")):
        for source, _ in islice(read_pairs(path), _MOST_PAIRS):
            if source not in known:
                known.add(source)
                yield source


def _cut_line(words: str, is_unspaced: bool, rng: random.Random) -> Iterator[str]:
    for unit in words.split() if is_unspaced else [words.split()]:
        start = 0
        while start < len(unit):
            size = rng.choice(_CHARS if is_unspaced else _WORDS)
            piece = unit[start : start + size]
            yield piece if isinstance(piece, str) else " ".join(piece)
            start += size


def _strip_accents(text: str) -> str:
    parts = unicodedata.normalize("NFD", text)
    kept = "".join(char for char in parts if not "\u0300" <= char <= "\u036f")
    return unicodedata.normalize("NFC", kept)


def choose_ngrams(texts: Sequence[Sequence[str]], most: int) -> list[str]:
    """The n-grams whose occurrence tells most of the language.

    Of an n-gram that makes up shares p of the n-grams of each of L languages, with sum
    s and normalised q = p / s, it is s (log L - H(q)).
    """
    counts = [_count(stretches) for stretches in texts]
    totals = [sum(count.values()) for count in counts]
    overall: Counter[str] = Counter()
    for count in counts:
        overall.update(count)
    known = [ngram for ngram, number in overall.items() if number >= _LEAST_COUNT]
    shares = np.array([[count[ngram] for ngram in known] for count in counts])
    shares = shares / np.array(totals)[:, None]
    parts = shares / shares.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.nansum(parts * np.log(parts), axis=0)
    gains = shares.sum(axis=0) * (np.log(len(texts)) - entropy)
    scores = dict(zip(known, gains.tolist(), strict=True))
    return sorted(scores, key=lambda ngram: (-scores[ngram], ngram))[:most]


def _count(stretches: Sequence[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for stretch in stretches:
        counts.update(ngrams_of(stretch))
    return counts


def encode(texts: Sequence[Sequence[str]], vocabulary: Sequence[str]) -> Samples:
    """Every stretch as the numbers of its n-grams."""
    numbers = {ngram: number for number, ngram in enumerate(vocabulary)}
    ids, starts, sizes, classes = array("i"), array("q", [0]), array("i"), array("q")
    for place, stretches in enumerate(texts):
        for stretch in stretches:
            ngrams = list(ngrams_of(stretch))
            ids.extend(numbers[ngram] for ngram in ngrams if ngram in numbers)
            starts.append(len(ids))
            sizes.append(max(1, len(ngrams)))
            classes.append(place)
    return Samples(
        np.array(ids, dtype=np.int32),
        np.array(starts, dtype=np.int64),
        (1 / np.sqrt(np.array(sizes))).astype(np.float32),
        np.array(classes, dtype=np.int64),
    )


def fit(
    samples: Samples, num_ngrams: int, scripts: Sequence[str], epochs: int
) -> NDArray[np.float32]:
    """Weights `(num_ngrams + 1, languages)`, the biases last, script by script."""
    weights = np.zeros((num_ngrams + 1, len(scripts)), dtype=np.float32)
    for script in dict.fromkeys(scripts):
        columns = [at for at, own in enumerate(scripts) if own == script]
        rows = np.flatnonzero(np.isin(samples.classes, columns))
        weights[:, columns] = _fit_script(samples, rows, columns, num_ngrams, epochs)
        tell(f"{script}: fitted")
    return weights


def _fit_script(
    samples: Samples,
    rows: NDArray[np.int64],
    columns: Sequence[int],
    num_ngrams: int,
    epochs: int,
) -> NDArray[np.float32]:
    """Adam (Kingma and Ba, arXiv 1412.6980) with a rate that falls to nothing."""
    sizes = np.bincount(samples.classes[rows])[columns]
    balance = len(rows) / len(columns) / sizes
    weights = np.zeros((num_ngrams + 1, len(columns)), dtype=np.float32)
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    rng = np.random.default_rng(0)
    step, num_steps = 0, epochs * (len(rows) // _BATCH)
    for epoch in range(epochs):
        order = rng.permutation(rows)
        loss = 0.0
        for start in range(0, len(order) - _BATCH + 1, _BATCH):
            chosen = order[start : start + _BATCH]
            wanted = samples.classes[chosen] - columns[0]
            gradient, lost = _differentiate(samples, chosen, wanted, weights, balance)
            loss += lost
            step += 1
            first += 0.1 * (gradient - first)
            second += 0.01 * (gradient * gradient - second)
            size = np.sqrt(second / (1 - 0.99**step)) + 1e-8
            rate = 0.1 * (1 - step / (num_steps + 1))
            weights -= rate * first / (1 - 0.9**step) / size
        tell(f"epoch {epoch + 1}: loss {loss / (len(order) // _BATCH):.4f}")
    return weights


def _differentiate(
    samples: Samples,
    chosen: NDArray[np.int64],
    wanted: NDArray[np.int64],
    weights: NDArray[np.float32],
    balance: NDArray[np.float64],
) -> tuple[NDArray[np.float32], float]:
    ids, rows = samples.take(chosen)
    scales = samples.scales[chosen][rows, None]
    logits = _sum_rows(weights[ids] * scales, rows, len(chosen)) + weights[-1]
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    at = np.arange(len(chosen))
    loss = -np.log(shares[at, wanted] + 1e-9).mean()
    shares[at, wanted] -= 1
    shares *= balance[wanted][:, None] / len(chosen)
    gradient = np.empty_like(weights)
    gradient[:-1] = _sum_rows(shares[rows] * scales, ids, len(weights) - 1)
    gradient[-1] = shares.sum(axis=0)
    return gradient + 1e-7 * weights, float(loss)


def _sum_rows(
    values: NDArray[np.floating], places: NDArray[np.integer], num_rows: int
) -> NDArray[np.float64]:
    """Sum the rows of `values` that go to the same place."""
    columns = [np.bincount(places, column, minlength=num_rows) for column in values.T]
    return np.stack(columns, axis=1)


def find_alphabet(stretches: Sequence[str]) -> str:
    """The letters that are not rare in a text."""
    counts = Counter(char for stretch in stretches for char in stretch if char != " ")
    least = _LEAST_LETTER_SHARE * counts.total()
    return "".join(sorted(char for char, number in counts.items() if number >= least))


def find_margins(
    samples: Samples, weights: NDArray[np.float32], scripts: Sequence[str]
) -> tuple[float, ...]:
    """By how much a language leads the next for an n-gram of its own text, at least.

    So it is for all but `LEAST_MARGIN` of them, a few stretches put together.
    """
    margins = []
    for place, script in enumerate(scripts):
        own = np.flatnonzero(samples.classes == place)[:30_000]
        rivals = [i for i, other in enumerate(scripts) if other == script]
        leads = list(_lead(samples, own, weights, rivals, place))
        margins.append(float(np.quantile(leads, LEAST_MARGIN)))
    return tuple(margins)


def _lead(
    samples: Samples,
    own: NDArray[np.int64],
    weights: NDArray[np.float32],
    rivals: Sequence[int],
    place: int,
) -> Iterator[float]:
    groups = iter(own)
    while len(group := np.fromiter(islice(groups, _STRETCHES), dtype=np.int64)):
        ids, _ = samples.take(group)
        sums = weights[ids].sum(axis=0)
        best = max(sums[rival] for rival in rivals if rival != place)
        yield float(sums[place] - best) / float((samples.scales[group] ** -2).sum())


if __name__ == "__main__":
    main()
