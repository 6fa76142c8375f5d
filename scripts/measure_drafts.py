"""Cuts, trains and judges drafts: each language by each strategy, on both tasks.

Held out are the target's translations of the English side of CORPORA/data/mt, and its
stories on themes that no draft learned from. Every part is kept in a folder for each
language, so a run that was stopped goes on with the same command.

Usage: python scripts/measure_drafts.py CORPORA WORK [--languages yor,deu] [--steps 400]

Prints a table in Markdown.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from polyspec.documents.output_file import open_output
from polyspec.tables.corpus import read_pairs
from polyspec.training.examples import STRATEGIES
from polyspec.training.journal import Entry, Journal, read_subject

TASKS = ("translate", "story")
_HELD_OUT = 3000
"""Tokens of each task."""


def main() -> None:
    """Do each language in turn, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--target", default="gemma-3-270m")
    parser.add_argument("--languages", default="chr,zgh,amh,yor,deu")
    parser.add_argument("--layers", default="4")
    parser.add_argument("--tokens", type=int, default=20_000)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    lines = [
        "| language | draft | task | tokens | acceptance | speed-up | table |",
        "|---|---|---|--:|--:|--:|--:|",
    ]
    for code in arguments.languages.split(","):
        folder = arguments.work / code
        folder.mkdir(parents=True, exist_ok=True)
        lines += measure(code, folder, arguments)
    print("\n".join(lines))


def measure(code: str, folder: Path, arguments: argparse.Namespace) -> list[str]:
    """Return the rows of a language."""
    cut = folder / "cut.gguf"
    if not cut.exists():
        options = ("--layers", arguments.layers, "--vocab", f"eng,{code}", "-o", cut)
        run("drafts", "make", "--target", arguments.target, *options)
    held_out = [hold_out(code, task, folder, arguments) for task in TASKS]
    drafts = [cut, *(train(cut, code, name, arguments) for name in STRATEGIES)]
    return [row for draft in drafts for row in judge(draft, held_out, arguments)]


def hold_out(code: str, task: str, folder: Path, arguments: argparse.Namespace) -> Path:
    """Let the target write what drafts are judged by.

    Of its stories drafts learn from the first ones, and are judged by the others.
    """
    path = folder / f"held-out.{task}.jsonl"
    if path.exists():
        return path
    written = folder / f"{task}.jsonl"
    options = ["--language", code, "--task", task, "--journal", written]
    num_tokens = _HELD_OUT
    if task == "translate":
        sentences = folder / "english.txt"
        pairs = read_pairs(arguments.corpora / "data" / "mt" / f"{code}.tsv")
        with open_output(sentences) as file:
            file.write("".join(f"{source}\n" for source, _ in pairs))
        options += ["--sources", sentences]
    else:
        num_tokens += arguments.tokens // 2
    options += ["--tokens", num_tokens, "-o", folder / f"{task}.table.gguf"]
    run("tables", "distill", "--model", arguments.target, *options)
    divide(written, path, 0 if task == "translate" else arguments.tokens // 2)
    return path


def divide(written: Path, held_out: Path, num_learned: int) -> None:
    """Give the first tokens of a journal to training and the rest to judgement."""
    subject = read_subject(written)
    learned = written.parent / "work" / f"{subject.language}.{subject.task}.jsonl"
    with Journal(written, subject) as journal:
        first: list[Entry] = []
        rest = list(journal.entries)
        while rest and sum(len(entry.token_ids) for entry in first) < num_learned:
            first.append(rest.pop(0))
    for path, entries in ((learned, first), (held_out, rest)):
        if entries:
            partial = path.with_suffix(".partial")
            partial.unlink(missing_ok=True)
            with Journal(partial, subject) as journal:
                for entry in entries:
                    journal.add(entry)
            partial.replace(path)


def train(cut: Path, code: str, strategy: str, arguments: argparse.Namespace) -> Path:
    """Train a draft, unless that was done."""
    out = cut.with_name(f"{strategy}.gguf")
    if out.exists():
        return out
    data = arguments.corpora / "data"
    run(
        *("train", "draft", cut, "--target", arguments.target, "--language", code),
        *("--strategy", strategy, "--sources", data / "src" / "eng.txt.zst"),
        *("--text", data / "mono" / f"{code}.train.txt.zst", "-o", out),
        *("--tokens", arguments.tokens, "--steps", arguments.steps),
        *("--batch", arguments.batch, "--rate", arguments.rate),
        *("--work", cut.parent / "work", "--threads", arguments.threads),
    )
    return out


def judge(
    draft: Path, held_out: list[Path], arguments: argparse.Namespace
) -> list[str]:
    """Return a row for each task."""
    kept = draft.with_suffix(".json")
    if not kept.exists():
        options = ("--limit", arguments.limit, "--threads", arguments.threads)
        printed = run(
            *("drafts", "eval", draft, *held_out, "--target", arguments.target),
            *options,
        )
        with open_output(kept) as file:
            file.write(printed.splitlines()[-1])
    rows = json.loads(kept.read_text(encoding="utf-8"))["rows"]
    tables = {row["task"]: row for row in rows if row["drafter"] == "table"}
    return [
        f"| {row['language']} | {draft.stem} | {row['task']} | {row['num_tokens']} | "
        f"{row['agreement']['acceptance']:.2f} | {row['speed_up']:.3f} | "
        f"{_speed_up_of(tables.get(row['task']))} |"
        for row in rows
        if row["drafter"] == "model"
    ]


def _speed_up_of(row: dict[str, float] | None) -> str:
    return "–" if row is None else f"{row['speed_up']:.3f}"


def run(*words: object) -> str:
    """Run a command of the program and return what it prints."""
    command = [sys.executable, "-m", "polyspec", *map(str, words)]
    print(" ".join(command[2:]), file=sys.stderr)
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ).stdout


if __name__ == "__main__":
    main()
