"""The rows, tables and pictures of the paper's experiment."""

from dataclasses import replace
from pathlib import Path

import pytest

from polyspec.benchmarks.lanes import Lane, Switch, Tally
from polyspec.benchmarks.paper import (
    PAPER_LANGUAGES,
    PaperRow,
    all_languages,
    expected_improvement,
    make_rows,
    make_suite,
)
from polyspec.benchmarks.paper_plots import plot_paper
from polyspec.benchmarks.paper_report import (
    compare_router,
    format_markdown,
    format_paper,
    mean_rows,
)
from polyspec.benchmarks.records import Measured
from polyspec.benchmarks.themes import PAPER_THEMES
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.interfaces import Draft
from polyspec.decoding.step_cost import StepCost
from polyspec.errors import DocumentError
from polyspec.languages import find_language, known_languages
from polyspec.training.themes import make_themes

TEXT = Measured(
    language="yor",
    task="story",
    drafter="table",
    index=0,
    num_texts=1,
    max_tokens=128,
    prompt_ids=(1, 2),
    output_ids=(3,) * 20,
    num_chars=60,
    prompt_s=0.1,
    plain_tokens=11,
    plain_s=1.1,
    drafted_s=1.0,
    num_steps=10,
    num_drafted=20,
    num_accepted=10,
    is_identical=True,
    num_words=8,
    draft_s=0.02,
    tried_at=(10, 6),
    accepted_at=(6, 4),
    accepted_by_source={"table": 7, "history": 3},
)


