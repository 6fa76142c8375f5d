"""Writing a table: GGUF version 3, little endian, the same bytes for the same table."""

import contextlib
import hashlib
import os
import struct
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyspec.errors import TableError
from polyspec.tables import format as names
from polyspec.tables.automaton import Automaton
from polyspec.tables.format import KINDS, VERSION, TableInfo

_ALIGNMENT = 32
_U32, _F32, _STRING, _ARRAY, _U64 = 4, 6, 8, 9, 10
_KIND_OF = {dtype.str: kind for kind, dtype in KINDS.items()}
_ORDER = (*names.REQUIRED, names.STATE_FIRST_EDGE)


def write_table(path: Path, info: TableInfo, automaton: Automaton) -> None:
    """Write a table whole or not at all.

    Args:
        path: Where it is to be; its folder is made.
        info: What it says about itself; checksum and number of states are filled in.
        automaton: The states.

    Raises:
        TableError: It cannot be written there.
    """
    content = to_bytes(info, automaton)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _replaced(path) as beside:
            beside.write_bytes(content)
    except OSError as error:
        raise TableError(
            f"cannot write the table {path}",
            cause=(error.strerror or str(error)).lower(),
            remedy="name another file with --output",
        ) from error


def to_bytes(info: TableInfo, automaton: Automaton) -> bytes:
    """The content of a table file."""
    tensors = [
        (name, automaton.tensors[name]) for name in _ORDER if name in automaton.tensors
    ]
    data = b"".join(_padded(array.tobytes()) for _, array in tensors)
    checksum = hashlib.sha256(data).hexdigest()
    metadata = list(_metadata(info, automaton.states_per_order, checksum))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    return _padded(head + b"".join(metadata) + _tensor_infos(tensors)) + data


def _metadata(
    info: TableInfo, states_per_order: Sequence[int], checksum: str
) -> Iterator[bytes]:
    yield _text("general.architecture", names.ARCHITECTURE)
    yield _text("general.name", f"{info.language} n-gram table")
    yield _number("table.version", _U32, VERSION)
    yield _text("table.language", info.language)
    yield _array("table.states_per_order", _U32, states_per_order)
    yield _text("table.pruning", info.pruning)
    yield _texts("table.corpus.names", [corpus.name for corpus in info.corpora])
    yield _texts("table.corpus.licences", [corpus.licence for corpus in info.corpora])
    yield _number("table.corpus.num_tokens", _U64, info.num_corpus_tokens)
    yield _text("table.tokenizer.fingerprint", info.fingerprint)
    yield _number("table.tokenizer.vocabulary_size", _U32, info.vocabulary_size)
    yield _text("table.build_arguments", info.build_arguments)
    yield _array(
        "table.calibration.estimated", _F32, [pair[0] for pair in info.calibration]
    )
    yield _array(
        "table.calibration.observed", _F32, [pair[1] for pair in info.calibration]
    )
    yield _number("table.calibration.error", _F32, info.calibration_error)
    yield _text("table.checksum", checksum)


def _tensor_infos(tensors: Sequence[tuple[str, NDArray[Any]]]) -> bytes:
    infos, offset = b"", 0
    for name, array in tensors:
        infos += _string(name) + struct.pack("<IQ", 1, array.size)
        infos += struct.pack("<IQ", _KIND_OF[array.dtype.str], offset)
        offset += len(_padded(array.tobytes()))
    return infos


def _padded(raw: bytes) -> bytes:
    return raw + bytes(-len(raw) % _ALIGNMENT)


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _text(key: str, text: str) -> bytes:
    return _string(key) + struct.pack("<I", _STRING) + _string(text)


def _texts(key: str, texts: Sequence[str]) -> bytes:
    head = struct.pack("<IIQ", _ARRAY, _STRING, len(texts))
    return _string(key) + head + b"".join(map(_string, texts))


def _number(key: str, kind: int, number: float) -> bytes:
    return _string(key) + struct.pack("<I", kind) + _packed(kind, [number])


def _array(key: str, kind: int, numbers: Sequence[float]) -> bytes:
    head = struct.pack("<IIQ", _ARRAY, kind, len(numbers))
    return _string(key) + head + _packed(kind, numbers)


def _packed(kind: int, numbers: Sequence[float]) -> bytes:
    dtype = {_U32: "<u4", _F32: "<f4", _U64: "<u8"}[kind]
    return np.array(numbers, dtype).tobytes()


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
