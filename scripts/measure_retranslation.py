"""Measure what translating a document again takes, a part of which has changed.

    python scripts/measure_retranslation.py before.epub after.epub --to fr

`before` is translated into an empty home, which fills its memory. Then `after` is
translated from nothing, in another home, and with the memory and `--reuse`. Whole
commands are timed, loading included. What of the document did not change must come out
as it did the first time; a PO file is compared by its messages, anything else by lines.
`scripts/make_long_documents.py --changed 0.2` makes such documents.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from polyspec.paths import models_dir


def translate(
    arguments: argparse.Namespace, source: Path, output: Path, home: Path
) -> float:
    """Run the command; returns its seconds."""
    command = [sys.executable, "-m", "polyspec", "translate", "--reuse"]
    command += ["--in", str(source), "-o", str(output), "--from", arguments.source]
    command += ["--to", arguments.to, "--model", arguments.model, *arguments.option]
    environment = {**os.environ, "POLYSPEC_HOME": str(home)}
    environment.setdefault("POLYSPEC_MODELS_DIR", str(models_dir()))
    started = time.monotonic()
    status = subprocess.run(command, env=environment, check=False).returncode
    if status:
        raise SystemExit(f"it ended with {status}")
    return time.monotonic() - started


def read_pieces(path: Path) -> list[str]:
    """What of a document is compared: the messages of a PO file, or its lines."""
    if path.suffix == ".epub":
        with zipfile.ZipFile(path) as book:
            members = [book.read(name).decode() for name in sorted(book.namelist())]
        return "\n".join(members).split("\n")
    text = path.read_text(encoding="utf-8")
    return text.split("\n\n" if path.suffix == ".po" else "\n")


def compare(before: Path, after: Path, old: Path, new: Path) -> str:
    """Tell how many pieces changed, and how many of the others read as before."""
    pieces = [read_pieces(path) for path in (before, after, old, new)]
    if len({len(each) for each in pieces}) > 1:
        raise SystemExit("the documents have different numbers of lines")
    rows = list(zip(*pieces, strict=True))
    unchanged = [(was, now) for first, second, was, now in rows if first == second]
    num_kept = sum(was == now for was, now in unchanged)
    return (
        f"{len(rows) - len(unchanged)} of {len(rows)} pieces changed; of the other "
        f"{len(unchanged)}, {num_kept} read as before"
    )


def main() -> None:
    """Translate three times and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--from", dest="source", default="en")
    parser.add_argument("--to", default="fr")
    parser.add_argument("--model", default="gemma-3-270m")
    parser.add_argument("--option", action="append", default=[])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        suffix = arguments.before.suffix
        old, plain, new = (
            folder / f"{kind}{suffix}" for kind in ("old", "plain", "new")
        )
        known, empty = folder / "home-1", folder / "home-2"
        first_s = translate(arguments, arguments.before, old, known)
        print(f"the first version, measuring included: {first_s:.1f} s", flush=True)
        shutil.copytree(known / "cache", empty / "cache")
        plain_s = translate(arguments, arguments.after, plain, empty)
        print(f"the second one from nothing: {plain_s:.1f} s", flush=True)
        new_s = translate(arguments, arguments.after, new, known)
        print(f"the second one with the memory: {new_s:.1f} s")
        print(f"{plain_s / new_s:.2f} times as fast; ", end="")
        print(compare(arguments.before, arguments.after, old, new))


if __name__ == "__main__":
    main()
