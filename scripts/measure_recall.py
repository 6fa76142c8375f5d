"""Measures how fast a large translation memory finds similar sentences, and how many.

Fills a memory of its own with pairs of sentences, changes one word in some of them, and
looks each changed one up. A sentence counts as found where what comes back is at least
as similar as the one it was made from; those that the change left below the threshold
are not counted.

Usage: python scripts/measure_recall.py PAIRS.tsv [--limit 100000] [--queries 500]

Times of look-ups are processor times, so that other work does not count.
"""

import argparse
import sys
import time
from pathlib import Path
from random import Random
from statistics import quantiles
from tempfile import TemporaryDirectory

from rapidfuzz.distance import Indel

from polyspec.assets.database import Database
from polyspec.assets.language_pair import LanguagePair
from polyspec.assets.segments import NewSegment, Origin
from polyspec.assets.translation_memory import DEFAULT_THRESHOLD, TranslationMemory

PAIR = LanguagePair("en", "xx")
_BATCH = 500


def main() -> None:
    """Fill a memory and ask it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--limit", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=500)
    arguments = parser.parse_args()
    pairs = read_pairs(arguments.pairs, arguments.limit)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "assets.sqlite3"
        with Database(path, sys.exit) as database:
            memory = TranslationMemory(database)
            started_s = time.process_time()
            for start in range(0, len(pairs), _BATCH):
                batch = pairs[start : start + _BATCH]
                segments = [NewSegment(PAIR, *pair) for pair in batch]
                memory.store(segments, Origin.IMPORT)
            filled_s = time.process_time() - started_s
            times_s, num_found = ask(memory, pairs, arguments.queries)
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
    steps = quantiles(times_s, n=20)
    print(f"{len(pairs)} sentences kept in {filled_s:.1f} s, {size / 1e6:.0f} MB")
    print(f"{num_found} of {len(times_s)} changed sentences found")
    print(f"median {1e3 * steps[9]:.1f} ms, 95 of 100 within {1e3 * steps[18]:.1f} ms")


def read_pairs(path: Path, limit: int) -> list[tuple[str, str]]:
    """The first pairs of a file, each source once."""
    pairs: dict[str, str] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            source, _, target = line.rstrip("\n").partition("\t")
            if source and target:
                pairs.setdefault(source, target.partition("\t")[0])
            if len(pairs) >= limit:
                break
    return list(pairs.items())


def ask(
    memory: TranslationMemory, pairs: list[tuple[str, str]], number: int
) -> tuple[list[float], int]:
    """Look changed sentences up; returns the time of each and how many were found."""
    random = Random(1)
    words = [word for source, _ in pairs[:2000] for word in source.split()]
    times_s, num_found = [], 0
    for source, _ in random.sample(pairs, min(number, len(pairs))):
        parts = source.split()
        parts[random.randrange(len(parts))] = random.choice(words)
        changed = " ".join(parts)
        similarity = Indel.normalized_similarity(changed, source)
        if similarity < DEFAULT_THRESHOLD:
            continue
        started_s = time.process_time()
        found = memory.find_similar(PAIR, changed)
        times_s.append(time.process_time() - started_s)
        num_found += bool(found) and found[0].similarity >= similarity
    return times_s, num_found


if __name__ == "__main__":
    main()
