"""A file that is still being fetched, safe against a kill at any moment.

Two files: the bytes so far, and a note saying how many of them are whole. What lies
beyond the note was being written when the program ended, and is cut off.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from polyspec.catalog.hashing import read_chunks

_COMMIT_BYTES = 16 * 2**20


class PartialFile:
    """Grows at its end, hashes what it writes, and can be taken up again.

    Use it as a context manager; what was committed stays when it is left.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._note_path = path.with_suffix(".state.json")
        self.size_bytes = 0
        """Bytes written, committed or not."""
        self.num_parts = 0
        """Parts that are in completely."""
        self._content = self._cut_from = ""
        self._committed_bytes = 0
        self._digest = hashlib.sha256()

    def __enter__(self) -> "PartialFile":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("r+b" if self.path.exists() else "w+b")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Closing flushes, which fails on a full disk; what counts is committed.
        with contextlib.suppress(OSError):
            self._file.close()

    def resume(
        self, content: str, on_bytes: Callable[[int], None], *, cut_from: str = ""
    ) -> None:
        """Take up what an earlier attempt at the same content left, or start anew.

        Args:
            content: Tells what the finished file will be.
            on_bytes: Hears how many of the earlier bytes are hashed again.
            cut_from: Tells where the parts come from; empty where any beginning of the
                file will do.
        """
        self._content, self._cut_from = content, cut_from
        num_parts, size_bytes = self._read_note()
        actual = self._file.seek(0, os.SEEK_END)
        if size_bytes > actual:
            num_parts = size_bytes = 0
        self._restart(size_bytes)
        self.num_parts = num_parts
        if size_bytes:
            for chunk in read_chunks(self.path):
                self._digest.update(chunk)
                self.size_bytes += len(chunk)
                on_bytes(self.size_bytes)
            self._file.seek(0, os.SEEK_END)
        self._committed_bytes = self.size_bytes

    def write(self, chunk: bytes) -> None:
        """Append bytes; they count only once they are committed."""
        self._file.write(chunk)
        self._digest.update(chunk)
        self.size_bytes += len(chunk)

    def write_stream(self, chunk: bytes) -> None:
        """Append bytes that need no boundary; commits now and then by itself."""
        self.write(chunk)
        if self.size_bytes - self._committed_bytes >= _COMMIT_BYTES:
            self.commit(self.num_parts)

    def commit(self, num_parts: int) -> None:
        """Note that everything written so far is whole."""
        self._file.flush()
        os.fsync(self._file.fileno())
        state = {
            "content": self._content,
            "cut_from": self._cut_from,
            "num_parts": num_parts,
            "size_bytes": self.size_bytes,
        }
        write_atomically(self._note_path, json.dumps(state) + "\n")
        self.num_parts, self._committed_bytes = num_parts, self.size_bytes

    def rewind(self) -> None:
        """Forget every byte, for a server that starts from the beginning again."""
        self._note_path.unlink(missing_ok=True)
        self._restart(0)
        self.num_parts = self._committed_bytes = 0

    def hex_digest(self) -> str:
        """SHA-256 of the bytes written."""
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Delete the bytes and the note."""
        self._file.close()
        discard_partial(self.path)

    def move_to(self, target: Path) -> None:
        """Close the file and give it its final name in one step."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self.path.replace(target)
        self._note_path.unlink(missing_ok=True)

    def _restart(self, size_bytes: int) -> None:
        self._file.flush()
        self._file.seek(size_bytes)
        self._file.truncate()
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    def _read_note(self) -> tuple[int, int]:
        try:
            state = json.loads(self._note_path.read_text("utf-8"))
            numbers = int(state["num_parts"]), int(state["size_bytes"])
            is_same = state["content"] == self._content and min(numbers) >= 0
            is_cut_alike = self._cut_from in {"", state["cut_from"]}
        except (OSError, ValueError, TypeError, KeyError):
            return 0, 0
        return numbers if is_same and is_cut_alike else (0, 0)


def discard_partial(path: Path) -> None:
    """Delete what an unfinished download left at `path`."""
    path.unlink(missing_ok=True)
    path.with_suffix(".state.json").unlink(missing_ok=True)


def write_atomically(path: Path, text: str) -> None:
    """Write a small file beside its place and rename it."""
    beside = path.with_name(path.name + ".new")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
