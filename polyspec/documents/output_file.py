"""A file that is either written whole or not at all."""

import contextlib
import errno
import io
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO, cast

from polyspec.errors import DocumentError

if TYPE_CHECKING:
    from typing_extensions import Buffer

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class OutputFile:
    """Takes text; what goes wrong while writing is a `DocumentError`."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self.num_chars = 0

    def write(self, text: str) -> None:
        """Append text.

        Raises:
            DocumentError: The disk is full, or the encoding has no such character.
        """
        with _translate_errors(self._name):
            self._stream.write(text)
        self.num_chars += len(text)

    def flush(self) -> None:
        """Hand what was written to the system."""
        with _translate_errors(self._name):
            self._stream.flush()


class OutputBytes(io.RawIOBase):
    """Takes bytes; what goes wrong while writing is a `DocumentError`."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._stream.seekable()

    def write(self, data: "Buffer", /) -> int:
        with _translate_errors(self._name):
            return self._stream.write(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        with _translate_errors(self._name):
            return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def flush(self) -> None:
        with _translate_errors(self._name):
            self._stream.flush()


@contextmanager
def open_output(
    path: Path, encoding: str = "utf-8", *, has_mark: bool = False
) -> Iterator[OutputFile]:
    """Write a file of text beside `path` and put it in its place at the end.

    Until then an older file stays untouched, so the input may be the output. When the
    work ends with an error or is interrupted, what was written is kept as
    `<name>.partial`. A link is followed, permissions are kept, and a device or a pipe
    is written to directly.

    Args:
        path: Where the text is to be.
        encoding: Of the file.
        has_mark: Whether it begins with a byte order mark.

    Raises:
        DocumentError: It cannot be written.
    """
    with _open_stream(path) as stream:
        text = io.TextIOWrapper(
            stream, encoding=encoding, newline="", write_through=True
        )
        try:
            output = OutputFile(text, str(path))
            if has_mark:
                output.write("\ufeff")
                output.num_chars = 0
            yield output
            output.flush()
        finally:
            with contextlib.suppress(OSError, ValueError):
                text.detach()


@contextmanager
def open_binary_output(path: Path, beside: str | None = None) -> Iterator[BinaryIO]:
    """Write a file of bytes beside `path`; all else is as for `open_output`.

    Args:
        path: Where the bytes are to be.
        beside: Name of the file that is written until all is there. It takes the place
            of what a killed run left there, and nothing is kept of it after an error:
            for work that can go on where it was.

    Raises:
        DocumentError: It cannot be written.
    """
    with _open_stream(path, beside) as stream:
        output = OutputBytes(stream, str(path))
        yield cast("BinaryIO", output)
        output.flush()


@contextmanager
def _open_stream(path: Path, beside_name: str | None = None) -> Iterator[BinaryIO]:
    """A stream whose bytes take the place of a file once all are written."""
    name = str(path)
    with _translate_errors(name):
        target = Path(os.path.realpath(path))
        # Not of the target: an open pipe has a path that does not exist.
        mode = _look_up_mode(path)
    if mode is not None and stat.S_ISDIR(mode):
        raise DocumentError(
            f"cannot write {name}", cause="it is a folder", remedy="name a file in it"
        )
    if mode is not None and not stat.S_ISREG(mode):
        with _translate_errors(name):
            stream = path.open("wb")
        yield from _use(stream, name, is_file=False)
        return
    with _translate_errors(name):
        beside = _create_beside(target, mode, beside_name)
        stream = beside.open("wb")
    try:
        yield from _use(stream, name, is_file=True)
        with _translate_errors(name):
            beside.replace(target)
    except BaseException:
        if beside_name is None:
            _keep_partial(beside, target)
        else:
            with contextlib.suppress(OSError):
                beside.unlink()
        raise


def _use(stream: BinaryIO, name: str, *, is_file: bool) -> Iterator[BinaryIO]:
    try:
        yield stream
        with _translate_errors(name):
            stream.flush()
            if is_file:
                os.fsync(stream.fileno())
    finally:
        # A full disk shows again on closing; the first error is the one to tell.
        with contextlib.suppress(OSError):
            stream.close()


def _look_up_mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _create_beside(target: Path, mode: int | None, name: str | None) -> Path:
    """An empty file in the target's folder, with the permissions it will have."""
    if name is None:
        handle, made = tempfile.mkstemp(prefix=".polyspec-", dir=target.parent)
        beside = Path(made)
    else:
        beside = target.with_name(name)
        beside.unlink(missing_ok=True)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.close(handle)
    beside.chmod(stat.S_IMODE(mode) if mode is not None else 0o666 & ~_umask())
    return beside


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _keep_partial(beside: Path, target: Path) -> None:
    with contextlib.suppress(OSError):
        if beside.stat().st_size:
            beside.replace(target.with_name(f"{target.name}.partial"))
        else:
            beside.unlink()


@contextmanager
def _translate_errors(name: str) -> Iterator[None]:
    try:
        yield
    except UnicodeEncodeError as err:
        raise DocumentError(
            f"cannot write {name}",
            cause=f"{err.object[err.start]!r} does not exist in {err.encoding}",
            remedy="choose another encoding, for example --encoding utf-8",
        ) from err
    except (OSError, ValueError) as err:
        cause, remedy = _explain(err)
        raise DocumentError(f"cannot write {name}", cause=cause, remedy=remedy) from err


def _explain(err: OSError | ValueError) -> tuple[str, str]:
    if isinstance(err, OSError) and err.errno in _FULL:
        return "the disk is full", "free some space and run it again"
    if isinstance(err, FileNotFoundError | NotADirectoryError):
        return "its folder does not exist", "create the folder first"
    if isinstance(err, PermissionError):
        return "writing there is not allowed", "choose another folder"
    return str(err), "choose another file"
