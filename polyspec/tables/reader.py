"""Opening a table and looking tokens up in it, without copying it to the heap."""

import hashlib
import mmap
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from polyspec.arrays import TokenArray
from polyspec.errors import TableMismatchError
from polyspec.gguf_header import GgufHeader
from polyspec.tables import format as names
from polyspec.tables.format import read_table_header, refuse
from polyspec.tables.layout import LayoutFault, check_order, check_ranges

_CODES: dict[int, Literal["B", "H", "I"]] = {24: "B", 25: "H", 26: "I"}
"""ggml's number of a type, and what `memoryview.cast` calls it without a sign."""


class Table:
    """A mapped table, read-only; other processes share its memory.

    All index ranges are checked when it opens, so no look-up needs to check again.
    """

    def __init__(self, path: Path) -> None:
        """Map a table.

        Raises:
            TableFormatError: Not a table, damaged, or newer.
        """
        self.path = path
        header, self.info = read_table_header(path)
        self._data_offset = header.data_offset
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise refuse(path, str(error)) from error
        try:
            self._views = _map_views(self._map, header)
            check_ranges(
                self._arrays(), self.info.states_per_order, self.info.vocabulary_size
            )
        except LayoutFault as fault:
            # The traceback still holds views; map and views go with this object.
            raise refuse(path, str(fault)) from None
        self._bind()

    def _bind(self) -> None:
        views = self._views
        self._vocabulary = views[names.VOCABULARY]
        self._state_token = views[names.STATE_TOKEN]
        self._first_child = views[names.STATE_FIRST_CHILD]
        self._edge_token = views[names.EDGE_TOKEN]
        self._edge_probability = views[names.EDGE_PROBABILITY]
        self._edge_next = views[names.EDGE_NEXT]
        self._first_edge = views.get(names.STATE_FIRST_EDGE)
        self._num_inner = self.info.num_states - self.info.states_per_order[-1]
        self._scale = 1 / (256**self._edge_probability.itemsize - 1)

    def close(self) -> None:
        """Unmap the table; it cannot be used afterwards."""
        for view in self._views.values():
            view.release()
        self._map.close()

    def __enter__(self) -> "Table":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def enter(self, context_ids: Sequence[int]) -> int:
        """Return the state of the longest known end of a context, 0 for none.

        Only the last `info.max_order` tokens are looked at.
        """
        return self.states(context_ids)[-1]

    def states(self, context_ids: Sequence[int]) -> list[int]:
        """Return the states of all known ends of a context, the empty one first.

        Example: where `9` and `7 9` are known contexts but `5 7 9` is none, the context
        `5 7 9` gives the states of nothing, of `9` and of `7 9`.
        """
        vocabulary, tokens = self._vocabulary, self._state_token
        first_child, num_inner = self._first_child, self._num_inner
        vocabulary_size = len(vocabulary)
        state = 0
        states = [0]
        for place in range(len(context_ids) - 1, -1, -1):
            if state >= num_inner:
                break
            token_id = context_ids[place]
            local = bisect_left(vocabulary, token_id)
            if local == vocabulary_size or vocabulary[local] != token_id:
                break
            end = first_child[state + 1]
            child = bisect_left(tokens, local, first_child[state], end)
            if child == end or tokens[child] != local:
                break
            state = child
            states.append(state)
        return states

    def walk(
        self, state: int, limit: int, least_chance: float = 0.0
    ) -> tuple[list[int], list[float]]:
        """Follow greedy edges from a state: tokens and their probabilities.

        Args:
            state: Where to begin.
            limit: Most tokens.
            least_chance: Stop before a token that is reached less often than this.
        """
        vocabulary, edge_token = self._vocabulary, self._edge_token
        probability, edge_next = self._edge_probability, self._edge_next
        first_edge, scale = self._first_edge, self._scale
        token_ids: list[int] = []
        probabilities: list[float] = []
        reached = 1.0
        for _ in range(limit):
            edge = state if first_edge is None else first_edge[state]
            chance = probability[edge] * scale
            reached *= chance
            if reached < least_chance:
                break
            token_ids.append(vocabulary[edge_token[edge]])
            probabilities.append(chance)
            state = edge_next[edge]
        return token_ids, probabilities

    def edge(self, state: int) -> tuple[int, float, int]:
        """Token, probability and next state of the likeliest edge of a state."""
        edge = state if self._first_edge is None else self._first_edge[state]
        return (
            self._vocabulary[self._edge_token[edge]],
            self._edge_probability[edge] * self._scale,
            self._edge_next[edge],
        )

    def edges(self, state: int) -> list[tuple[int, float, int]]:
        """Token, probability and next state of each edge, the likeliest first."""
        first, last = state, state + 1
        if self._first_edge is not None:
            first, last = self._first_edge[state], self._first_edge[state + 1]
        return [
            (
                self._vocabulary[self._edge_token[edge]],
                self._edge_probability[edge] * self._scale,
                self._edge_next[edge],
            )
            for edge in range(first, last)
        ]

    def known_ids(self) -> TokenArray:
        """All tokens that occur in it, rising, shape `(N,)`; a copy."""
        return np.array(self._vocabulary, dtype=np.int32)

    def contexts(self) -> dict[tuple[int, ...], int]:
        """All kept contexts and their states, the shortest first.

        Raises:
            TableFormatError: A state does not come after its parent.
        """
        contexts: list[tuple[int, ...]] = [()]
        for state in range(self._num_inner):
            children = range(self._first_child[state], self._first_child[state + 1])
            if children and state >= len(contexts):
                raise refuse(self.path, f"state {state} comes before its parent")
            for child in children:
                oldest = self._vocabulary[self._state_token[child]]
                contexts.append((oldest, *contexts[state]))
        return {context: state for state, context in enumerate(contexts)}

    def verify(self) -> None:
        """Read the whole table and compare it with its checksum.

        Raises:
            TableFormatError: It is damaged.
        """
        digest = hashlib.sha256(memoryview(self._map)[self._data_offset :]).hexdigest()
        if digest != self.info.checksum:
            raise refuse(
                self.path,
                f"its SHA-256 is {digest}, {self.info.checksum} was written",
            )
        try:
            check_order(self._arrays())
        except LayoutFault as fault:
            raise refuse(self.path, str(fault)) from None

    def require_match(self, fingerprint: str, model: str) -> None:
        """Refuse a model with another tokenizer.

        Raises:
            TableMismatchError: The fingerprints differ.
        """
        if self.info.fingerprint != fingerprint:
            raise TableMismatchError(
                f"the table {self.path} cannot draft for {model}",
                cause=f"table tokenizer {self.info.fingerprint}, model {fingerprint}",
                remedy="build one for it with: polyspec tables build "
                f"--language {self.info.language} --model {model} FILE",
            )

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {
            name: np.frombuffer(view, np.dtype(f"<u{view.itemsize}"))
            for name, view in self._views.items()
        }


def _map_views(mapped: mmap.mmap, header: GgufHeader) -> dict[str, "memoryview[int]"]:
    """Views of the tensors that this version knows; others are skipped."""
    views: dict[str, memoryview[int]] = {}
    known = (*names.REQUIRED, names.STATE_FIRST_EDGE)
    for tensor in header.tensors:
        if tensor.name not in known:
            continue
        if tensor.kind not in _CODES or len(tensor.shape) != 1:
            raise LayoutFault(f"{tensor.name} is no list of whole numbers")
        start = header.data_offset + tensor.offset
        with memoryview(mapped) as whole:
            part = whole[start : start + tensor.size_bytes]
        views[tensor.name] = part.cast(_CODES[tensor.kind])
    missing = [name for name in names.REQUIRED if name not in views]
    if missing:
        raise LayoutFault(f"it has no tensor {missing[0]}")
    return views
