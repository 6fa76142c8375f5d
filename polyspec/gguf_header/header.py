"""Reading the header of a GGUF file, version 2 or 3, little endian."""

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from polyspec.errors import ModelError
from polyspec.gguf_header.cursor import Cursor, HeaderFault, quoted
from polyspec.gguf_header.disguise import describe_other
from polyspec.gguf_header.tensors import TensorInfo, check_layout, read_tensor_info
from polyspec.gguf_header.values import MetadataValue, StringArray, read_value

SUPPORTED_VERSIONS = (2, 3)
_MAGIC = b"GGUF"
_NEWEST_THINKABLE_VERSION = 0xFFFF
_MAX_KEYS = _MAX_TENSORS = 65_536
_MAX_KEY_BYTES = 65_535
_LEAST_KEY_BYTES = 14
_LEAST_TENSOR_BYTES = 33
_DEFAULT_ALIGNMENT = 32
_UINT32 = 4
_GET_IT_AGAIN = "get the file again, for example with: polyspec models pull"


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a GGUF file says about itself; checked, so that it can be loaded."""

    path: Path
    version: int
    metadata: Mapping[str, MetadataValue]
    tensors: tuple[TensorInfo, ...]
    alignment: int
    """Bytes; the data and each tensor in it begin at a multiple."""
    data_offset: int
    """Bytes from the start of the file to the tensor data."""
    file_size: int

    @property
    def architecture(self) -> str:
        """The kind of model, for example `gemma3`."""
        return str(self.metadata["general.architecture"])

    def text(self, key: str) -> str | None:
        """A text of the metadata, or None where there is none."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def integer(self, key: str) -> int | None:
        """A whole number of the metadata, or None where there is none."""
        value = self.metadata.get(key)
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        return value

    @property
    def vocabulary_size(self) -> int:
        """Number of tokens; 0 without a tokenizer."""
        tokens = self.metadata.get("tokenizer.ggml.tokens")
        return len(tokens) if isinstance(tokens, StringArray) else 0


