"""What a GGUF file says about its tensors, and whether that can be true."""

import math
from dataclasses import dataclass
from itertools import pairwise

from polyspec.gguf_header.cursor import Cursor, HeaderFault, quoted

MAX_DIMENSIONS = 4
_MAX_NAME_BYTES = 63
_MAX_ELEMENTS = 2**63 - 1
_KINDS = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36),
    41: ("Q1_0", 128, 18),
    42: ("Q2_0", 64, 18),
}
"""ggml's number of a type: its name, elements in a block, bytes of a block."""


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor as the header announces it."""

    name: str
    shape: tuple[int, ...]
    """Elements per dimension, the one that lies together in memory first."""
    kind: int
    """ggml's number of the type."""
    offset: int
    """Bytes from the start of the tensor data."""
    size_bytes: int

    @property
    def kind_name(self) -> str:
        """The type as ggml calls it, for example `Q4_K`."""
        return _KINDS[self.kind][0]


def read_tensor_info(cursor: Cursor, index: int) -> TensorInfo:
    """The next tensor of the header.

    Raises:
        HeaderFault: A dimension, type or size that cannot be.
    """
    name = cursor.text(_MAX_NAME_BYTES, f"the name of tensor {index}")
    what = f"tensor {quoted(name)}"
    num_dimensions = cursor.u32(what)
    if not 1 <= num_dimensions <= MAX_DIMENSIONS:
        raise HeaderFault(
            f"{what} has {num_dimensions} dimensions, 1 to {MAX_DIMENSIONS} may be"
        )
    shape = tuple(cursor.u64(what) for _ in range(num_dimensions))
    if 0 in shape:
        raise HeaderFault(f"{what} has an empty dimension")
    if math.prod(shape) > _MAX_ELEMENTS:
        raise HeaderFault(f"{what} has more elements than can be counted")
    kind = cursor.u32(what)
    if kind not in _KINDS:
        raise HeaderFault(
            f"{what} has the unknown type {kind}",
            "pass a model in a common quantisation, such as Q4_K_M",
        )
    kind_name, block_elements, block_bytes = _KINDS[kind]
    if shape[0] % block_elements:
        raise HeaderFault(
            f"{what} has rows of {shape[0]} elements, "
            f"{kind_name} needs a multiple of {block_elements}"
        )
    size_bytes = math.prod(shape) // block_elements * block_bytes
    return TensorInfo(name, shape, kind, cursor.u64(what), size_bytes)


def check_layout(
    tensors: tuple[TensorInfo, ...], *, alignment: int, data_offset: int, file_size: int
) -> None:
    """Raise `HeaderFault` unless the tensors lie apart, aligned and in the file."""
    names: set[str] = set()
    for tensor in tensors:
        if tensor.name in names:
            raise HeaderFault(f"two tensors are called {quoted(tensor.name)}")
        names.add(tensor.name)
        if tensor.offset % alignment:
            raise HeaderFault(
                f"tensor {quoted(tensor.name)} lies at {tensor.offset}, "
                f"not a multiple of {alignment}"
            )
    ordered = sorted(tensors, key=lambda tensor: tensor.offset)
    for before, after in pairwise(ordered):
        if before.offset + before.size_bytes > after.offset:
            raise HeaderFault(
                f"tensors {quoted(before.name)} and {quoted(after.name)} overlap"
            )
    needed = data_offset
    if ordered:
        needed += ordered[-1].offset + ordered[-1].size_bytes
    if ordered and needed > file_size:
        raise HeaderFault(f"it is cut off: needs {needed} bytes, has {file_size}")
