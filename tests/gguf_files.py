"""Small GGUF files, sound or broken, built byte by byte."""

import struct
from collections.abc import Sequence

U8, U32, I32, F32, BOOL, STRING, ARRAY, U64 = 0, 4, 5, 6, 7, 8, 9, 10
F32_TENSOR = 0
_LAYOUTS = {U8: "<B", U32: "<I", I32: "<i", F32: "<f", BOOL: "<?", U64: "<Q"}


def name(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(raw)) + raw


def scalar(kind: int, value: float | str) -> bytes:
    """A metadata value: its type code and itself."""
    body = name(value) if isinstance(value, str) else struct.pack(_LAYOUTS[kind], value)
    return struct.pack("<I", kind) + body


def array(
    kind: int, values: Sequence[float | bytes], count: int | None = None
) -> bytes:
    """An array, claiming `count` elements if given."""
    count = len(values) if count is None else count
    body = b"".join(
        name(v) if isinstance(v, bytes) else struct.pack(_LAYOUTS[kind], v)
        for v in values
    )
    return struct.pack("<IIQ", ARRAY, kind, count) + body


def tensor(
    label: str = "token_embd.weight",
    shape: Sequence[int] = (8,),
    kind: int = F32_TENSOR,
    offset: int = 0,
) -> bytes:
    dimensions = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return name(label) + dimensions + struct.pack("<IQ", kind, offset)


VOCABULARY: dict[str | bytes, bytes] = {
    "tokenizer.ggml.tokens": array(STRING, [b"<s>", b"a", b"\xff"]),
    "tokenizer.ggml.token_type": array(I32, [3, 1, 6]),
}


def gguf(
    metadata: dict[str | bytes, bytes] | None = None,
    tensors: Sequence[bytes] = (tensor(),),
    *,
    data: bytes = bytes(32),
    version: int = 3,
    num_keys: int | None = None,
    num_tensors: int | None = None,
) -> bytes:
    """A GGUF file; without arguments a sound one with a vocabulary and a tensor."""
    if metadata is None:
        metadata = VOCABULARY
    if "general.architecture" not in metadata:
        metadata = {"general.architecture": scalar(STRING, "llama"), **metadata}
    header = b"GGUF" + struct.pack(
        "<IQQ",
        version,
        len(tensors) if num_tensors is None else num_tensors,
        len(metadata) if num_keys is None else num_keys,
    )
    header += b"".join(name(key) + value for key, value in metadata.items())
    header += b"".join(tensors)
    return header + bytes(-len(header) % 32) + data
