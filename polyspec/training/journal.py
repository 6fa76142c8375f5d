"""What a target has written so far, on disk, so that a killed run can go on."""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from polyspec.errors import DocumentError

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Subject:
    """Who writes what; a journal belongs to one subject."""

    model: str
    fingerprint: str
    """Of the tokenizer."""
    language: str
    """ISO 639-3."""
    task: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer of the target."""

    source: str
    """The sentence that was translated, or the theme of the story."""
    text: str
    token_ids: tuple[int, ...]
    """As the target wrote them, with the token that ended the answer."""
    is_cut: bool
    """Whether the limit of tokens ended it."""


def read_subject(path: Path) -> Subject:
    """Who wrote what, as the head of a journal says.

    Raises:
        DocumentError: It cannot be read, or is no journal.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            head = json.loads(lines.readline())
        names = ("model", "fingerprint", "language", "task")
        return Subject(*(str(head[name]) for name in names))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DocumentError(
            f"{path} is no journal",
            cause=f"its first line does not say who wrote it: {error}",
            remedy="pass one that tables distill or train draft wrote",
        ) from error


class Journal:
    """Answers in a JSON Lines file: a head, then one entry a line.

    Each entry is handed to the system as it is added. Half a line at the end, which a
    killed run may leave, is dropped when the file is opened again.
    """

    def __init__(self, path: Path, subject: Subject) -> None:
        """Open a journal, or begin one; its folder is made.

        Raises:
            DocumentError: It is no journal, belongs to another subject, or cannot be
                read and written.
        """
        self.path = path
        self.subject = subject
        self.entries: list[Entry] = []
        self.num_tokens = 0
        head = {"polyspec_journal": _VERSION, **asdict(subject)}
        with self._translate_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream: TextIO = path.open("a+", encoding="utf-8", newline="\n")
        try:
            num_whole = self._read(head)
            with self._translate_errors():
                self._stream.truncate(num_whole)
            if num_whole == 0:
                self._append(head)
        except BaseException:
            self._stream.close()
            raise

    def add(self, entry: Entry) -> None:
        """Append an entry.

        Raises:
            DocumentError: The disk is full.
        """
        self._append(asdict(entry))
        self._note(entry)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _read(self, head: Mapping[str, object]) -> int:
        """Take the entries and return the size of the whole lines in bytes."""
        num_whole = 0
        with self._translate_errors(), self.path.open("rb") as lines:
            for number, line in enumerate(lines):
                if not line.endswith(b"\n"):
                    break
                fields = self._parse(line, number)
                if number == 0 and fields != head:
                    raise self._refuse(_difference(fields, head))
                if number > 0:
                    self._note(self._make_entry(fields, number))
                num_whole += len(line)
        return num_whole

    def _parse(self, line: bytes, number: int) -> dict[str, Any]:
        with contextlib.suppress(ValueError):
            fields = json.loads(line)
            if isinstance(fields, dict):
                return fields
        raise self._refuse(f"line {number + 1} is no JSON object")

    def _make_entry(self, fields: Mapping[str, Any], number: int) -> Entry:
        match fields:
            case {
                "source": str(source),
                "text": str(text),
                "token_ids": [*ids],
                "is_cut": bool(is_cut),
            } if all(type(id_) is int and id_ >= 0 for id_ in ids):
                return Entry(source, text, tuple(ids), is_cut)
        raise self._refuse(f"line {number + 1} is no answer")

    def _note(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.num_tokens += len(entry.token_ids)

    def _append(self, fields: Mapping[str, object]) -> None:
        with self._translate_errors():
            self._stream.write(json.dumps(fields, ensure_ascii=False) + "\n")
            self._stream.flush()

    def _refuse(self, cause: str) -> DocumentError:
        return DocumentError(
            f"the journal {self.path} cannot be continued",
            cause=cause,
            remedy="name another file with --journal, or delete it",
        )

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DocumentError(
                f"the journal {self.path} cannot be written",
                cause=(error.strerror or os.strerror(error.errno or 0)).lower(),
                remedy="free some space, or name another file with --journal",
            ) from error


def _difference(found: Mapping[str, object], wanted: Mapping[str, object]) -> str:
    for key, value in wanted.items():
        if found.get(key) != value:
            return f"its {key} is {found.get(key)!r}, not {value!r}"
    return "it was written by another version"
