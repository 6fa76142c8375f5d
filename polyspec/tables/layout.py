"""Whether the arrays of a table fit together, so that no look-up can leave them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyspec.tables import format as names

Arrays = Mapping[str, NDArray[Any]]


class LayoutFault(Exception):
    """Why arrays cannot be used; becomes a `TableFormatError` with the path."""


def check_ranges(
    arrays: Arrays, states_per_order: tuple[int, ...], vocabulary_size: int
) -> None:
    """Check lengths and the range of every index, in one pass over each array.

    Raises:
        LayoutFault: An index leads out of its array.
    """
    num_states = sum(states_per_order)
    num_inner = num_states - states_per_order[-1]
    vocabulary = arrays[names.VOCABULARY]
    num_edges = arrays[names.EDGE_TOKEN].size
    _check_size(arrays, names.STATE_TOKEN, num_states)
    _check_size(arrays, names.STATE_FIRST_CHILD, num_inner + 1)
    _check_size(arrays, names.EDGE_PROBABILITY, num_edges)
    _check_size(arrays, names.EDGE_NEXT, num_edges)
    if arrays[names.EDGE_PROBABILITY].itemsize > 2:
        raise LayoutFault(f"{names.EDGE_PROBABILITY} has neither 8 nor 16 bits")
    _check_below(arrays, names.VOCABULARY, vocabulary_size)
    _check_below(arrays, names.STATE_TOKEN, vocabulary.size)
    _check_below(arrays, names.EDGE_TOKEN, vocabulary.size)
    _check_below(arrays, names.EDGE_NEXT, num_states)
    _check_slices(arrays, names.STATE_FIRST_CHILD, 1, num_states)
    if names.STATE_FIRST_EDGE in arrays:
        _check_size(arrays, names.STATE_FIRST_EDGE, num_states + 1)
        sizes = _check_slices(arrays, names.STATE_FIRST_EDGE, 0, num_edges)
        if sizes.min() < 1 or sizes.max() > names.MAX_EDGES:
            raise LayoutFault(f"a state has none or over {names.MAX_EDGES} edges")
    elif num_edges != num_states:
        raise LayoutFault(f"{num_states} states have {num_edges} edges in all")


def check_order(arrays: Arrays) -> None:
    """Check what look-ups rely on to be right: sorted tokens, honest sums.

    Raises:
        LayoutFault: A list is not sorted, or probabilities sum to more than 1.
    """
    if (np.diff(arrays[names.VOCABULARY].astype(np.int64)) <= 0).any():
        raise LayoutFault("the vocabulary is not sorted")
    rises = np.diff(arrays[names.STATE_TOKEN].astype(np.int64)) > 0
    # Between the last child of one state and the first of the next anything may be.
    starts = arrays[names.STATE_FIRST_CHILD].astype(np.int64) - 1
    rises[starts[(starts >= 0) & (starts < rises.size)]] = True
    if not rises.all():
        raise LayoutFault("the children of a state are not sorted")
    probabilities = arrays[names.EDGE_PROBABILITY].astype(np.int64)
    if names.STATE_FIRST_EDGE in arrays:
        firsts = arrays[names.STATE_FIRST_EDGE][:-1].astype(np.int64)
        sums = np.add.reduceat(probabilities, firsts)
        scale = np.iinfo(arrays[names.EDGE_PROBABILITY].dtype).max
        if sums.max() > scale:
            raise LayoutFault("the probabilities of a state sum to more than 1")


def _check_size(arrays: Arrays, name: str, size: int) -> None:
    if arrays[name].size != size:
        raise LayoutFault(f"{name} has {arrays[name].size} elements, not {size}")


def _check_below(arrays: Arrays, name: str, limit: int) -> None:
    largest = int(arrays[name].max())
    if largest >= limit:
        raise LayoutFault(f"{name} holds {largest}, less than {limit} may be")


def _check_slices(arrays: Arrays, name: str, first: int, last: int) -> NDArray[Any]:
    """Return the sizes of slices that go from `first` to `last` without a gap."""
    bounds = arrays[name].astype(np.int64)
    sizes = np.diff(bounds)
    if int(bounds[0]) != first or int(bounds[-1]) != last or (sizes < 0).any():
        raise LayoutFault(f"{name} does not rise from {first} to {last}")
    return sizes
