"""Values of GGUF metadata: scalars, texts, and arrays of them."""

import struct
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from polyspec.gguf_header.cursor import Cursor, HeaderFault, quoted

NumberArray: TypeAlias = NDArray[Any]
"""Numbers or booleans of one metadata array, read-only, shape `(N,)`."""

_UINT32, _STRING, _ARRAY, _BOOL = 4, 8, 9, 7
_LENGTH_BYTES = 8
_SCALARS = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    _UINT32: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    _BOOL: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_DTYPES: dict[int, np.dtype[Any]] = {
    0: np.dtype("<u1"),
    1: np.dtype("<i1"),
    2: np.dtype("<u2"),
    3: np.dtype("<i2"),
    _UINT32: np.dtype("<u4"),
    5: np.dtype("<i4"),
    6: np.dtype("<f4"),
    _BOOL: np.dtype("<u1"),
    10: np.dtype("<u8"),
    11: np.dtype("<i8"),
    12: np.dtype("<f8"),
}


class StringArray(Sequence[bytes]):
    """Strings of one metadata array, kept as the file has them.

    A vocabulary of 262,144 tokens stays one block of bytes and one of positions.
    """

    def __init__(self, raw: bytes, ends: "array[int]") -> None:
        self.raw = raw
        """Every string after its length: 8 bytes, little endian."""
        self._ends = ends

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        start = self._ends[index - 1] if index else 0
        return self.raw[start + _LENGTH_BYTES : self._ends[index]]

    def __iter__(self) -> Iterator[bytes]:
        start, raw = _LENGTH_BYTES, self.raw
        for end in self._ends:
            yield raw[start:end]
            start = end + _LENGTH_BYTES


MetadataValue: TypeAlias = str | int | float | bool | StringArray | NumberArray


def read_value(cursor: Cursor, key: str) -> tuple[int, MetadataValue]:
    """The next value of the metadata with its GGUF type code.

    Text that is not UTF-8 gets replacement characters.

    Raises:
        HeaderFault: An unknown type, a nested array, or lengths beyond the file.
    """
    what = f"the value of {quoted(key)}"
    code = cursor.u32(what)
    if code == _STRING:
        length = cursor.u64(what)
        return code, cursor.take(length, what).decode("utf-8", "replace")
    if code == _ARRAY:
        return code, _read_array(cursor, what)
    if code not in _SCALARS:
        raise HeaderFault(f"{what} has the unknown type {code}")
    return code, cursor.number(_SCALARS[code], what)


def _read_array(cursor: Cursor, what: str) -> StringArray | NumberArray:
    code = cursor.u32(what)
    count = cursor.u64(what)
    if code == _ARRAY:
        raise HeaderFault(f"{what} is an array of arrays")
    if code != _STRING and code not in _DTYPES:
        raise HeaderFault(f"{what} is an array of the unknown type {code}")
    size = _LENGTH_BYTES if code == _STRING else _DTYPES[code].itemsize
    if count > cursor.num_left // size:
        raise HeaderFault(
            f"{what} claims {count} elements, "
            f"the file has room for {cursor.num_left // size}"
        )
    if code == _STRING:
        return _read_strings(cursor, count, what)
    numbers: NumberArray = np.frombuffer(
        cursor.take(count * size, what), dtype=_DTYPES[code]
    )
    return numbers.astype(np.bool_) if code == _BOOL else numbers


def _read_strings(cursor: Cursor, count: int, what: str) -> StringArray:
    start = position = cursor.position
    ends = array("q")
    # Called a quarter of a million times for one vocabulary: no look-ups in the loop.
    buffer, append, unpack = cursor.buffer, ends.append, _LENGTH.unpack_from
    num_read = len(buffer)
    for _ in range(count):
        if position + _LENGTH_BYTES > num_read:
            cursor.require(position + _LENGTH_BYTES, what)
            num_read = len(buffer)
        position += _LENGTH_BYTES + unpack(buffer, position)[0]
        if position > num_read:
            cursor.require(position, what)
            num_read = len(buffer)
        append(position - start)
    return StringArray(cursor.take(position - start, what), ends)


_LENGTH = struct.Struct("<Q")
