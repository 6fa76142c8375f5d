"""A table that learns what the target writes."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.drafting import adapted_table
from polyspec.drafting.adapted_table import AdaptedTable
from polyspec.tables.automaton import assemble
from polyspec.tables.format import TableInfo
from polyspec.tables.reader import Table
from polyspec.tables.writer import write_table

EDGES = {
    (): [(1, 0.01)],
    (1,): [(2, 0.6)],
    (2,): [(3, 0.8), (4, 0.1)],
    (3,): [(1, 0.4)],
    (1, 2): [(4, 0.8)],
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    path = tmp_path_factory.mktemp("tables") / "table.gguf"
    write_table(path, TableInfo("deu", "f", 10, (), 0, "", "{}"), assemble(EDGES))
    with Table(path) as table:
        yield table


@pytest.fixture
def table(opened: Table) -> AdaptedTable:
    return AdaptedTable(opened)


def likeliest(table: AdaptedTable, context: list[int]) -> tuple[int, float]:
    token_id, chance, _ = table.best(table.enter(context))
    return token_id, chance


def test_at_first_the_table_is_believed(table: AdaptedTable) -> None:
    for context, edges in EDGES.items():
        token_id, chance = likeliest(table, list(context))
        assert token_id == edges[0][0]
        assert chance == pytest.approx(edges[0][1], abs=0.005)


def test_what_the_target_keeps_writing_takes_the_place(table: AdaptedTable) -> None:
    for _ in range(9):
        table.observe([1, 2], [5])
    assert likeliest(table, [1, 2])[0] == 5
    # A shorter context ends like the longer one and learns with it.
    assert likeliest(table, [9, 2])[0] == 5
    assert likeliest(table, [1])[0] == 2


def test_what_is_confirmed_grows_likelier_and_else_less_likely(
    table: AdaptedTable,
) -> None:
    _, at_first = likeliest(table, [3])
    for _ in range(4):
        table.observe([3], [1])
    _, confirmed = likeliest(table, [3])
    assert confirmed > at_first
    for other in (5, 6, 7, 8):
        table.observe([3], [other])
    assert likeliest(table, [3])[1] < confirmed


def test_a_token_that_the_table_lacks_is_a_state_of_its_own(
    table: AdaptedTable,
) -> None:
    for _ in range(6):
        table.observe([8], [6, 2])
    assert table.enter([1, 8]) < 0
    token_ids, _ = table.walk(table.enter([1, 8]), 3, 0.0)
    assert token_ids[:2] == [6, 2]
    assert likeliest(table, [9])[0] == 1


@given(st.lists(st.integers(0, 9), max_size=60))
def test_promises_are_probabilities(opened: Table, written: list[int]) -> None:
    table = AdaptedTable(opened)
    table.observe([], written)
    for start in range(max(1, len(written))):
        token_ids, chances = table.walk(table.enter(written[:start]), 5, 0.0)
        assert len(token_ids) == len(chances) == 5
        assert all(0.0 <= chance <= 1.0 for chance in chances)


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(0, 40))
def test_pieces_teach_what_the_whole_does(
    opened: Table, written: list[int], place: int
) -> None:
    whole, pieces = AdaptedTable(opened), AdaptedTable(opened)
    whole.observe([7], written)
    pieces.observe([7], written[:place])
    pieces.observe([7, *written[:place]], written[place:])
    for state in range(opened.info.num_states):
        assert whole.best(state) == pieces.best(state)


def test_broken_promises_are_believed_less(table: AdaptedTable) -> None:
    for _ in range(40):
        table.observe([1, 2], [5])
    _, chance = likeliest(table, [2])
    for token_id in range(100, 160):
        table.observe([9, 2], [token_id])
    assert likeliest(table, [1, 2])[1] < chance


def test_what_was_learned_first_is_forgotten(
    table: AdaptedTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapted_table, "_MAX_STATES", 8)
    for token_id in range(20, 60):
        for _ in range(3):
            table.observe([token_id], [token_id + 100])
    assert likeliest(table, [59])[0] == 159
    assert likeliest(table, [20])[0] == 1


def test_a_state_of_many_followers_keeps_the_likeliest(table: AdaptedTable) -> None:
    for _ in range(9):
        table.observe([1, 2], [5])
    for token_id in range(1000, 1500):
        table.observe([1, 2], [token_id])
    table.observe([1, 2], [5])
    assert likeliest(table, [1, 2])[0] == 5
    held = [len(seen.weights) for seen in table._seen.values()]
    assert max(held) <= adapted_table._MAX_FOLLOWERS