def read_gguf_header(path: Path) -> GgufHeader:
    """The checked header of a GGUF file.

    Reads the header and no tensor data. Time and memory stay within a small multiple
    of the header's own size, whatever the file claims.

    Raises:
        ModelError: Not a file, not readable, not GGUF, of another version, cut off,
            split, or contradicting itself.
    """
    try:
        with _open_file(path) as file:
            file_size = file.seek(0, 2)
            file.seek(0)
            return _read(file, path, file_size)
    except HeaderFault as fault:
        raise ModelError(
            f"the model {path} cannot be used",
            cause=fault.cause,
            remedy=fault.remedy or _GET_IT_AGAIN,
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ModelError(
            f"the model {path} cannot be read",
            cause=reason.lower(),
            remedy="check the path and its permissions",
        ) from error


def _open_file(path: Path) -> BinaryIO:
    # Opening a pipe would wait for a writer, so what it is comes first.
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise HeaderFault("it is a folder", "pass the .gguf file inside it")
    if not stat.S_ISREG(mode):
        raise HeaderFault("it is not a regular file", "pass a .gguf file")
    return path.open("rb")


def _read(file: BinaryIO, path: Path, file_size: int) -> GgufHeader:
    cursor = Cursor(file, file_size)
    version = _read_version(cursor, file_size)
    num_tensors = cursor.u64("the number of tensors")
    num_keys = cursor.u64("the number of keys")
    _check_count(cursor, num_keys, _LEAST_KEY_BYTES, _MAX_KEYS, "keys")
    _check_count(cursor, num_tensors, _LEAST_TENSOR_BYTES, _MAX_TENSORS, "tensors")
    metadata = _read_metadata(cursor, num_keys)
    _check_architecture(metadata)
    _check_tokenizer(metadata)
    alignment = _alignment(metadata)
    tensors = tuple(read_tensor_info(cursor, index) for index in range(num_tensors))
    data_offset = -(-cursor.position // alignment) * alignment
    check_layout(
        tensors, alignment=alignment, data_offset=data_offset, file_size=file_size
    )
    return GgufHeader(
        path=path,
        version=version,
        metadata=metadata,
        tensors=tensors,
        alignment=alignment,
        data_offset=data_offset,
        file_size=file_size,
    )


def _read_version(cursor: Cursor, file_size: int) -> int:
    if not file_size:
        raise HeaderFault("it is empty")
    cursor.require(min(file_size, 512), "its first bytes")
    start = bytes(cursor.buffer[:512])
    if not start.startswith(_MAGIC):
        raise HeaderFault(
            f"it is not GGUF but {describe_other(start, file_size)}",
            "pass a .gguf file",
        )
    cursor.position = len(_MAGIC)
    version = cursor.u32("its version")
    if version in SUPPORTED_VERSIONS:
        return version
    if version > _NEWEST_THINKABLE_VERSION and not version & 0xFFFF:
        raise HeaderFault(
            "it is big endian", "pass a little-endian GGUF of the same model"
        )
    if version <= 1:
        raise HeaderFault(
            f"it is GGUF version {version}, too old", "convert the model again"
        )
    raise HeaderFault(
        f"it is GGUF version {version}, newer than version {SUPPORTED_VERSIONS[-1]}",
        "update polyspec",
    )


def _check_count(
    cursor: Cursor, count: int, least_bytes: int, most: int, what: str
) -> None:
    room = min(most, cursor.num_left // least_bytes)
    if count > room:
        raise HeaderFault(f"it claims {count} {what}, there is room for {room} at most")


def _read_metadata(cursor: Cursor, num_keys: int) -> dict[str, MetadataValue]:
    metadata: dict[str, MetadataValue] = {}
    for index in range(num_keys):
        key = cursor.text(_MAX_KEY_BYTES, f"the name of key {index}")
        if key in metadata:
            raise HeaderFault(f"two values are called {quoted(key)}")
        code, metadata[key] = read_value(cursor, key)
        if key == "general.alignment" and code != _UINT32:
            raise HeaderFault("general.alignment is not a 32-bit number")
    return metadata


def _check_architecture(metadata: Mapping[str, MetadataValue]) -> None:
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str) or not architecture:
        raise HeaderFault(
            "it does not name its architecture (general.architecture)",
            "convert the model again",
        )
    num_parts = metadata.get("split.count", 1)
    if not isinstance(num_parts, int) or num_parts > 1:
        raise HeaderFault(
            f"it is one of {num_parts} parts of a split model",
            "join the parts first: llama-gguf-split --merge FIRST-PART OUTPUT",
        )


def _alignment(metadata: Mapping[str, MetadataValue]) -> int:
    alignment = metadata.get("general.alignment", _DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
        raise HeaderFault(f"its alignment is {alignment}, not a power of two")
    return alignment


def _check_tokenizer(metadata: Mapping[str, MetadataValue]) -> None:
    # llama.cpp reads these arrays by position without looking at type or length.
    tokens = metadata.get("tokenizer.ggml.tokens")
    num_tokens = len(tokens) if isinstance(tokens, StringArray) else 0
    if tokens is not None and not isinstance(tokens, StringArray):
        raise HeaderFault("tokenizer.ggml.tokens is not an array of strings")
    merges = metadata.get("tokenizer.ggml.merges")
    if merges is not None and not isinstance(merges, StringArray):
        raise HeaderFault("tokenizer.ggml.merges is not an array of strings")
    for key, kinds in _PER_TOKEN.items():
        values = metadata.get(key)
        if values is None:
            continue
        if not isinstance(values, np.ndarray) or values.dtype.str not in kinds:
            raise HeaderFault(f"{key} is not an array of {' or '.join(kinds)}")
        if len(values) != num_tokens:
            raise HeaderFault(
                f"{key} has {len(values)} elements for {num_tokens} tokens"
            )


_PER_TOKEN = {
    "tokenizer.ggml.scores": ("<f4",),
    "tokenizer.ggml.token_type": ("<i4", "<u4"),
}
