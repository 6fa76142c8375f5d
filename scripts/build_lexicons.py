"""Builds the lexicons that ship, from English to every language whose pairs allow it.

Some pairs of each language are held out. Beside a table that does not know them,
weights are fitted on half of them, and the gain is measured on the other
half; a lexicon that gains too little is not written.

Usage: python scripts/build_lexicons.py CORPORA [--work DIR] [--languages yor,deu]

CORPORA holds `data/mono/` and `parallel/` with its SOURCES.md, which lists the
licences. The last line of output is a JSON object with each lexicon's gain and size.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from polyspec.benchmarks.lexicon_gain import fit_lexicon
from polyspec.catalog.store import find_model
from polyspec.drafting.source_choice import LEAST_GAIN
from polyspec.gguf_header import GgufHeader, read_gguf_header
from polyspec.tables.builder import BuildRequest, build_table
from polyspec.tables.corpus import read_lines
from polyspec.tables.encoder import make_encoder
from polyspec.tables.format import Corpus
from polyspec.tables.lexicon import write_lexicon
from polyspec.tables.lexicon_builder import (
    LexiconRequest,
    SentencePair,
    build_lexicon,
    hold_out,
    read_all_pairs,
)
from polyspec.tables.lexicon_store import lexicon_file_name
from polyspec.tables.reader import Table

SOURCE = "eng"
LANGUAGES = tuple(
    "ber grn chr zgh oci npi yor ibo amh "  # noqa: SIM905
    "deu fra spa ita por nld pol ukr rus tur ara hin kor".split()
)
"""Chinese and Japanese are missing: their words are not told apart by spaces.

Quechua and Hawaiian are: of a few hundred pairs, nearly all interface texts, a lexicon
gained on such texts and lost on others."""
MODEL = "gemma-3-270m"
"""Its tokenizer is fitted with; the lexicon serves every other one as well."""
MAX_BYTES = 240_000
"""With 24 languages, all of them together stay under 6 MB."""
_MONO_LINES = 60_000
_PAIR_LINES = 60_000


def main() -> None:
    """Build the lexicon of each language in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--work", type=Path, default=Path("build/lexicons"))
    parser.add_argument("--output", type=Path, default=Path("ngram_tables"))
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    parser.add_argument("--model", default=MODEL)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    header = read_gguf_header(find_model(arguments.model))
    built = {}
    for language in arguments.languages.split(","):
        built[language] = build_one(
            arguments.corpora, arguments.work, arguments.output, language, header
        )
        print(language, json.dumps(built[language]), flush=True)
    print(json.dumps(built, sort_keys=True))


def build_one(
    corpora: Path, work: Path, output: Path, language: str, header: GgufHeader
) -> dict[str, float]:
    """Build, fit and judge one lexicon; write it if it pays."""

    def report(text: str) -> None:
        print(f"{language}: {text}", file=sys.stderr)

    files = sorted((corpora / "parallel").glob(f"{language}*.tsv.zst"))
    sources = list(find_sources(corpora / "parallel" / "SOURCES.md", files))
    kept, held_out = hold_out(read_all_pairs([(file, sources[0][1]) for file in files]))
    built = build_lexicon(
        LexiconRequest(SOURCE, language, sources, MAX_BYTES, report), kept
    )
    hidden = {target for _, target in held_out}
    clean = build_clean_table(corpora, work, language, header, kept, hidden=hidden)
    with Table(clean) as table:
        info = fit_lexicon(
            built.info, built.entries, table, make_encoder(header), held_out
        )
    path = output / lexicon_file_name(SOURCE, language)
    is_worth = info.gain >= LEAST_GAIN
    if is_worth:
        write_lexicon(path, info, built.entries)
    else:
        path.unlink(missing_ok=True)
    return {
        "pairs": info.num_pairs,
        "gain": round(info.gain, 4),
        "bytes": path.stat().st_size if is_worth else 0,
    }


def find_sources(listing: Path, files: Sequence[Path]) -> Iterator[tuple[Path, Corpus]]:
    """Every source of some files of pairs, with its licence, from their listing."""
    by_name = {file.name: file for file in files}
    for line in listing.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if len(cells) == 6 and cells[0] in by_name:
            yield by_name[cells[0]], Corpus(cells[2], cells[3])


def build_clean_table(
    corpora: Path,
    work: Path,
    language: str,
    header: GgufHeader,
    kept: Sequence[SentencePair],
    *,
    hidden: set[str],
) -> Path:
    """Build a table that does not know the translations held out; return its path.

    Many of them stand in the texts of the language as well.
    """
    text, table = work / f"{language}.txt", work / f"{language}.gguf"
    step = max(1, len(kept) // _PAIR_LINES)
    mono = corpora / "data" / "mono" / f"{language}.train.txt.zst"
    with text.open("w", encoding="utf-8") as file:
        if mono.exists():
            lines = islice(read_lines(mono), _MONO_LINES)
            file.writelines(f"{line}\n" for line in lines if line not in hidden)
        file.writelines(f"{target}\n" for _, target in kept[::step])
    build_table(BuildRequest(language, header, [(text, Corpus("mixed", ""))]), table)
    return table


if __name__ == "__main__":
    main()
