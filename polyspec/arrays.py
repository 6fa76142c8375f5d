"""Aliases of the arrays that every room shares.

Axes: `T` context tokens, `K` drafted tokens, `R` rows of logits, `V` vocabulary.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

TokenArray: TypeAlias = NDArray[np.int32]
"""Token ids, shape `(T,)` or `(K,)`."""

LogitsArray: TypeAlias = NDArray[np.float32]
"""Raw scores of the next token, shape `(R, V)` or `(V,)`."""

FloatArray: TypeAlias = NDArray[np.float64]
"""Probabilities, costs and seconds."""

StateArray: TypeAlias = NDArray[np.uint8]
"""Bytes that a KV cache holds of one sequence, shape `(B,)`."""
