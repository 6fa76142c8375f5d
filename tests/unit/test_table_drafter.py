from collections.abc import Iterator
from pathlib import Path

import pytest

from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.interfaces import EMPTY_DRAFT, Extender
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.table import NAME, TableChoice, TableDrafter
from polyspec.errors import TableError
from polyspec.tables.automaton import assemble
from polyspec.tables.format import TableInfo
from polyspec.tables.reader import Table
from polyspec.tables.store import own_table_path
from polyspec.tables.writer import write_table
from tests.contracts.test_drafters import check_propose

EDGES = {
    (): [(1, 0.01)],
    (1,): [(2, 0.6)],
    (2,): [(3, 0.8)],
    (3,): [(1, 0.4)],
    (1, 2): [(4, 0.8)],
    (9, 1, 2): [(5, 1.0)],
}


@pytest.fixture
def drafter(tmp_path: Path) -> Iterator[TableDrafter]:
    path = tmp_path / "table.gguf"
    write_table(path, TableInfo("deu", "f", 10, (), 0, "", "{}"), assemble(EDGES))
    with Table(path) as table:
        yield TableDrafter(table)


def test_a_draft_begins_at_the_longest_known_context(drafter: TableDrafter) -> None:
    for prompt, wanted in (([9, 1, 2], 5), ([8, 1, 2], 4), ([8, 2], 3)):
        drafter.begin(0, prompt)
        (draft,) = drafter.propose([0], [1])
        assert draft.token_ids == (wanted,)
        assert draft.sources == (NAME,)


def test_a_draft_walks_on_with_its_own_tokens(drafter: TableDrafter) -> None:
    drafter.begin(0, [7, 2])
    (draft,) = drafter.propose([0], [4])
    assert draft.token_ids == (3, 1, 2, 4)
    assert draft.probabilities == pytest.approx((0.8, 0.4, 0.6, 0.8))


def test_what_is_hardly_ever_reached_is_left_out(drafter: TableDrafter) -> None:
    drafter.begin(0, [7])
    assert drafter.propose([0], [5]) == [EMPTY_DRAFT]


def test_emitted_tokens_become_the_context(drafter: TableDrafter) -> None:
    drafter.begin(0, [])
    drafter.observe(0, [9])
    drafter.observe(0, [])
    drafter.observe(0, [1, 2])
    assert drafter.propose([0], [1])[0].token_ids == (5,)
    drafter.observe(0, [6, 6, 6, 6, 6, 2])
    assert drafter.propose([0], [1])[0].token_ids == (3,)


def test_sequences_know_nothing_of_each_other(drafter: TableDrafter) -> None:
    drafter.begin(0, [2])
    drafter.begin(1, [1])
    drafter.observe(1, [2])
    check_propose(drafter, [1, 0], [3, 0])
    assert [draft.token_ids for draft in drafter.propose([1, 0], [1, 1])] == [
        (4,),
        (3,),
    ]
    drafter.end(0)
    drafter.end(0)
    drafter.begin(0, [])
    assert drafter.propose([0], [3]) == [EMPTY_DRAFT]


def test_the_policy_takes_what_pays(drafter: TableDrafter) -> None:
    drafter.begin(0, [7, 2])
    drafts = drafter.propose([0], [16])
    policy = DraftPolicy(StepCost.from_samples({1: 1.0, 2: 1.1, 3: 2.0, 8: 8.0}))
    assert policy.choose_lengths(drafts, 1, 64) == [1]


def choose(drafter: TableDrafter, *, is_required: bool) -> TableChoice:
    """Choose among the user's tables, of which there is one: of German."""
    write_table(
        own_table_path("deu", "f" * 64),
        TableInfo("deu", "f" * 64, 10, (), 0, "", "{}"),
        assemble(EDGES),
    )
    return TableChoice(drafter, lambda: "f" * 64, "tiny", is_required=is_required)


def test_the_table_of_the_language_that_is_written_drafts() -> None:
    drafter = TableDrafter()
    drafter.begin(0, [2])
    assert drafter.propose([0], [1]) == [EMPTY_DRAFT]
    choice = choose(drafter, is_required=False)
    for language, has_table in (("deu", True), ("deu", True), ("fra", False)):
        choice.use(language)
        assert bool(drafter.propose([0], [1])[0].token_ids) is has_table


def test_a_table_that_was_asked_for_must_be_there() -> None:
    choice = choose(TableDrafter(), is_required=True)
    choice.use("deu")
    with pytest.raises(TableError, match="no fra table"):
        choice.use("fra")


def test_it_goes_on_behind_what_others_proposed(drafter: TableDrafter) -> None:
    drafter.begin(0, [9])
    drafter.begin(1, [7])
    drafts = drafter.extend([1, 0], [[2], [1, 2]], [2, 1])
    assert [draft.token_ids for draft in drafts] == [(3, 1), (5,)]
    assert drafter.propose([0], [1])[0].token_ids == ()
    assert isinstance(drafter, Extender)
