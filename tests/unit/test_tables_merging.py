"""Tables joined: contexts of both, mixtures of what they say."""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.errors import TableFormatError, TableMismatchError
from polyspec.tables.automaton import Context, Edge, assemble
from polyspec.tables.format import Corpus, TableInfo
from polyspec.tables.merging import merge_tables
from polyspec.tables.reader import Table
from polyspec.tables.writer import write_table

NEWS, TALES = Corpus("news.txt", "CC0-1.0"), Corpus("tales.txt", "CC-BY-4.0")
INFO = TableInfo("deu", "f" * 64, 1000, (NEWS,), 3000, "none", '{"min_count": 2}')
OTHER = replace(INFO, corpora=(TALES, NEWS), num_corpus_tokens=1000)
STEP = 1 / 65535
TOKENS = st.sampled_from((0, 3, 999))
KEPT = st.dictionaries(
    st.lists(TOKENS, max_size=3).map(tuple),
    st.tuples(TOKENS, st.floats(0, 1)).map(lambda edge: [edge]),
    max_size=12,
)
Edges = Mapping[Context, Sequence[Edge]]


def close(kept: Edges) -> dict[Context, Sequence[Edge]]:
    """Contexts with all their ends, so that each has its parent."""
    closed: dict[Context, Sequence[Edge]] = {(): [(3, 0.5)]}
    for context, edges in kept.items():
        for size in range(len(context)):
            closed.setdefault(context[len(context) - size :], [(3, 0.5)])
        closed[context] = edges
    return closed


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, kept: Edges, info: TableInfo = INFO) -> Path:
        path = tmp_path / name
        write_table(path, info, assemble(close(kept), is_precise=True))
        return path

    return write


def edges_of(table: Table, *context: int) -> list[tuple[int, float]]:
    return [(token, chance) for token, chance, _ in table.edges(table.enter(context))]


def only_edge(table: Table, *context: int) -> tuple[int, float]:
    (edge,) = edges_of(table, *context)
    return edge


def test_contexts_are_those_that_were_written(write: Callable[..., Path]) -> None:
    kept = close({(9, 7): [(1, 0.5)], (5, 9, 7): [(2, 0.5)], (8,): [(3, 0.5)]})
    with Table(write("a", kept)) as table:
        assert set(table.contexts()) == set(kept)
        for context, state in table.contexts().items():
            assert table.enter(context) == state