def make_row(**changes: object) -> PaperRow:
    return PaperRow([replace(TEXT, **changes)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("acceptance", "cost", "speedup"),
    [(0.24, 0, 1.30), (0.30, 0, 1.39), (0.60, 0.265, 1.28), (0.40, 0.265, 1.02)],
)
def test_the_formula_gives_the_figures_of_the_paper(
    acceptance: float, cost: float, speedup: float
) -> None:
    computed = expected_improvement(acceptance, 2, 2 * cost)
    assert computed == pytest.approx(speedup, abs=0.005)


def test_the_formula_holds_where_all_is_accepted_and_where_nothing_is_drafted() -> None:
    assert expected_improvement(1.0, 3, 1.0) == 2.0
    assert expected_improvement(1 - 1e-9, 3, 1.0) == pytest.approx(2.0)
    assert expected_improvement(0.0, 0, 0.25) == 0.8


def test_a_row_measures_acceptance_cost_and_speed() -> None:
    row = make_row()
    assert row.acceptance == 10 / 16
    assert row.tokens_per_step == 2.0
    assert row.token_s == pytest.approx(0.1)
    assert row.cost_ratio == pytest.approx(0.02 / 20 / 0.1)
    assert row.computed == pytest.approx(expected_improvement(10 / 16, 2, 0.02))
    assert row.speedup == pytest.approx(20 / 10)
    assert row.fertility == 2.5
    assert make_row(language="jpn").fertility == pytest.approx(1 / 3)
    assert row.saved_by_source == {"table": 7, "history": 3}


def test_the_spread_is_that_of_single_texts() -> None:
    texts = [replace(TEXT, drafted_s=20 / 10 / ratio) for ratio in (1, 2, 3, 4, 5)]
    assert PaperRow(texts).spread == pytest.approx((2, 3, 4))
    assert make_row().spread == pytest.approx((2, 2, 2))


def test_a_row_without_drafts_has_no_acceptance_and_no_cost() -> None:
    none = make_row(
        drafter="none",
        num_drafted=0,
        tried_at=(),
        accepted_at=(),
        draft_s=0.0,
        accepted_by_source={},
        num_words=0,
    )
    fields = none.as_fields()
    assert (fields["acceptance"], fields["cost_ratio"], fields["fertility"]) == (
        (None,) * 3
    )
    assert none.computed == 1.0
    assert " - " in format_paper([none])


def test_of_the_lengths_of_bigrams_the_fastest_is_reported() -> None:
    slow, fast = (
        replace(TEXT, drafter=f"bigram {length}", drafted_s=seconds)
        for length, seconds in ((2, 2.0), (3, 1.0))
    )
    (row,) = make_rows([[slow], [fast]])
    assert (row.drafter, row.fixed_length) == ("bigram", 3)
    assert "bigram 3" in format_paper([row])


def test_means_are_over_the_eleven_and_over_all() -> None:
    rows = [make_row(language=code) for code in ("yor", "chr", "deu")]
    assert [(mean["languages"], mean["num_languages"]) for mean in mean_rows(rows)] == [
        ("paper", 2),
        ("all", 3),
    ]
    assert mean_rows(rows[:1]) == []
    assert {mean["speedup"] for mean in mean_rows(rows)} == {2.0}


def test_the_router_is_compared_with_the_best_of_the_others() -> None:
    rows = [
        make_row(),
        make_row(drafter="none", drafted_s=0.1),
        make_row(drafter="auto", drafted_s=1.25),
        make_row(drafter="auto", language="deu", drafted_s=4.0),
    ]
    first, second = compare_router(rows)
    assert (first["best"], first["ratio"]) == ("table", 0.8)
    assert (second["best"], second["ratio"]) == ("plain", 0.5)


def test_markdown_says_what_the_figures_depend_on() -> None:
    text = format_markdown([make_row(), make_row(drafter="auto")], {"num_threads": 2})
    assert text.startswith("- num threads: 2\n\n| language | task |")
    assert "| yor | story | table | 0.62 | 2.00 | 0.0100 |" in text
    assert "| yor | story | 2.000 | table | 2.000 | 1.000 |" in text


def test_pictures_are_drawn_whole(tmp_path: Path) -> None:
    rows = [
        make_row(language=code, task=task, drafter=drafter)
        for code in ("yor", "deu")
        for task in ("translate", "story")
        for drafter in ("table", "auto")
    ]
    paths = plot_paper(rows, tmp_path / "plots")
    assert sorted(paths) == sorted((tmp_path / "plots").iterdir())
    assert {path.stem for path in paths} == {
        "speedup-translate",
        "speedup-story",
        "acceptance-cost",
        "acceptance-by-position",
        "tokens-saved",
    }
    before = {path: path.read_bytes() for path in paths}
    assert plot_paper(rows, tmp_path / "plots") == paths
    assert {path: path.read_bytes() for path in paths} == before
    (tmp_path / "file").touch()
    with pytest.raises(DocumentError):
        plot_paper(rows, tmp_path / "file")


def test_rows_without_drafts_have_one_picture_a_task(tmp_path: Path) -> None:
    paths = plot_paper([make_row(drafter="none", num_drafted=0)], tmp_path)
    assert {path.name for path in paths} == {"speedup-story.png", "speedup-story.svg"}


def test_the_suite_has_the_settings_of_the_paper() -> None:
    languages = (find_language("yor"),)
    suite = make_suite(languages, ("story",), ("none", "bigram"), limit=3, seed=7)
    assert suite.drafters == ("none", "bigram 2", "bigram 3", "bigram 4")
    sampling = suite.sampling
    assert sampling is not None
    assert (sampling.top_k, sampling.top_p, sampling.seed) == (100, 0.9, 7)
    assert suite.repeats == 1
    greedy = make_suite(languages, ("story",), ("none",), limit=3, is_greedy=True)
    assert greedy.sampling is not None
    assert greedy.sampling.is_greedy
    assert greedy.as_settings() != suite.as_settings()


def test_the_papers_languages_come_first() -> None:
    codes = [language.code for language in all_languages()]
    assert tuple(codes[:11]) == PAPER_LANGUAGES
    assert sorted(codes) == sorted(language.code for language in known_languages())


def test_a_folder_without_pairs_of_a_language_leaves_its_stories(
    tmp_path: Path,
) -> None:
    (tmp_path / "yor.tsv").write_text("One.\tMéjì.\n", encoding="utf-8")
    languages = [find_language(code) for code in ("yor", "deu")]
    tasks = ("translate", "story")
    suite = make_suite(languages, tasks, ("none",), limit=1, pairs=tmp_path)
    assert [(group.language.code, group.task) for group in suite.groups] == [
        ("yor", "translate"),
        ("yor", "story"),
        ("deu", "story"),
    ]


def test_the_200_themes_are_not_those_that_tables_are_built_from() -> None:
    assert len(set(PAPER_THEMES)) == len(PAPER_THEMES) == 200
    assert all(len(theme.split()) == 2 for theme in PAPER_THEMES)
    assert not set(PAPER_THEMES) & set(make_themes())


def test_what_comes_behind_a_wrong_token_is_not_judged() -> None:
    tally = Tally()
    for size, num_accepted in ((3, 0), (3, 1), (2, 2), (0, 0)):
        tally.count(Draft((1,) * size, (0.5,) * size, ("x",) * size), num_accepted)
    assert (tally.tried_at, tally.accepted_at) == ([3, 2], [2, 1])


def test_a_switch_asks_only_the_lane_that_was_chosen() -> None:
    policy = DraftPolicy(StepCost.flat())
    switch = Switch(Lane(None, policy), is_exact=False)
    assert switch.longest_draft == 0
    switch.begin(0, [1])
    switch.observe(0, [2])
    switch.end(0)
    switch.announce([1], "text")
    with pytest.raises(ValueError, match="never asked"):
        switch.propose([0], [1])
    heard: list[str] = []
    lane = Lane(None, policy, lambda _ids, text: heard.append(text))
    tally = switch.use(lane)
    switch.announce([1], "text")
    assert heard == ["text"]
    assert tally.draft_s > 0
