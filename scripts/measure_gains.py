"""Measures by replay what the shipped tables and lexicons gain, for the router.

Translations are the references of CORPORA/data/mt, stories stand for themselves with
the held-out lines of CORPORA/data/mono: neither is in a table. No model is loaded; the
tokenizers come from the heads of two model files.

Usage: python scripts/measure_gains.py CORPORA [--languages yor,deu] [--limit 120]

Writes ngram_tables/gains.csv; languages that are not measured keep their rows.
"""

import argparse
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from polyspec.benchmarks.gain_curves import GainMeter, format_gains
from polyspec.catalog.store import find_model
from polyspec.documents.output_file import open_output
from polyspec.drafting.expectations import GAINS_FILE, Key, read_gains
from polyspec.gguf_header import read_gguf_header
from polyspec.languages import known_languages
from polyspec.tables.corpus import read_lines, read_pairs
from polyspec.tables.lexicon_store import find_lexicon

MODELS = ("gemma-3-270m", "qwen2.5-coder-0.5b-instruct")
"""One for each tokenizer."""
SOURCE = "eng"
_LEAST_LINES = 20


def main() -> None:
    """Measure each tokenizer and language in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--output", type=Path, default=Path("ngram_tables"))
    parser.add_argument("--languages")
    parser.add_argument("--limit", type=int, default=120)
    arguments = parser.parse_args()
    codes = [language.code for language in known_languages()]
    if arguments.languages:
        codes = arguments.languages.split(",")
    path = arguments.output / GAINS_FILE
    gains = dict(read_gains(path).by_key)
    for model in MODELS:
        meter = GainMeter.of(read_gguf_header(find_model(model)))
        for code in codes:
            for key, values in measure(meter, arguments.corpora, code, arguments.limit):
                gains[key] = values
                print(*key, *(f"{gain:.3f}" for gain in values), file=sys.stderr)
    with open_output(path) as file:
        file.write(format_gains(gains))


def measure(
    meter: GainMeter, corpora: Path, code: str, limit: int
) -> Iterator[tuple[Key, list[float]]]:
    """Yield the rows of a language: those of stories, then those of translations."""
    stories = corpora / "data" / "mono" / f"{code}.valid.txt.zst"
    lines = list(islice(read_lines(stories), limit)) if stories.exists() else []
    if len(lines) >= _LEAST_LINES:
        yield (
            meter.key(code, "story", "table"),
            meter.of_texts(code, "story", lines),
        )
    pairs_file = corpora / "data" / "mt" / f"{code}.tsv"
    if not pairs_file.exists():
        return
    pairs = list(islice(read_pairs(pairs_file), limit))
    drafters = ("table", "source") if find_lexicon(SOURCE, code) else ("table",)
    for drafter in drafters:
        yield (
            meter.key(code, "translate", drafter),
            meter.of_pairs(SOURCE, code, drafter, pairs),
        )


if __name__ == "__main__":
    main()
