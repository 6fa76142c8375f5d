"""Bounded little-endian reading from the start of a file."""

import struct
from typing import BinaryIO

MAX_HEADER_BYTES = 256 * 2**20
"""Ten times the largest header of a published model."""
_READ_BYTES = 2**20


class HeaderFault(Exception):
    """Why a file cannot be used; becomes a `ModelError` where the path is known."""

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(cause)
        self.cause, self.remedy = cause, remedy


class Cursor:
    """Reads values one after another, never past the end of the file.

    Bytes are read as they are needed, so a large file with a small header costs little.
    """

    def __init__(self, file: BinaryIO, file_size: int) -> None:
        self._file = file
        self._file_size = file_size
        self.buffer = bytearray()
        """The file from its first byte on, at least as far as was asked for."""
        self.position = 0

    @property
    def num_left(self) -> int:
        """Bytes between here and the end of the file."""
        return self._file_size - self.position

    def require(self, end: int, what: str) -> None:
        """Make the buffer reach up to the absolute position `end`.

        Raises:
            HeaderFault: The file ends before, or the header is longer than any.
        """
        if end > self._file_size:
            raise HeaderFault(
                f"it is cut off within {what}: "
                f"needs {end} bytes or more, has {self._file_size}"
            )
        if end > MAX_HEADER_BYTES:
            raise HeaderFault(
                f"its header goes beyond {MAX_HEADER_BYTES} bytes within {what}"
            )
        while len(self.buffer) < end:
            chunk = self._file.read(max(_READ_BYTES, end - len(self.buffer)))
            if not chunk:
                raise HeaderFault(f"it became shorter while {what} was read")
            self.buffer += chunk

    def number(self, layout: struct.Struct, what: str) -> int | float | bool:
        """The next number of the given layout."""
        end = self.position + layout.size
        self.require(end, what)
        (value,) = layout.unpack_from(self.buffer, self.position)
        self.position = end
        number: int | float | bool = value
        return number

    def u32(self, what: str) -> int:
        """The next 32-bit count or code."""
        return int(self.number(_U32, what))

    def u64(self, what: str) -> int:
        """The next 64-bit count, length or offset."""
        return int(self.number(_U64, what))

    def take(self, num_bytes: int, what: str) -> bytes:
        """The next `num_bytes` bytes, as a copy."""
        end = self.position + num_bytes
        self.require(end, what)
        taken = bytes(memoryview(self.buffer)[self.position : end])
        self.position = end
        return taken

    def text(self, max_bytes: int, what: str) -> str:
        """The next length-prefixed name.

        Raises:
            HeaderFault: It is empty, longer than `max_bytes`, or not UTF-8.
        """
        length = self.u64(what)
        if not 0 < length <= max_bytes:
            raise HeaderFault(f"{what} is {length} bytes long, 1 to {max_bytes} may be")
        raw = self.take(length, what)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise HeaderFault(f"{what} is not UTF-8: {quoted(raw)}") from None


def quoted(name: str | bytes) -> str:
    """A name from a file, fit for one line of an error."""
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
    return ascii(text if len(text) <= 60 else text[:57] + "...")


_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