def test_a_context_that_both_know_is_mixed_by_the_sizes_of_the_texts(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    one = write("one", {(7,): [(1, 0.8)]})
    other = write("other", {(7,): [(2, 0.9)]}, OTHER)
    merge_tables([one, other], tmp_path / "both", 10_000)
    with Table(tmp_path / "both") as table:
        table.verify()
        # 3000 tokens against 1000: 0.75 * 0.8 against 0.25 * 0.9.
        token, chance = only_edge(table, 7)
        assert token == 1
        assert chance == pytest.approx(0.6, abs=1 / 255)


def test_a_token_may_count_more_in_one_table_than_in_another(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    one = write("one", {(7,): [(1, 0.8)]})
    other = write("other", {(7,): [(2, 0.9)]}, OTHER)
    info = merge_tables([one, other], tmp_path / "both", 10_000, [1, 9])
    assert json.loads(info.build_arguments)["merged"][1]["weight"] == 9
    with Table(tmp_path / "both") as table:
        token, chance = only_edge(table, 7)
        assert token == 2
        assert chance == pytest.approx(0.9 * 0.75, abs=1 / 255)


def test_a_context_that_one_knows_is_kept(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    one = write("one", {(5,): [(1, 0.8)]})
    other = write("other", {(8, 7): [(2, 1.0)]}, OTHER)
    merge_tables([one, other], tmp_path / "both", 10_000)
    with Table(tmp_path / "both") as table:
        assert set(table.contexts()) == {(), (5,), (7,), (8, 7)}
        # The first knows none of 8 7 and weighs 3000 * 0.4 * 0.4 there.
        token, chance = only_edge(table, 8, 7)
        assert token == 2
        assert chance == pytest.approx(1000 / 1480, abs=1 / 255)


def test_a_table_says_what_it_was_joined_from(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    paths = [write("one", {}), write("other", {}, OTHER)]
    info = merge_tables(paths, tmp_path / "both", 10_000)
    assert info.corpora == (NEWS, TALES)
    assert info.num_corpus_tokens == 4000
    merged = json.loads(info.build_arguments)["merged"]
    with Table(paths[1]) as table:
        assert merged[1]["checksum"] == table.info.checksum
    assert str(tmp_path) not in info.build_arguments


def test_joining_is_deterministic_and_may_replace_an_input(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    one = write("one", {(7,): [(1, 0.8)]})
    other = write("other", {(8, 7): [(2, 0.9)]}, OTHER)
    merge_tables([one, other], tmp_path / "both", 10_000)
    merge_tables([one, other], one, 10_000)
    assert one.read_bytes() == (tmp_path / "both").read_bytes()


def test_the_result_is_no_larger_than_asked(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    kept = {(a, b): [(a ^ b, 0.5 + a / 99)] for a in range(40) for b in range(40)}
    paths = [write("one", kept), write("other", {}, OTHER)]
    sizes = []
    for max_bytes in (9000, 6000, 4096):
        merge_tables(paths, tmp_path / "both", max_bytes)
        sizes.append((tmp_path / "both").stat().st_size)
        assert sizes[-1] <= max_bytes
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 4096


@pytest.mark.parametrize(
    ("info", "cause"),
    [
        (
            replace(INFO, language="fra"),
            "the language of one is deu, that of the other",
        ),
        (
            replace(INFO, fingerprint="0" * 64),
            f"{'f' * 64}, that of the other {'0' * 64}",
        ),
        (replace(INFO, vocabulary_size=1001), "is 1000, that of the other 1001"),
    ],
)
def test_tables_that_differ_in_kind_are_refused(
    write: Callable[..., Path], tmp_path: Path, info: TableInfo, cause: str
) -> None:
    paths = [write("one", {}), write("other", {}, info)]
    with pytest.raises(TableMismatchError, match="cannot be joined") as raised:
        merge_tables(paths, tmp_path / "both", 10_000)
    assert cause in raised.value.cause
    assert raised.value.remedy
    assert not (tmp_path / "both").exists()


def test_a_damaged_table_is_refused(write: Callable[..., Path], tmp_path: Path) -> None:
    one = write("one", {(7,): [(1, 0.8)]})
    damaged = write("damaged", {(7,): [(1, 0.7)]})
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(TableFormatError, match="damaged"):
        merge_tables([one, damaged], tmp_path / "both", 10_000)


@given(first=KEPT, second=KEPT)
def test_the_union_is_kept_and_sums_stay_below_one(first: Edges, second: Edges) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one, other, both = (Path(folder) / name for name in ("one", "other", "both"))
        write_table(one, INFO, assemble(close(first)))
        write_table(other, OTHER, assemble(close(second)))
        merge_tables([one, other], both, 1_000_000)
        with Table(one) as a, Table(other) as b, Table(both) as table:
            table.verify()
            assert set(table.contexts()) == set(close(first)) | set(close(second))
            for context in table.contexts():
                said = {edge[0] for t in (a, b) for edge in t.edges(t.enter(context))}
                assert {token for token, _ in edges_of(table, *context)} <= said


@given(kept=KEPT)
def test_a_table_joined_with_itself_stays_as_it_is(kept: Edges) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one, both = Path(folder) / "one", Path(folder) / "both"
        write_table(one, INFO, assemble(close(kept)))
        merge_tables([one, one], both, 1_000_000)
        with Table(one) as table, Table(both) as joined:
            assert joined.contexts() == table.contexts()
            for state in table.contexts().values():
                ours, theirs = joined.edges(state), table.edges(state)
                assert [edge[0] for edge in ours] == [edge[0] for edge in theirs]
                assert ours[0][1] == pytest.approx(theirs[0][1], abs=1 / 200)
