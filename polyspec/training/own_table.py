"""A table counted from what a target wrote itself, alone or beside other texts."""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from polyspec.errors import TableError
from polyspec.tables.builder import BuildRequest, build_table
from polyspec.tables.encoder import Encoder, make_encoder
from polyspec.tables.format import Corpus, TableInfo
from polyspec.training.journal import Entry, Journal, Subject
from polyspec.translation.loops import find_loop

_HELD_OUT_EVERY = 10
_TEXT_NAME = "own-output.txt"


def build_own_table(
    journal: Journal,
    licence: str,
    request: BuildRequest,
    output: Path,
    own_weight: int = 1,
) -> TableInfo:
    """Build a table of a journal's answers and the texts of a request.

    Every tenth answer calibrates the table instead of being counted.

    Args:
        journal: What the target wrote.
        licence: Of the model, as far as it is known.
        request: The rest; its corpora may be empty, its held-out text is not used.
        output: Where the table is to be.
        own_weight: How many times each answer is counted. There are few beside texts
            of millions of words, but they are what the table will meet.

    Raises:
        TableError: Nothing was written, or as `build_table` does.
    """
    counted = [entry for i, entry in enumerate(journal.entries) if not _calibrates(i)]
    held_out = [entry for i, entry in enumerate(journal.entries) if _calibrates(i)]
    if not any(map(clean_text, counted)):
        raise TableError(
            "no table can be built from what the model wrote",
            cause=f"{journal.path} holds no text",
            remedy="allow more with --tokens, or choose another model",
        )
    with tempfile.TemporaryDirectory(prefix="polyspec-") as folder:
        train, valid = Path(folder) / _TEXT_NAME, Path(folder) / "held-out.txt"
        _write_lines(train, counted * own_weight)
        _write_lines(valid, held_out)
        corpora = [(train, _own_corpus(journal.subject, licence, own_weight))]
        return build_table(
            replace(
                request,
                corpora=[*corpora, *request.corpora],
                held_out=valid if held_out else None,
                encoder=_OwnEncoder(
                    request.encoder or make_encoder(request.header), journal.entries
                ),
            ),
            output,
        )


class _OwnEncoder:
    """Knows the target's own tokens of its own lines.

    They differ from those of the text tokenized again: an answer may begin with a
    space that belongs to its first token, and a model may cut words in its own way.
    """

    def __init__(self, other: Encoder, entries: Iterable[Entry]) -> None:
        self._other = other
        self._ids_of = {
            entry.text.strip(): list(_answer_ids(entry))
            for entry in entries
            if entry.token_ids and clean_text(entry) == entry.text.strip()
        }

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        known = self._ids_of
        fresh = iter(self._other.encode([line for line in lines if line not in known]))
        return [known[line] if line in known else next(fresh) for line in lines]


def _answer_ids(entry: Entry) -> Sequence[int]:
    """The tokens of an answer without the one that ended it."""
    return entry.token_ids if entry.is_cut else entry.token_ids[:-1]


def _own_corpus(subject: Subject, licence: str, weight: int) -> Corpus:
    counted = f", counted {weight} times" if weight > 1 else ""
    return Corpus(
        f"own output of {subject.model} ({subject.task}{counted})",
        f"terms of the model: {licence or 'not known'}",
    )


def clean_text(entry: Entry) -> str:
    """What of an answer is worth counting: not what it repeats in a loop.

    A loop would outweigh all else, and the history drafter knows it without a table.
    """
    text = entry.text.strip()
    loop = find_loop(text)
    return text if loop is None else text[:loop].rstrip()


def _calibrates(place: int) -> bool:
    return place % _HELD_OUT_EVERY == _HELD_OUT_EVERY - 1


def _write_lines(path: Path, entries: Iterable[Entry]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{clean_text(entry)}\n" for entry in entries)
