import pytest

from polyspec.benchmarks.decode import DecodeRow
from polyspec.benchmarks.report import (
    format_decode,
    format_ladder,
    format_table,
    plot_ladder,
)
from polyspec.benchmarks.suite import DRAFTERS, TASKS, read_sources, require_known
from polyspec.benchmarks.texts import COPIED, SENTENCES, THEMES
from polyspec.benchmarks.throughput import ParallelResult
from polyspec.decoding.step_cost import StepCost
from polyspec.errors import UsageError
from polyspec.languages import find_language

ROW = DecodeRow(
    language="fra",
    task="translate",
    drafter="history",
    num_texts=4,
    num_tokens=100,
    num_chars=321,
    plain_s=2.0,
    drafted_s=1.0,
    num_drafted=80,
    num_accepted=60,
    num_steps=40,
    num_identical=3,
    plain_tokens=80,
)


def test_a_table_is_as_wide_as_its_cells() -> None:
    assert format_table(("a", "long"), [["wide", "x"], ["", "y"]]).splitlines() == [
        "a     long",
        "----  ----",
        "wide  x",
        "      y",
    ]


def test_a_row_counts_tokens_per_second_not_seconds() -> None:
    assert ROW.speedup == pytest.approx((100 / 1.0) / (80 / 2.0))


def test_a_row_without_a_measurement_claims_no_speed() -> None:
    assert DecodeRow("fra", "story", "none").speedup == 1.0


def test_the_fields_of_a_row_are_those_of_the_report() -> None:
    assert ROW.as_fields() == {
        "language": "fra",
        "task": "translate",
        "drafter": "history",
        "num_texts": 4,
        "num_tokens": 100,
        "num_chars": 321,
        "plain_s": 2.0,
        "drafted_s": 1.0,
        "num_drafted": 80,
        "num_accepted": 60,
        "plain_tokens": 80,
        "speedup": 2.5,
        "acceptance_rate": 0.75,
        "mean_acceptance_length": 2.5,
        "identical": 0.75,
    }


def test_the_table_of_rows_says_what_the_fields_say() -> None:
    heading, _, row = format_decode([ROW]).splitlines()
    assert heading.split("  ")[0] == "language"
    wanted = "fra translate history 100 2.00 1.00 2.500 0.75 2.50 0.75"
    assert " ".join(row.split()) == wanted


def test_no_rows_make_a_table_of_headings() -> None:
    assert len(format_decode([]).splitlines()) == 2


def test_a_ladder_says_what_is_exact_and_how_far() -> None:
    cost = StepCost.from_samples({1: 0.01, 2: 0.012, 3: 0.02, 64: 0.1}, [2], 512)
    _, _, *rows, _, limit = format_ladder(cost).splitlines()
    assert [row.split() for row in rows] == [
        ["1", "10.00", "1.00", "1.00", "yes"],
        ["2", "12.00", "1.20", "1.67", "yes"],
        ["3", "20.00", "2.00", "1.50", "no"],
        ["64", "100.00", "10.00", "6.40", "not", "probed"],
    ]
    assert limit == "bit-identical while the cache holds at most 512 tokens"


def test_a_ladder_without_exact_steps_says_so() -> None:
    assert format_ladder(StepCost.flat()).endswith(
        "no width is bit-identical to single tokens here"
    )


def test_a_ladder_says_that_steps_are_filled_up() -> None:
    cost = StepCost.from_samples({1: 0.01, 4: 0.02, 7: 0.05, 8: 0.04}, tile=4)
    text = format_ladder(cost)
    assert text.endswith("wider steps than 4 tokens are filled up to a multiple of it")
    assert [line.split()[0] for line in text.splitlines()[2:5]] == ["1", "4", "8"]


def test_the_plot_has_no_colours_and_fits_the_terminal() -> None:
    lines = plot_ladder(StepCost.flat()).splitlines()
    assert "cost of a step" in lines[0]
    assert max(len(line.rstrip()) for line in lines) <= 72
    assert "\x1b" not in "".join(lines)


def test_names_that_are_known_pass_and_others_are_told_which_are() -> None:
    require_known(TASKS, TASKS, "task")
    with pytest.raises(UsageError) as caught:
        require_known(("none", "x"), DRAFTERS, "drafter")
    assert caught.value.problem == "there is no drafter 'x' to measure"
    assert caught.value.cause == f"there are {', '.join(DRAFTERS)}"
    assert caught.value.remedy == "name some of them, for example none"


def test_side_by_side_is_faster_by_the_ratio_of_the_times() -> None:
    result = ParallelResult(
        num_sentences=4,
        num_parallel=4,
        one_by_one_s=6.0,
        side_by_side_s=2.0,
        one_by_one_tokens=40,
        side_by_side_tokens=40,
        identical=1.0,
    )
    assert result.speedup == 3.0


def test_the_texts_of_our_own_are_many_and_different() -> None:
    assert read_sources(None, find_language("fr")) is SENTENCES
    for texts in (SENTENCES, THEMES, COPIED):
        assert len(set(texts)) == len(texts) > 5
