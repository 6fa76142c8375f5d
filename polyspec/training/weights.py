"""Weights of a GGUF file as arrays of float32."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from polyspec.errors import ModelError
from polyspec.gguf_header import GgufHeader

_CHUNK_BYTES = 16 << 20


def read_weights(header: GgufHeader, name: str) -> NDArray[np.float32]:
    """One tensor, dequantized, as `(rows, columns)` or `(columns,)`.

    The dequantization is that of the `gguf` package, llama.cpp's own.

    Raises:
        ModelError: The file has no such tensor, or one of a type that the package
            cannot read.
    """
    tensor = next((tensor for tensor in header.tensors if tensor.name == name), None)
    if tensor is None:
        raise ModelError(
            f"{header.path} cannot be trained",
            cause=f"it has no tensor {name}",
            remedy="pass a complete Gemma 3 model",
        )
    columns, *outer = tensor.shape
    raw = np.memmap(
        header.path,
        dtype=np.uint8,
        mode="r",
        offset=header.data_offset + tensor.offset,
        shape=(tensor.size_bytes,),
    ).reshape(int(np.prod(outer)), -1)
    weights = np.empty((len(raw), columns), dtype=np.float32)
    for rows, part in _dequantize(raw, tensor.kind):
        weights[rows] = part
    return weights.reshape(*reversed(outer), columns)


def _dequantize(
    raw: NDArray[np.uint8], kind: int
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    # In parts, since the package takes several times the memory of what it returns.
    from gguf import GGMLQuantizationType
    from gguf.quants import dequantize

    step = max(1, _CHUNK_BYTES // raw.shape[1])
    for start in range(0, len(raw), step):
        rows = slice(start, min(start + step, len(raw)))
        try:
            part = dequantize(np.asarray(raw[rows]), GGMLQuantizationType(kind))
        except (NotImplementedError, ValueError) as error:
            raise ModelError(
                "the model cannot be trained",
                cause=str(error),
                remedy="pass a model in a common quantization, such as Q4_K_M",
            ) from error
        yield rows, part.reshape(rows.stop - rows.start, -1)
