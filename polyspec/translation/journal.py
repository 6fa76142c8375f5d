"""What is translated of a document so far, on disk, so that a killed run can go on.

A file of JSON lines: a head that says what the job is, then a line for each segment, in
their order. Half a line at the end, as a killed run may leave it, is dropped.
"""

import contextlib
import errno
import json
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol

from polyspec.documents.interfaces import Segment
from polyspec.errors import DocumentError
from polyspec.translation.journal_entry import (
    Entry,
    read_entry,
    read_line,
    write_entry,
)
from polyspec.translation.units import TranslatedUnit

_VERSION = 1
_SYNC_S = 5.0
"""What was added is on the disk after so many seconds, should the power fail; it is
with the system at once, should only the program be killed."""
_END = b'{"is_complete": true}\n'


class _Lock(Protocol):
    def release(self) -> None: ...


class Journal:
    """The translated segments of one job; used by one process at a time."""

    def __init__(
        self,
        path: Path,
        facts: Mapping[str, str],
        *,
        is_anew: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open the journal of a job, or begin one; its folder is made.

        Args:
            path: Where it is.
            facts: What the translation depends on; a journal with others is dropped.
            is_anew: Whether to drop what it holds in any case.
            clock: Gives seconds.

        Raises:
            DocumentError: Another process works at the same job, or it cannot be
                read or written.
        """
        self.path = path
        self.num_entries = 0
        self.changes: tuple[str, ...] = ()
        """The facts that are other than they were when it was begun."""
        self.was_complete = False
        """Whether all segments were there and only the output may have been missing."""
        self._clock = clock
        self._synced_s = clock()
        head = {"polyspec_job": str(_VERSION), **facts}
        with self._translate_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(path)
            try:
                self._stream: BinaryIO = self._open(head, is_anew)
            except BaseException:
                self._lock.release()
                raise

    def entries(self) -> Generator[Entry, None, None]:
        """What was there when it was opened; taken before anything is added."""
        with self._translate_errors():
            lines = self.path.open("rb")
        with lines:
            place = len(lines.readline())
            for _ in range(self.num_entries):
                line = lines.readline()
                entry = read_entry(line)
                if entry is not None:
                    yield replace(entry, place=place)
                place += len(line)

    def drop_from(self, entry: Entry) -> None:
        """Forget an entry and those behind it."""
        with self._translate_errors():
            self._stream.truncate(entry.place)
            self._stream.seek(entry.place)

    def add(self, unit: TranslatedUnit) -> None:
        """Append a segment.

        Raises:
            DocumentError: The disk is full.
        """
        entry = Entry(unit.segment.id, unit.content, unit.note, unit.is_kept)
        self._append(write_entry(entry))

    def complete(self) -> None:
        """Note that all is there, right before the output takes its place."""
        self._append(_END)

    def close(self) -> None:
        """Close it; what it holds waits for the next run."""
        with contextlib.suppress(OSError):
            self._stream.close()
        self._lock.release()

    def remove(self) -> None:
        """Close it and delete it, when the output is written."""
        with contextlib.suppress(OSError):
            self._stream.close()
        for name in (self.path, _lock_path(self.path)):
            with contextlib.suppress(OSError):
                name.unlink()
        self._lock.release()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.remove()
        else:
            self.close()

    def _open(self, head: Mapping[str, str], is_anew: bool) -> BinaryIO:
        handle = os.open(
            self.path,
            os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0),
            0o600,  # it holds the text of a document
        )
        stream = os.fdopen(handle, "r+b", buffering=0)
        num_whole = 0 if is_anew else self._read(stream, head)
        stream.truncate(num_whole)
        stream.seek(num_whole)
        if num_whole == 0:
            self.num_entries = 0
            stream.write(json.dumps(head).encode() + b"\n")
        return stream

    def _read(self, stream: BinaryIO, head: Mapping[str, str]) -> int:
        """Count the whole entries and return where they end, in bytes."""
        with os.fdopen(os.dup(stream.fileno()), "rb") as lines:
            first = lines.readline()
            found = read_line(first)
            if found is None:
                return 0
            if found != head:
                self.changes = _differences(found, head)
                self.was_complete = _ends_with(lines, _END)
                return 0
            place = len(first)
            for line in lines:
                if read_entry(line) is None:
                    self.was_complete = line == _END
                    break
                place += len(line)
                self.num_entries += 1
        return place

    def _append(self, line: bytes) -> None:
        with self._translate_errors():
            written = 0
            while written < len(line):
                written += self._stream.write(line[written:])
            if self._clock() - self._synced_s >= _SYNC_S:
                os.fsync(self._stream.fileno())
                self._synced_s = self._clock()

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
            raise DocumentError(
                f"the journal {self.path} cannot be written",
                cause=(error.strerror or str(error)).lower(),
                remedy="free some space" if is_full else "see who may write there",
            ) from error


def go_on(
    journal: Journal,
    segments: Iterable[Segment],
    translate: Callable[[Iterator[Segment]], Generator[TranslatedUnit, None, None]],
) -> Generator[TranslatedUnit, None, None]:
    """The units of a document: first those of the journal, then new ones.

    Args:
        journal: Takes the new ones before they are given.
        segments: All segments of the document.
        translate: Translates those that are left, in order.
    """
    rest = iter(segments)
    with contextlib.closing(journal.entries()) as entries:
        for entry in entries:
            segment = next(rest, None)
            if segment is None or segment.id != entry.id:
                journal.drop_from(entry)
                rest = chain([segment] if segment else [], rest)
                break
            yield TranslatedUnit(
                segment, entry.content, entry.note, entry.is_kept, is_replayed=True
            )
    with contextlib.closing(translate(rest)) as units:
        for unit in units:
            journal.add(unit)
            yield unit


def _differences(
    found: Mapping[str, Any], wanted: Mapping[str, str]
) -> tuple[str, ...]:
    names = dict.fromkeys((*found, *wanted))
    return tuple(name for name in names if found.get(name) != wanted.get(name))


def _ends_with(lines: BinaryIO, end: bytes) -> bool:
    with contextlib.suppress(OSError):
        lines.seek(-len(end), os.SEEK_END)
        return lines.read() == end
    return False


def _lock_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _lock(path: Path) -> _Lock:
    from filelock import FileLock, Timeout

    lock = FileLock(_lock_path(path))
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise DocumentError(
            "the same document is being translated by another run",
            cause=f"{path} is in use",
            remedy="wait for it, or write to another file",
        ) from error
    return lock
