"""Builds the tables that ship: 27 languages for two tokenizers.

Usage: python scripts/build_tables.py CORPORA [--explore] [--work DIR]

CORPORA holds `data/` (mono, src, stories, extra) and `parallel/`, each with a
SOURCES.md that lists the licence of every source.

Each table gets the size that ngram_tables/sizes.csv names. With `--explore`, tables of
several sizes are replayed on held-out text instead, and that file is written anew: the
bytes go where they gain most, within one budget. What is done is kept in the work
folder, so that a run that was stopped goes on.
"""

import argparse
import csv
import io
import json
import random
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import zstandard

from polyspec.benchmarks.ladders import named_ladder
from polyspec.benchmarks.replay import replay_lines
from polyspec.catalog.store import find_model
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.drafting.chain import ChainDrafter
from polyspec.drafting.table import NAME, TableDrafter
from polyspec.gguf_header import read_gguf_header
from polyspec.tables.builder import (
    BuildRequest,
    count_texts,
    write_counted,
)
from polyspec.tables.calibration import gaps_by_decile, promises_of
from polyspec.tables.format import Corpus
from polyspec.tables.reader import Table
from polyspec.tables.store import table_name

LANGUAGES = tuple(
    "ber grn chr zgh que oci npi yor haw ibo amh "  # noqa: SIM905
    "deu fra spa ita por nld pol ukr rus tur ara hin zho jpn kor eng".split()
)
MODELS = ("gemma-3-270m", "qwen2.5-coder-0.5b-instruct")
"""Of each tokenizer one model; the table fits every model that shares it."""
SIZES = (60_000, 120_000, 240_000, 480_000, 960_000)
BUDGET = 24_000_000
_REPLAYED_TOKENS = 40_000
_WALK_WORDS, _LINE_WORDS = 40_000, 20
_LADDERS = ("cuda", "cpu")
_ROW = re.compile(r"^\| *(?:mono/|src/)?([\w.]+\.zst|src/\S+) *\|")


