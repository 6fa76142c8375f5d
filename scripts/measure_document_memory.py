"""Measure the memory that the translation of a huge document takes.

    python scripts/measure_document_memory.py --size 200 --format text

The document is made, and translated by the command with all that belongs to it (journal
and checks; the translation memory is off), but for the model: in its place is one that
answers at once in capitals. Printed is the resident memory after each tenth of the
output. Linux only.
"""

import argparse
import os
import resource
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from polyspec.prompting.interfaces import (
    Completed,
    CompletionRequest,
    DraftCounts,
    FinishReason,
    Piece,
)
from tests.fakes_completer import FakeCompleter
from tests.fakes_translator import FakeOpening

SENTENCE = "This is number {} of the sentences of a document that is very long, " + (
    "and goes on and on, " * 16
)


class Answering(FakeCompleter):
    """Answers at once, and keeps nothing."""

    def complete(
        self, requests: Iterable[CompletionRequest]
    ) -> Iterator[Piece | Completed]:
        for index, request in enumerate(requests):
            text = request.source.upper()
            counts = DraftCounts(1)
            yield Completed(index, text, FinishReason.STOP, 1, 1, 0.0, counts)


def make_entry(kind: str, number: int) -> str:
    """One segment of a document."""
    sentence = SENTENCE.format(number).strip(", ") + "."
    match kind:
        case "csv":
            return f'{number},"{sentence}"\n'
        case "jsonl":
            return f'{{"text": "{sentence}"}}\n'
        case "srt":
            hours, seconds = divmod(number, 3600)
            time = f"{hours % 100:02}:{seconds // 60:02}:{seconds % 60:02}"
            return f"{number + 1}\n{time},000 --> {time},900\n{sentence}\n\n"
    return f"{sentence}\n"


def write_document(path: Path, kind: str, size: int) -> None:
    """A document of so many bytes."""
    number = 0
    with path.open("w") as file:
        while size > 0:
            entry = make_entry(kind, number)
            size -= file.write(entry)
            number += 1


def resident_mb() -> float:
    """Resident memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def watch(folder: Path, size: int, is_over: threading.Event) -> None:
    """Print the memory whenever the output has grown by a tenth."""
    tenths = 0
    while not is_over.wait(0.5):
        written = max(
            (path.stat().st_size for path in folder.glob(".polyspec-*")), default=0
        )
        if written * 10 // size > tenths:
            tenths = written * 10 // size
            print(f"{written >> 20} MB written: {resident_mb():.0f} MB", flush=True)


def main() -> None:
    """Make the document, translate it, and watch."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=200, help="in MB")
    kinds = ("text", "csv", "jsonl", "srt")
    parser.add_argument("--format", choices=kinds, default="text")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["POLYSPEC_HOME"] = str(folder / "home")
        from polyspec import translator
        from polyspec.cli.main import main as run

        suffix = "txt" if arguments.format == "text" else arguments.format
        source = folder / f"long.{suffix}"
        write_document(source, arguments.format, arguments.size << 20)
        print(f"before: {resident_mb():.0f} MB", flush=True)
        translator.open_translator = FakeOpening(Answering())
        is_over = threading.Event()
        size = source.stat().st_size
        watcher = threading.Thread(target=watch, args=(folder, size, is_over))
        watcher.start()
        command = ["translate", "--in", str(source), "-o", str(folder / "out")]
        status = run(
            [*command, "--from", "en", "--to", "fr", "--format", arguments.format]
        )
        is_over.set()
        watcher.join()
        written = (folder / "out").stat().st_size
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"status {status}: {written >> 20} MB, at most {peak:.0f} MB resident")


if __name__ == "__main__":
    main()
