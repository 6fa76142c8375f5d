"""Copying a GGUF file with some of its fields and tensors changed.

Fields are kept as the bytes that the file has, so a number keeps its width and
llama.cpp finds what it expects.
"""

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from polyspec.documents.output_file import open_binary_output
from polyspec.errors import ModelError
from polyspec.gguf_header import GgufHeader, StringArray
from polyspec.gguf_header.cursor import Cursor, HeaderFault
from polyspec.gguf_header.values import MetadataValue, read_value

U32, I32, STRING, ARRAY = 4, 5, 8, 9
"""GGUF's numbers of the types that are written here."""
F32, F16, Q8_0 = 0, 1, 8
"""ggml's numbers of tensor types."""
_ALIGNMENT = 32
_MAX_KEY_BYTES = 65_535
_SCALARS = {U32: "<I", I32: "<i"}

Fields = dict[str, bytes]
"""Encoded values, each with its type before it, by key."""


@dataclass(frozen=True, slots=True)
class TensorData:
    """A tensor as it is written."""

    name: str
    shape: tuple[int, ...]
    """As in `TensorInfo`: the dimension that lies together first."""
    kind: int
    """ggml's number of the type."""
    data: NDArray[np.uint8]
    """Its bytes, shape `(rows, bytes of a row)`."""


def read_fields(header: GgufHeader) -> Fields:
    """All metadata of a file, encoded as they stand there.

    Raises:
        ModelError: The file has changed since the header was read.
    """
    try:
        with header.path.open("rb") as file:
            cursor = Cursor(file, header.file_size)
            cursor.take(16, "its head")
            num_keys = cursor.u64("the number of keys")
            return dict(_read_field(cursor) for _ in range(num_keys))
    except (OSError, HeaderFault) as error:
        raise ModelError(
            f"the model {header.path} cannot be copied",
            cause=str(error).lower(),
            remedy="check that nobody writes to it, and try again",
        ) from error


def _read_field(cursor: Cursor) -> tuple[str, bytes]:
    key = cursor.text(_MAX_KEY_BYTES, "the name of a key")
    start = cursor.position
    read_value(cursor, key)
    return key, bytes(cursor.buffer[start : cursor.position])


def read_tensors(header: GgufHeader) -> list[TensorData]:
    """All tensors of a file, mapped and not read."""
    mapped = np.memmap(header.path, np.uint8, mode="r")
    tensors = []
    for info in header.tensors:
        start = header.data_offset + info.offset
        num_rows = math.prod(info.shape[1:])
        data = mapped[start : start + info.size_bytes].reshape(num_rows, -1)
        tensors.append(TensorData(info.name, info.shape, info.kind, data))
    return tensors


def encode_text(text: str) -> bytes:
    """A field that holds a text."""
    return struct.pack("<I", STRING) + _string(text.encode())


def encode_number(kind: int, value: int) -> bytes:
    """A field that holds a whole number, `U32` or `I32`."""
    return struct.pack("<I", kind) + struct.pack(_SCALARS[kind], value)


def encode_ids(ids: NDArray[np.int32]) -> bytes:
    """A field that holds token ids."""
    return struct.pack("<IIQ", ARRAY, I32, len(ids)) + ids.astype("<i4").tobytes()


def encode_texts(texts: Sequence[bytes]) -> bytes:
    """A field that holds a list of texts."""
    head = struct.pack("<IIQ", ARRAY, STRING, len(texts))
    return head + b"".join(map(_string, texts))


def select(encoded: bytes, value: MetadataValue, places: Sequence[int]) -> bytes:
    """An array field with some of its elements, in the order of their places.

    Args:
        encoded: The field.
        value: What it holds.
        places: Of the elements to take.
    """
    if isinstance(value, StringArray):
        return encode_texts([value[place] for place in places])
    if not isinstance(value, np.ndarray):
        raise TypeError(f"value must be an array: {type(value).__name__}")
    taken = value[np.asarray(places, dtype=np.int64)]
    body: bytes = (taken.astype("<u1") if taken.dtype == np.bool_ else taken).tobytes()
    return encoded[:8] + struct.pack("<Q", len(places)) + body


def write_gguf(
    path: Path, fields: Mapping[str, bytes], tensors: Iterable[TensorData]
) -> None:
    """Write a GGUF file whole or not at all.

    Raises:
        DocumentError: It cannot be written.
    """
    tensors = list(tensors)
    kept = {key: fields[key] for key in fields if key != "general.alignment"}
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(kept))
    head += b"".join(_string(key.encode()) + value for key, value in kept.items())
    offset = 0
    for tensor in tensors:
        head += _string(tensor.name.encode())
        head += struct.pack("<I", len(tensor.shape))
        head += struct.pack(f"<{len(tensor.shape)}Q", *tensor.shape)
        head += struct.pack("<IQ", tensor.kind, offset)
        offset += _padded_size(tensor.data.nbytes)
    with open_binary_output(path) as file:
        _write_padded(file, head)
        for tensor in tensors:
            _write_padded(file, np.ascontiguousarray(tensor.data).data.cast("B"))


def _write_padded(file: BinaryIO, data: Any) -> None:
    view = memoryview(data)
    done = 0
    while done < view.nbytes:
        done += file.write(view[done:])
    file.write(bytes(_padded_size(view.nbytes) - view.nbytes))


def _padded_size(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _string(raw: bytes) -> bytes:
    return struct.pack("<Q", len(raw)) + raw
