from collections.abc import Iterator
from pathlib import Path

import pytest

from polyspec.decoding.feedback import Feedback
from polyspec.tables.automaton import assemble
from polyspec.tables.format import TableInfo
from polyspec.tables.reader import Table
from polyspec.tables.replay import Replay, choose_length, ladder_costs, replay
from polyspec.tables.writer import write_table

FLAT = ladder_costs({1: 1.0, 9: 1.0})


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    path = tmp_path / "table.gguf"
    edges = {(): [(5, 0.01)], (1,): [(2, 0.9)], (2,): [(3, 0.9)]}
    write_table(path, TableInfo("deu", "f", 10, (), 0, "", "{}"), assemble(edges))
    with Table(path) as opened:
        yield opened


def test_a_step_that_costs_nothing_more_accepts_what_agrees(table: Table) -> None:
    # 1 comes alone; then 2 and 3 are drafted and 4 is the bonus token.
    done = replay(table, [[1, 2, 3, 4]], FLAT, Feedback())
    assert (done.num_steps, done.num_accepted, done.cost) == (2, 2, 2.0)
    assert done.speed_up == 2.0


def test_a_dear_step_is_plain_decoding(table: Table) -> None:
    done = replay(
        table, [[1, 2, 3, 4]], ladder_costs({1: 1.0, 2: 2.0, 9: 9.0}), Feedback()
    )
    assert done == Replay(4, 4, 0, 0, 4.0)
    assert (done.acceptance_rate, done.speed_up) == (0.0, 1.0)


def test_no_text_is_no_gain(table: Table) -> None:
    assert replay(table, [[], []], FLAT, Feedback()).speed_up == 1.0


def test_the_length_with_most_tokens_per_cost_is_chosen() -> None:
    assert choose_length([0.9, 0.5], [0.0, 1.0, 1.1, 2.0]) == 1
    assert choose_length([0.9, 0.5], [0.0, 1.0, 1.1, 1.2]) == 2
    assert choose_length([0.02], [0.0, 1.0, 1.0]) == 0
    assert choose_length([], [0.0, 1.0]) == 0


def test_costs_between_measured_widths_are_interpolated() -> None:
    assert ladder_costs({1: 1.0, 3: 1.5}) == [0.0, 1.0, 1.25, 1.5]


def test_promises_that_are_not_kept_end_the_drafting(table: Table) -> None:
    lines = [[1, 9, 9, 9]] * 200
    costs = ladder_costs({1: 1.0, 2: 1.5})
    done = replay(table, lines, costs, Feedback())
    assert done.num_accepted == 0
    assert 0 < done.num_drafted < 60
