"""Writing GGUF files: typed metadata, tensors, and the whole file at once or not."""

import contextlib
import hashlib
import os
import struct
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyspec.errors import TableError
from polyspec.tables.format import KINDS

U32, F32, U64 = 4, 6, 10
"""GGUF's numbers of the types that numbers have here."""
_STRING, _ARRAY = 8, 9
_ALIGNMENT = 32
_KIND_OF = {dtype.str: kind for kind, dtype in KINDS.items()}


def join_parts(
    metadata: Sequence[bytes], checksum_key: str, tensors: Mapping[str, NDArray[Any]]
) -> bytes:
    """The content of a GGUF file.

    Args:
        metadata: Fields, as `text`, `number` and their like give them.
        checksum_key: The field that gets the SHA-256 over the tensor data, the last.
        tensors: One dimension each, in the order they are to have.
    """
    data = b"".join(_padded(array.tobytes()) for array in tensors.values())
    fields = [*metadata, text(checksum_key, hashlib.sha256(data).hexdigest())]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(fields))
    return _padded(head + b"".join(fields) + _tensor_infos(tensors)) + data


def write_whole(path: Path, content: bytes, what: str) -> None:
    """Write a file whole or not at all.

    Args:
        path: Where it is to be; its folder is made.
        content: Its bytes.
        what: What to call it in an error, for example `table`.

    Raises:
        TableError: It cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _replaced(path) as beside:
            beside.write_bytes(content)
    except OSError as error:
        raise TableError(
            f"cannot write the {what} {path}",
            cause=(error.strerror or str(error)).lower(),
            remedy="name another file with --output",
        ) from error


def text(key: str, value: str) -> bytes:
    """A field that holds a text."""
    return _string(key) + struct.pack("<I", _STRING) + _string(value)


def texts(key: str, values: Sequence[str]) -> bytes:
    """A field that holds a list of texts."""
    head = struct.pack("<IIQ", _ARRAY, _STRING, len(values))
    return _string(key) + head + b"".join(map(_string, values))


def number(key: str, kind: int, value: float) -> bytes:
    """A field that holds a number of a type such as `U32`."""
    return _string(key) + struct.pack("<I", kind) + _packed(kind, [value])


def numbers(key: str, kind: int, values: Sequence[float]) -> bytes:
    """A field that holds a list of numbers."""
    head = struct.pack("<IIQ", _ARRAY, kind, len(values))
    return _string(key) + head + _packed(kind, values)


def _tensor_infos(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    infos, offset = b"", 0
    for name, array in tensors.items():
        infos += _string(name) + struct.pack("<IQ", 1, array.size)
        infos += struct.pack("<IQ", _KIND_OF[array.dtype.str], offset)
        offset += len(_padded(array.tobytes()))
    return infos


def _padded(raw: bytes) -> bytes:
    return raw + bytes(-len(raw) % _ALIGNMENT)


def _string(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def _packed(kind: int, values: Sequence[float]) -> bytes:
    dtype = {U32: "<u4", F32: "<f4", U64: "<u8"}[kind]
    return np.array(values, dtype).tobytes()


@contextlib.contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """Yield a file beside `path` that takes its place at the end, or is removed."""
    handle, name = tempfile.mkstemp(prefix=".polyspec-", dir=path.parent)
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.chmod(0o644)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