def main() -> None:
    """Build tables, or look for their best sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--work", type=Path, default=Path("build/tables"))
    parser.add_argument("--output", type=Path, default=Path("ngram_tables"))
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--explore", action="store_true")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    sizes_file = arguments.output / "sizes.csv"
    sizes = {} if arguments.explore else read_sizes(sizes_file)
    journal = arguments.work / (
        "explored.jsonl" if arguments.explore else "built.jsonl"
    )
    rows = read_rows(journal)
    done = {(row["language"], row["model"]) for row in rows}
    for model in arguments.models.split(","):
        for language in arguments.languages.split(","):
            if (language, model) in done:
                continue
            wanted = [sizes[language, model]] if sizes else SIZES
            found = build(arguments.corpora, arguments.work, language, model, wanted)
            with journal.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(row, sort_keys=True) + "\n" for row in found)
            rows += found
    if arguments.explore:
        write_sizes(sizes_file, spend(rows))
    else:
        ship(rows, arguments.work, arguments.output)


def read_sizes(path: Path) -> dict[tuple[str, str], int]:
    """Bytes at most by language and model."""
    with path.open(newline="") as file:
        return {
            (row["language"], row["model"]): int(row["max_bytes"])
            for row in csv.DictReader(file)
        }


def write_sizes(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Keep the chosen sizes for the next build."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("language", "model", "max_bytes"))
        writer.writerows(
            sorted((row["language"], row["model"], row["max_bytes"]) for row in rows)
        )


def read_rows(journal: Path) -> list[dict[str, Any]]:
    """What earlier runs found; only complete sets of sizes count."""
    if not journal.exists():
        return []
    rows = [json.loads(line) for line in journal.read_text("utf-8").splitlines()]
    groups = defaultdict(list)
    for row in rows:
        groups[row["language"], row["model"]].append(row)
    return [row for group in groups.values() if group[-1]["is_last"] for row in group]


def build(
    corpora: Path, work: Path, language: str, model: str, sizes: Sequence[int]
) -> list[dict[str, Any]]:
    """Write tables of some sizes of a language and replay held-out lines with each."""
    header = read_gguf_header(find_model(model))
    request = BuildRequest(
        language,
        header,
        list(find_corpora(corpora, work, language)),
        held_out=held_out_file(corpora, language),
        max_bytes=sizes[-1],
        memory_bytes=4 << 30,
        report=lambda text: print(f"{language} {model}: {text}", file=sys.stderr),
    )
    counted = count_texts(request)
    num_start = 0 if request.start_id is None else 1
    held_out = [line[num_start:] for line in counted.held_out]
    lines = sample(held_out)
    rows: list[dict[str, Any]] = []
    for size in sizes:
        path = work / f"{table_name(language, request.fingerprint)}.{size}.gguf"
        info = write_counted(counted, path, size)
        row = {
            "language": language,
            "model": model,
            "name": table_name(language, request.fingerprint),
            "file": path.name,
            "max_bytes": size,
            "bytes": path.stat().st_size,
            "num_tokens": counted.num_tokens,
            "corpora": [[corpus.name, corpus.licence] for corpus in info.corpora],
            "calibration_error": round(info.calibration_error, 4),
            "is_last": False,
        }
        with Table(path) as table:
            row["states"] = list(table.info.states_per_order)
            row["deciles"] = gaps_by_decile(*promises_of(table, held_out))
            for ladder in _LADDERS:
                policy = DraftPolicy(named_ladder(ladder))
                drafter = ChainDrafter({NAME: TableDrafter(table)}, policy.feedback)
                done = replay_lines(drafter, policy, lines)
                row[ladder] = round(done.speed_up, 4)
        rows.append(row)
        if sum(row["states"]) == len(counted.ranked.contexts):
            break
    rows[-1]["is_last"] = True
    speeds = " ".join(f"{row['bytes']}:{row['cuda']}" for row in rows)
    print(
        f"\r\033[K{language} {model} {counted.num_tokens} tokens {speeds}", flush=True
    )
    return rows


def find_corpora(
    corpora: Path, work: Path, language: str
) -> Iterator[tuple[Path, Corpus]]:
    """The texts of a language with their licences."""
    data, parallel = corpora / "data", corpora / "parallel"
    names = [data / f"mono/{language}.train.txt.zst"]
    if language == "eng":
        names = [data / "src/eng.txt.zst", data / "stories/eng.jsonl"]
    names += [parallel / f"{language}.tsv.zst", parallel / f"{language}.bible.tsv.zst"]
    for path in names:
        if path.exists():
            name = f"{path.parent.name}/{path.name}"
            yield path, Corpus(name, licence_of(path, name))
    if language == "haw":
        yield walk_bigrams(data / "extra/2grams_haw.txt.zst", work)


def held_out_file(corpora: Path, language: str) -> Path | None:
    """The valid split; of English a share of the texts is held out instead."""
    path = corpora / f"data/mono/{language}.valid.txt.zst"
    return path if path.exists() else None


def licence_of(path: Path, name: str) -> str:
    """The licences of all sources that a file was made of."""
    if path.suffix == ".jsonl":
        stories = map(json.loads, path.read_text("utf-8").splitlines())
        return "; ".join(sorted({story["licence"] for story in stories}))
    folder = path.parent if path.parent.name == "parallel" else path.parent.parent
    licences: dict[str, None] = {}
    for line in (folder / "SOURCES.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and cells[0] in (name, path.name):
            licences[cells[5] if "mono" in name or "src" in name else cells[3]] = None
    if not licences:
        sys.exit(f"no licence of {name} is in {folder / 'SOURCES.md'}")
    return "; ".join(licences)


def walk_bigrams(path: Path, work: Path) -> tuple[Path, Corpus]:
    """Lines that a random walk over counted word pairs writes.

    Running Hawaiian text is scarce, counts of a modern corpus are not.
    """
    followers: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for count, pair in read_counts(path):
        first, _, second = pair.partition(",")
        if first and second:
            followers[first].append((second, count))
    draw = random.Random(1)
    firsts = list(followers)
    totals = [sum(count for _, count in followers[first]) for first in firsts]
    lines = []
    for _ in range(_WALK_WORDS // _LINE_WORDS):
        words = draw.choices(firsts, totals)
        while len(words) < _LINE_WORDS and words[-1] in followers:
            nexts, counts = zip(*followers[words[-1]], strict=True)
            words += draw.choices(nexts, counts)
        lines.append(" ".join(words) + "\n")
    output = work / "2grams_haw.txt"
    output.write_text("".join(lines), "utf-8")
    return output, Corpus("extra/2grams_haw.txt.zst, a random walk", "CC0-1.0")


def read_counts(path: Path) -> Iterator[tuple[int, str]]:
    """Lines of a count, a tab and an item."""
    with path.open("rb") as packed:
        raw = zstandard.ZstdDecompressor().stream_reader(packed)
        for line in io.TextIOWrapper(raw, "utf-8"):
            count, tab, item = line.strip().partition("\t")
            if tab:
                yield int(count), item


def sample(lines: Sequence[Sequence[int]]) -> Sequence[Sequence[int]]:
    """Lines from all over."""
    total = sum(map(len, lines))
    return lines[:: max(1, round(total / _REPLAYED_TOKENS))]


def spend(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Choose a size for each table so that the gains in all are greatest.

    From the smallest sizes on, the step that gains most per byte is taken, as long as
    the budget lasts. A gain below what a replay can tell is none.
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["language"], row["model"]].append(row)
    place = dict.fromkeys(groups, 0)
    spent = sum(group[0]["bytes"] for group in groups.values())
    while True:
        steps = [
            (rate, key, to, cost)
            for key, group in groups.items()
            for to in range(place[key] + 1, len(group))
            for rate, cost in [worth(group[place[key]], group[to])]
            if rate > 0 and spent + cost <= BUDGET
        ]
        if not steps:
            return [group[place[key]] for key, group in groups.items()]
        _, key, to, cost = max(steps)
        place[key] = to
        spent += cost


def worth(small: dict[str, Any], large: dict[str, Any]) -> tuple[float, int]:
    """Gain per byte of a larger table on both ladders, and the bytes it costs."""
    gain = sum(large[ladder] - small[ladder] for ladder in _LADDERS) - 0.002
    cost = large["bytes"] - small["bytes"]
    return gain / cost, cost


def ship(rows: Sequence[dict[str, Any]], work: Path, output: Path) -> None:
    """Copy the chosen tables and write the manifest."""
    output.mkdir(exist_ok=True)
    for row in rows:
        shutil.copyfile(work / row["file"], output / f"{row['name']}.gguf")
    total = sum(row["bytes"] for row in rows)
    print(f"{len(rows)} tables, {total} bytes")
    (output / "MANIFEST.md").write_text(manifest(rows, total), "utf-8")


def manifest(rows: Sequence[dict[str, Any]], total: int) -> str:
    """What ships, from what, under which licences, and how good it is."""
    lines = [
        "# Tables that ship",
        "",
        f"{len(rows)} tables, {total / 1e6:.1f} MB. Made by `make tables`; "
        "docs/table-format.md describes the files.",
        "",
        "Speed-ups are those of a replay of held-out text (`polyspec bench replay`) on "
        "the ladders `cuda` and `cpu`. The worst decile is the largest distance, in "
        "points, of promised from observed probability in a tenth of all chances with "
        "at least 200 tokens.",
        "",
        "| table | tokenizer of | bytes | states | tokens counted | cuda | cpu | "
        "calibration error | worst decile |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        worst = max((gap for gap, num in row["deciles"] if num >= 200), default=0.0)
        lines.append(
            f"| {row['name']} | {row['model']} | {row['bytes']} | {sum(row['states'])} "
            f"| {row['num_tokens']} | {row['cuda']:.3f} | {row['cpu']:.3f} | "
            f"{100 * row['calibration_error']:.1f} | {100 * worst:.1f} |"
        )
    lines += ["", "## Corpora", "", "| language | corpus | licences |", "|---|---|---|"]
    seen = set()
    for row in rows:
        for name, licence in row["corpora"]:
            if (row["language"], name) not in seen:
                seen.add((row["language"], name))
                lines.append(f"| {row['language']} | {name} | {licence} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
