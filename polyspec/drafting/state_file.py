"""Small files that outlive a run: replaced whole, or left as they were."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK_S = 5.0


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes from changing a file; its folder is made.

    Raises:
        OSError: The folder cannot be written to, or another process holds the file.
    """
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f"{path.name}.lock"), timeout=_LOCK_S)
    try:
        lock.acquire()
    except Timeout as error:
        raise OSError("another process holds it") from error
    try:
        yield
    finally:
        lock.release()


def replace_file(path: Path, content: bytes) -> None:
    """Write a file beside its place, for its owner's eyes only, and rename it.

    Whoever calls it holds the lock, so that what an interrupted run left beside it is
    written over.

    Raises:
        OSError: It could not be written; the file that was there is unchanged.
    """
    beside = path.with_name(f"{path.name}.new")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


def set_aside(path: Path) -> str:
    """Move a damaged file out of the way and return a note for the user."""
    aside = path.with_name(f"{path.name}.damaged")
    with contextlib.suppress(OSError):
        path.replace(aside)
        return f"{path} is damaged; it is now {aside.name}, and a new one is begun"
    return f"{path} is damaged and cannot be moved; it is not used"
