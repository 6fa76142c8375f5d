"""SHA-256 of files too large for memory."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

CHUNK_BYTES = 2**20


def read_chunks(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, a mebibyte at a time."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def hash_file(path: Path, on_bytes: Callable[[int], None] = lambda done: None) -> str:
    """SHA-256 of a file in hex; `on_bytes` hears how many bytes are done."""
    digest = hashlib.sha256()
    done = 0
    for chunk in read_chunks(path):
        digest.update(chunk)
        done += len(chunk)
        on_bytes(done)
    return digest.hexdigest()
