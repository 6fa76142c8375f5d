"""Reading texts of any size line by line."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from polyspec.errors import TableError

_MAX_LINE_CHARS = 1 << 16
"""A longer line comes in pieces."""


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a text that are not blank, stripped.

    `.zst` and `.gz` are unpacked. Of a `.tsv` the last column is taken.

    Raises:
        TableError: The file cannot be read, or is not UTF-8 text.
    """
    is_table = ".tsv" in path.suffixes
    number = 0
    try:
        with _open(path) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig")
            while line := text.readline(_MAX_LINE_CHARS):
                number += 1
                if "\0" in line:
                    raise _refuse(path, f"there is a zero byte in line {number}")
                if is_table:
                    line = line.rpartition("\t")[2]
                if line := line.strip():
                    yield line
    except UnicodeDecodeError as error:
        cause = f"byte {error.object[error.start]:#04x} after line {number} is no UTF-8"
        raise _refuse(path, cause) from error
    except (OSError, EOFError, zlib.error) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise TableError(
            f"cannot read the text {path}",
            cause=str(cause).lower(),
            remedy="check the path, or get the file again",
        ) from error


def _refuse(path: Path, cause: str) -> TableError:
    return TableError(
        f"{path} is not text", cause=cause, remedy="convert it to UTF-8 first"
    )


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    if path.suffix == ".zst":
        import zstandard

        with path.open("rb") as packed:
            try:
                yield zstandard.ZstdDecompressor().stream_reader(
                    packed, read_across_frames=True
                )
            except zstandard.ZstdError as error:
                raise OSError(str(error)) from error
    elif path.suffix == ".gz":
        with gzip.open(path) as unpacked:
            yield unpacked  # type: ignore[misc]
    else:
        with path.open("rb") as file:
            yield file
