"""A table answers as a plain dictionary with back-off does."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.tables.automaton import Context, Edge, assemble
from polyspec.tables.format import TableInfo
from polyspec.tables.reader import Table
from polyspec.tables.writer import to_bytes, write_table

INFO = TableInfo("deu", "f" * 64, 1000, (), 0, "none", "{}")
TOKENS = st.sampled_from((0, 3, 4, 257, 999))
EDGES = st.lists(st.tuples(TOKENS, st.floats(0, 0.125)), min_size=1, max_size=8).map(
    lambda edges: sorted(edges, key=lambda edge: -edge[1])
)
KEPT = st.lists(
    st.tuples(st.lists(TOKENS, max_size=4).map(tuple), EDGES), min_size=1, max_size=20
)


def close(kept: Sequence[tuple[Context, list[Edge]]]) -> dict[Context, list[Edge]]:
    """Contexts with all their ends, so that each has its parent."""
    table: dict[Context, list[Edge]] = {}
    for context, edges in kept:
        for size in range(len(context) + 1):
            table.setdefault(context[len(context) - size :], edges)
    return table


def back_off(table: dict[Context, list[Edge]], context: Sequence[int]) -> Context:
    longest = max(map(len, table))
    known = tuple(context[-longest:]) if longest else ()
    while known not in table:
        known = known[1:]
    return known


@given(kept=KEPT, text=st.lists(TOKENS, max_size=12), is_precise=st.booleans())
def test_a_look_up_equals_a_dictionary_with_back_off(
    kept: list[tuple[Context, list[Edge]]], text: list[int], is_precise: bool
) -> None:
    oracle = close(kept)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.gguf"
        write_table(path, INFO, assemble(oracle, is_precise=is_precise))
        with Table(path) as table:
            table.verify()
            for end in range(len(text) + 1):
                known = back_off(oracle, text[:end])
                state = table.enter(text[:end])
                found = table.edges(state)
                assert [edge[0] for edge in found] == [e[0] for e in oracle[known]]
                assert sum(edge[1] for edge in found) <= 1 + 1e-9
                step = 1 / 65535 if is_precise else 1 / 255
                for (_, stored, _), (_, wanted) in zip(
                    found, oracle[known], strict=True
                ):
                    assert wanted - step <= stored <= wanted + 1e-6
            check_walk(table, oracle, text)


def check_walk(
    table: Table, oracle: dict[Context, list[Edge]], text: list[int]
) -> None:
    context = list(back_off(oracle, text))
    drafted, _ = table.walk(table.enter(text), 6)
    for token in drafted:
        assert token == oracle[tuple(context)][0][0]
        context = list(back_off(oracle, [*context, token]))


@given(kept=KEPT)
def test_the_order_in_which_contexts_come_changes_no_byte(
    kept: list[tuple[Context, list[Edge]]],
) -> None:
    oracle = close(kept)
    reversed_ = dict(reversed(oracle.items()))
    assert to_bytes(INFO, assemble(oracle)) == to_bytes(INFO, assemble(reversed_))


@pytest.mark.parametrize(
    "edges_of",
    [
        {},
        {(1,): [(1, 0.5)]},
        {(): [(1, 0.5)], (1, 2): [(1, 0.5)]},
        {(): []},
        {(): [(1, 0.1)] * 9},
        {(): [(1, 1.5)]},
    ],
)
def test_contexts_that_make_no_automaton_are_refused(
    edges_of: dict[Context, list[Edge]],
) -> None:
    with pytest.raises(ValueError, match=r"0\.\.1|1\.\.8|0\.\.8|parent"):
        assemble(edges_of)
