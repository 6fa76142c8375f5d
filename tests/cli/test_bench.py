"""`polyspec bench` with a model that writes bytes at random."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from polyspec.benchmarks.retranslation import RetranslationRow, Revision
from polyspec.cli import main
from polyspec.decoding.step_cost import StepCost
from polyspec.engine.model import Model
from polyspec.engine.target import LlamaTarget
from polyspec.gguf_header import read_gguf_header, tokenizer_fingerprint
from polyspec.loading import Loaded, LoadedDraft
from polyspec.settings import Settings
from polyspec.tables.automaton import assemble
from polyspec.tables.format import TableInfo
from polyspec.tables.store import own_table_path
from polyspec.tables.writer import write_table
from tests.fakes import ByteTokenizer
from tests.fakes_translator import FakeLlamaTarget, FakeLoading, make_loaded
from tests.unit.test_tables_builder import write_tiny_model

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
    monkeypatch.setattr("polyspec.loading.load_model", loading)
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


def split_report(out: str) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    """The table, and signature and rows of the last line."""
    table, _, last = out.removesuffix("\n").rpartition("\n")
    report = json.loads(last)
    assert report.keys() - {"means"} == {"signature", "rows"}
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
    means = json.loads(out.splitlines()[-1])["means"]
    assert [(mean["task"], mean["drafter"]) for mean in means] == [
        (task, drafter)
        for drafter in ("none", "history")
        for task in ("translate", "story")
    ]
    assert {mean["num_languages"] for mean in means} == {2}
    assert len(table.splitlines()) == 2 + len(rows) + len(means)
    assert "1 of 8: fra translate none" in err


def test_drafts_by_history_leave_a_greedy_text_as_it_is(
    fake: FakeLoading, pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = f"--languages fr --tasks translate --pairs {pairs}"
    assert bench("decode", *options.split()) == 0
    _, _, rows = split_report(capsys.readouterr().out)
    assert [row["num_texts"] for row in rows] == [2, 2]
    assert [row["identical"] for row in rows] == [1, 1]


def test_a_draft_model_is_measured_like_any_drafter(
    fake: FakeLoading,
    pairs: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = FakeLlamaTarget()

    @contextmanager
    def load_draft(*arguments: object) -> Iterator[LoadedDraft]:
        assert arguments[2] == "small"
        model = cast(Model, SimpleNamespace(path=Path("small.gguf")))
        cost = StepCost.from_samples({1: 0.0001, 64: 0.001})
        target = cast(LlamaTarget, small)
        yield LoadedDraft(model, target, cost, ByteTokenizer.vocab_size)

    monkeypatch.setattr("polyspec.loading.load_draft", load_draft)
    options = f"--languages fr --tasks translate --drafters model --pairs {pairs}"
    assert bench("decode", "--draft-model", "small", *options.split()) == 0
    _, _, (row,) = split_report(capsys.readouterr().out)
    assert (row["drafter"], row["identical"]) == ("model", 1)
    assert small.num_evaluations > 0
    assert not small.cache


@pytest.fixture
def model(fake: FakeLoading, tmp_path: Path) -> Path:
    """A model file for what was loaded, whose tokens are bytes and a few words."""
    path = write_tiny_model(tmp_path / "tiny.gguf")
    own = SimpleNamespace(
        tokenizer=ByteTokenizer(), path=path, header=read_gguf_header(path)
    )
    fake.loaded = replace(fake.loaded, model=cast(Model, own))
    return path


def write_french_table(model: Path) -> Path:
    """A French table for a model that knows one byte after another."""
    fingerprint = tokenizer_fingerprint(read_gguf_header(model))
    info = TableInfo("fra", fingerprint, 400, (), 0, "", "{}")
    path = own_table_path("fra", fingerprint)
    write_table(path, info, assemble({(): [(97, 0.9)]}))
    return path


def test_a_language_without_a_table_is_left_out(
    fake: FakeLoading, model: Path, pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_french_table(model)
    options = f"--drafters table,auto --tasks translate --limit 1 --pairs {pairs}"
    assert bench("decode", "--languages", "deu,fra", *options.split()) == 0
    out, err = capsys.readouterr()
    _, _, rows = split_report(out)
    assert [(row["language"], row["drafter"]) for row in rows] == [
        ("fra", "table"),
        ("deu", "auto"),
        ("fra", "auto"),
    ]
    assert "deu translate table: left out: " in err
    assert bench("decode", "--languages", "deu", *options.split()) == 5


def test_all_the_languages_can_be_asked_for(
    fake: FakeLoading, capsys: pytest.CaptureFixture[str]
) -> None:
    options = "--languages all --drafters none --tasks translate --limit 1"
    assert bench("decode", *options.split()) == 0
    assert len(split_report(capsys.readouterr().out)[2]) == 26


def test_a_record_is_gone_on_with_and_replayed(
    fake: FakeLoading,
    model: Path,
    pairs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    record = tmp_path / "run.jsonl"
    options = f"--languages fra,deu --limit 2 --pairs {pairs} --record {record}"
    assert bench("decode", *options.split(), "--tasks", "translate") == 0
    first = split_report(capsys.readouterr().out)[2]
    lines = record.read_text().splitlines()
    # A kill cuts the last group short, and its last line.
    record.write_text("\n".join([*lines[:-1], lines[-1][:30]]))
    assert bench("decode", *options.split(), "--tasks", "translate,story") == 0
    out, err = capsys.readouterr()
    again = [row for row in split_report(out)[2] if row["task"] == "translate"]
    assert again[:3] == first[:3]
    assert err.count("already measured") == 3
    assert bench("replay", str(record), "--model", str(model)) == 0
    table, signature, rows = split_report(capsys.readouterr().out)
    assert signature["ladder"] == "measured"
    assert len(rows) == 8
    assert all(row["ratio"] == row["predicted"] / row["measured"] for row in rows)
    assert "ratio" in table.splitlines()[0]
    measured = {(row["language"], row["drafter"]): row for row in again}
    for row in rows:
        if row["task"] == "translate":
            real = measured[row["language"], row["drafter"]]
            assert row["num_tokens"] == 2 * real["num_tokens"]
            assert round(row["measured"], 4) == real["speedup"]


def test_a_record_of_another_run_is_refused(
    fake: FakeLoading,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    record = tmp_path / "run.jsonl"
    options = f"--languages fra --drafters none --tasks story --record {record}"
    assert bench("decode", *options.split(), "--limit", "1") == 0
    before = record.read_bytes()
    assert bench("decode", *options.split(), "--limit", "2") == 2
    assert "cannot go on with the recording" in capsys.readouterr().err
    assert record.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"{}",
        b"[]",
        b"null",
        b'{"format": 9}',
        b'{"format": 1, "model": "m", "fingerprint": "f", "settings": {}, '
        b'"seconds": {"1": 1}}\n{}\n{}',
    ],
)
def test_what_is_no_recording_is_refused(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    assert bench("replay", str(path)) == 4
    assert "is no recording of a bench" in capsys.readouterr().err


def test_texts_are_replayed_beside_the_baselines(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_french_table(model)
    text = tmp_path / "fra.tsv"
    text.write_text("The cat.\tthe cat sat at the hat\n" * 3)
    (tmp_path / "fra.train.txt").write_text("the cat sat\n" * 3)
    arguments = f"replay {text} --model {model} --ladder cuda --parallel 2"
    assert bench(*arguments.split(), "--drafters", "none,table,auto") == 0
    _, signature, rows = split_report(capsys.readouterr().out)
    assert [row["drafter"] for row in rows] == ["none", "table", "auto"]
    assert rows[0]["speed_up"] == 1
    assert (signature["parallel"], signature["baselines"]) == (2, [])
    more = ("--baselines", str(tmp_path), "--table", str(table), "--language", "deu")
    assert bench(*arguments.split(), *more) == 4
    assert "there is no deu corpus" in capsys.readouterr().err
    assert bench(*arguments.split(), "--baselines", str(tmp_path)) == 0
    _, _, rows = split_report(capsys.readouterr().out)
    assert [row["drafter"] for row in rows] == ["table", "bigram", "ngram-cache"]
    assert rows[1]["speed_up"] > 1.2
    assert rows[1]["fixed_length"] in {2, 3, 4}


def test_texts_without_a_table_are_left_out_of_several(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_french_table(model)
    for name in ("fra.txt", "deu.txt"):
        (tmp_path / name).write_text("the cat\n")
    files = [str(tmp_path / name) for name in ("fra.txt", "deu.txt")]
    options = ("--model", str(model), "--ladder", "cpu")
    assert bench("replay", *files, *options) == 0
    out, err = capsys.readouterr()
    assert [row["language"] for row in split_report(out)[2]] == ["fra"]
    assert "deu.txt: left out: " in err
    assert bench("replay", files[1], *options) == 5


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("replay {}/nothing.txt", 2, "the language of"),
        ("replay {}/fra.txt --drafters psychic", 2, "no drafter 'psychic'"),
        ("replay {}/fra.txt --drafters ,", 2, "--drafters names nothing"),
        ("replay {}/fra.txt --ladder steep", 2, "no ladder of step costs"),
        ("replay {}/fra.txt --ladder measured", 2, "was never measured"),
        ("replay {}/fra.txt --table absent --ladder cpu", 5, "no table absent"),
        ("replay {}/fra.jsonl", 4, "is no recording of a bench"),
    ],
)
def test_what_cannot_be_replayed_is_named(
    arguments: str,
    code: int,
    message: str,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    named = arguments.format(tmp_path).split()
    assert bench(*named, "--model", str(model)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


def test_english_is_told_but_not_translated(
    fake: FakeLoading, capsys: pytest.CaptureFixture[str]
) -> None:
    options = "--languages en --drafters none --limit 1"
    assert bench("decode", *options.split()) == 0
    _, _, rows = split_report(capsys.readouterr().out)
    assert [row["task"] for row in rows] == ["story"]


@pytest.mark.usefixtures("fake")
def test_a_document_is_translated_again_with_its_memory(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Revision] = []

    def measure(
        loaded: Loaded, settings: Settings, revision: Revision, *_: object
    ) -> list[RetranslationRow]:
        assert (settings.from_, settings.to) == ("en", "fra")
        seen.append(revision)
        return [
            RetranslationRow(use, 6, 2, 10.0, 2.0, 1.0, 0, 1.0, 40, 30)
            for use in ("drafts", "reuse")
        ]

    monkeypatch.setattr(
        "polyspec.benchmarks.retranslation.measure_retranslation", measure
    )
    path = tmp_path / "fra.tsv"
    path.write_text("".join(f"Line {n} here.\tx\n" for n in range(9)))
    arguments = ("--language", "fra", "--pairs", str(path), "--limit", "6")
    assert bench("memory", *arguments, "--changed", "0.34") == 0
    table, _, rows = split_report(capsys.readouterr().out)
    assert len(seen[0].before) == 6
    assert seen[0].num_changed == 2
    assert [(row["use"], row["speedup"]) for row in rows] == [
        ("drafts", 5.0),
        ("reuse", 5.0),
    ]
    assert "reuse: 5.00 times as fast" in table


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
