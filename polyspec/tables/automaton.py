"""Kept contexts and what follows them, as the arrays of a table file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from polyspec.tables import format as names

Context: TypeAlias = tuple[int, ...]
"""Token ids, the newest last."""
Edge: TypeAlias = tuple[int, float]
"""A token id that may follow, and its probability."""
_PROBABILITY_SCALE = 255


@dataclass(frozen=True, slots=True)
class Automaton:
    """All arrays of a table; states come by order, parent and oldest token."""

    tensors: Mapping[str, NDArray[Any]]
    """By the names of `format`, each in the narrowest type that holds it."""
    states_per_order: tuple[int, ...]


def assemble(
    edges_of: Mapping[Context, Sequence[Edge]], *, is_precise: bool = False
) -> Automaton:
    """Lay out contexts so that a look-up is a walk down a trie.

    The parent of a context is the context without its oldest token. The children of a
    state lie together, sorted by that token.

    Args:
        edges_of: What may follow each context, likeliest first; holds `()`, and with
            every context its parent.
        is_precise: Store probabilities in 16 bits instead of 8.

    Example: the contexts `()`, `(7,)`, `(9,)` and `(7, 9)` become the states 0 to 3;
    after `7 9` the walk goes 0 -> 2 by 9, then 2 -> 3 by 7.
    """
    index, states_per_order = _number_contexts(edges_of)
    contexts = list(index)
    used = {token for context in contexts for token in context[:1]}
    used |= {token for edges in edges_of.values() for token, _ in edges}
    vocabulary = sorted(used)
    local = {token: place for place, token in enumerate(vocabulary)}
    num_inner = sum(states_per_order[:-1])
    first_child = _first_children(contexts, index, num_inner)
    max_order = len(states_per_order) - 1
    tokens, probabilities, nexts, first_edge = [], [], [], [0]
    for context in contexts:
        for token, probability in edges_of[context]:
            tokens.append(local[token])
            probabilities.append(probability)
            nexts.append(_next_state(index, (*context, token), max_order))
        first_edge.append(len(tokens))
    tensors = {
        names.VOCABULARY: np.array(vocabulary, "<u4"),
        names.STATE_TOKEN: _narrow([local[c[0]] if c else 0 for c in contexts]),
        names.STATE_FIRST_CHILD: _narrow(first_child),
        names.EDGE_TOKEN: _narrow(tokens),
        names.EDGE_PROBABILITY: _quantise(probabilities, is_precise),
        names.EDGE_NEXT: _narrow(nexts),
    }
    if len(tokens) != len(contexts):
        tensors[names.STATE_FIRST_EDGE] = _narrow(first_edge)
    return Automaton(tensors, states_per_order)


def _number_contexts(
    edges_of: Mapping[Context, Sequence[Edge]],
) -> tuple[dict[Context, int], tuple[int, ...]]:
    by_order: list[list[Context]] = []
    for context, edges in edges_of.items():
        if not 1 <= len(edges) <= names.MAX_EDGES:
            raise ValueError(f"a state has 1..{names.MAX_EDGES} edges: {context}")
        while len(by_order) <= max(1, len(context)):
            by_order.append([])
        by_order[len(context)].append(context)
    if not 2 <= len(by_order) <= names.MAX_CONTEXT + 1 or by_order[0] != [()]:
        raise ValueError(f"contexts have 0..{names.MAX_CONTEXT} tokens, () among them")
    index: dict[Context, int] = {(): 0}
    for of_order in by_order[1:]:
        for context in of_order:
            if context[1:] not in index:
                raise ValueError(f"the parent of {context} is missing")
        of_order.sort(key=lambda context: (index[context[1:]], context[0]))
        for context in of_order:
            index[context] = len(index)
    return index, tuple(len(of_order) for of_order in by_order)


def _first_children(
    contexts: Sequence[Context], index: Mapping[Context, int], num_inner: int
) -> list[int]:
    num_children = [0] * num_inner
    for context in contexts[1:]:
        num_children[index[context[1:]]] += 1
    return [1, *(int(end) + 1 for end in np.cumsum(num_children))]


def _next_state(index: Mapping[Context, int], context: Context, max_order: int) -> int:
    context = context[-max_order:]
    while context not in index:
        context = context[1:]
    return index[context]


def _narrow(values: Sequence[int]) -> NDArray[Any]:
    largest = max(values)
    for dtype in ("<u1", "<u2"):
        if largest <= np.iinfo(dtype).max:
            return np.array(values, dtype)
    return np.array(values, "<u4")


def _quantise(probabilities: Sequence[float], is_precise: bool) -> NDArray[Any]:
    # Rounded down, so that the probabilities of a state cannot sum to more than 1.
    scale = 65535 if is_precise else _PROBABILITY_SCALE
    scaled = np.floor(np.array(probabilities) * scale + 1e-6)
    if scaled.min() < 0 or scaled.max() > scale:
        raise ValueError("probabilities must be in 0..1")
    return scaled.astype("<u2" if is_precise else "<u1")
