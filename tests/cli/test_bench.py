"""`polyspec bench` with a model that writes bytes at random."""

import json
from pathlib import Path

import pytest

from polyspec.cli import main
from polyspec.decoding.step_cost import StepCost
from tests.fakes_translator import FakeLoading, make_loaded

LADDER = StepCost.from_samples({1: 0.01, 2: 0.012, 64: 0.2}, [2], 256)
ROW_FIELDS = {
    "language",
    "task",
    "drafter",
    "num_tokens",
    "num_chars",
    "plain_s",
    "drafted_s",
    "speedup",
    "acceptance_rate",
    "mean_acceptance_length",
    "identical",
}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeLoading:
    """A loaded model of random bytes, signed by a word."""
    loading = FakeLoading(make_loaded(LADDER))
    monkeypatch.setattr("polyspec.translator.load_model", loading)
    monkeypatch.setattr(
        "polyspec.benchmarks.signature.make_signature",
        lambda loaded, seed=0: {"model": "tiny", "seed": seed},
    )
    return loading


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Two pairs of French and one of German, in a folder."""
    french, german = "One.\tUn.\n\nTwo.\tDeux.\n", "Three.\tDrei.\n"
    (tmp_path / "fra.tsv").write_text(french, encoding="utf-8")
    (tmp_path / "deu.tsv").write_text(german, encoding="utf-8")
    return tmp_path


def bench(*arguments: str) -> int:
    return main.main(["bench", *arguments])


def split_report(out: str) -> tuple[str, dict[str, object], list[dict[str, object]]]:
    """The table, and signature and rows of the last line."""
    table, _, last = out.removesuffix("\n").rpartition("\n")
    report = json.loads(last)
    assert set(report) == {"signature", "rows"}
    return table, report["signature"], report["rows"]


def test_decode_prints_a_table_and_json_at_the_end(
    fake: FakeLoading, pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = f"--languages fr,German --limit 1 --seed 5 --pairs {pairs}"
    assert bench("decode", *options.split()) == 0
    out, err = capsys.readouterr()
    table, signature, rows = split_report(out)
    assert signature == {"model": "tiny", "seed": 5}
    assert [(row["drafter"], row["language"], row["task"]) for row in rows] == [
        (drafter, language, task)
        for drafter in ("none", "history")
        for language in ("fra", "deu")
        for task in ("translate", "story")
    ]
    assert all(row.keys() >= ROW_FIELDS for row in rows)
    assert len(table.splitlines()) == 2 + len(rows)
    assert "fra translate none" in err


def test_drafts_by_history_leave_a_greedy_text_as_it_is(
    fake: FakeLoading, pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = f"--languages fr --tasks translate --pairs {pairs}"
    assert bench("decode", *options.split()) == 0
    _, _, rows = split_report(capsys.readouterr().out)
    assert [row["num_texts"] for row in rows] == [2, 2]
    assert [row["identical"] for row in rows] == [1, 1]


def test_english_is_told_but_not_translated(
    fake: FakeLoading, capsys: pytest.CaptureFixture[str]
) -> None:
    options = "--languages en --drafters none --limit 1"
    assert bench("decode", *options.split()) == 0
    _, _, rows = split_report(capsys.readouterr().out)
    assert [row["task"] for row in rows] == ["story"]


def test_parallel_says_how_much_faster_and_how_equal(
    fake: FakeLoading, pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = f"--language fr --parallel 2 --pairs {pairs}"
    assert bench("parallel", *options.split()) == 0
    text, _, (row,) = split_report(capsys.readouterr().out)
    assert text.startswith("2 sentences: ")
    assert text.endswith("100% of the translations are equal")
    assert (row["num_sentences"], row["num_parallel"], row["identical"]) == (2, 2, 1)
    assert row["one_by_one_tokens"] == row["side_by_side_tokens"]


def test_the_ladder_has_a_row_for_each_width(
    fake: FakeLoading, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("ladder", "--threads", "1") == 0
    table, _, rows = split_report(capsys.readouterr().out)
    assert "cost of a step, relative to one token" in table
    assert [row["width"] for row in rows] == [1, 2, 64]
    assert [row["identical"] for row in rows] == [True, True, False]
    assert fake.settings[0].threads == 1


def test_the_overhead_is_a_ratio(
    fake: FakeLoading,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(
        "polyspec.benchmarks.throughput.measure_overhead", lambda loaded: 0.97531
    )
    assert bench("overhead") == 0
    text, _, rows = split_report(capsys.readouterr().out)
    assert text == "0.975 of the speed of a bare loop"
    assert rows == [{"ratio": 0.97531}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("decode --languages Frensh", "'Frensh'"),
        ("decode --tasks translate,sing", "there is no task 'sing' to measure"),
        ("decode --drafters psychic", "there is no drafter 'psychic' to measure"),
        ("decode --languages ,", "--languages names nothing to measure"),
        ("decode --tasks ,", "--tasks names nothing to measure"),
        ("decode --drafters ,", "--drafters names nothing to measure"),
        ("decode --limit 0", "--limit"),
        ("parallel --language Frensh", "'Frensh'"),
        ("parallel --parallel 0", "--parallel"),
        ("ladder --threads 0", "--threads"),
    ],
)
def test_wrong_arguments_are_refused_before_a_model_is_loaded(
    arguments: str,
    message: str,
    fake: FakeLoading,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bench(*arguments.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert fake.settings == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"caf\xe9\n", "name a TSV file in UTF-8"),
        (b"\n\t\n", "there is nothing to translate in"),
    ],
)
def test_pairs_that_cannot_be_used_are_named(
    content: bytes | None,
    message: str,
    fake: FakeLoading,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "pairs.tsv"
    if content is not None:
        file.write_bytes(content)
    for command in ("decode", "parallel"):
        assert bench(command, "--pairs", str(file)) == 4
        out, err = capsys.readouterr()
        assert out == ""
        assert message in err.casefold() or message in err
        assert str(file) in err


@pytest.mark.parametrize("command", ["decode", "ladder", "overhead", "parallel"])
def test_a_missing_model_is_an_error_of_its_own(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(command) == 3
    assert capsys.readouterr().err.startswith("polyspec: no model is installed")
