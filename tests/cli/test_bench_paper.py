"""`polyspec bench paper` with a model that writes bytes at random."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias, cast

import pytest

from polyspec.cli import main
from polyspec.engine.model import Model
from polyspec.engine.target import LlamaTarget
from polyspec.errors import UsageError
from polyspec.gguf_header import read_gguf_header
from polyspec.loading import LoadedDraft
from tests.cli.test_bench import LADDER, write_french_table
from tests.fakes import ByteTokenizer, FakeTarget
from tests.fakes_translator import FakeLoading, make_loaded
from tests.unit.test_tables_builder import write_tiny_model

Report: TypeAlias = dict[str, Any]


@pytest.fixture
def loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeLoading:
    """A model of random bytes with a French table, pairs and corpus beside it."""
    path = write_tiny_model(tmp_path / "tiny.gguf")
    own = SimpleNamespace(
        tokenizer=ByteTokenizer(), path=path, header=read_gguf_header(path)
    )
    write_french_table(path)
    (tmp_path / "fra.tsv").write_text("One.\tUn.\nTwo.\tDeux.\n", encoding="utf-8")
    (tmp_path / "fra.train.txt").write_text("the cat sat\n" * 3, encoding="utf-8")
    loading = FakeLoading(replace(make_loaded(LADDER), model=cast(Model, own)))
    monkeypatch.setattr("polyspec.loading.load_model", loading)
    monkeypatch.setattr(
        "polyspec.benchmarks.signature.make_signature",
        lambda loaded, seed=0: {"model": "tiny", "seed": seed},
    )
    return loading


@pytest.fixture
def paper(
    loading: FakeLoading, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], tuple[Report, str]]:
    """Run the command over French; gives the last line and standard error."""

    def run(arguments: str) -> tuple[Report, str]:
        folders = ["--pairs", str(tmp_path), "--corpora", str(tmp_path)]
        command = ["bench", "paper", "--languages", "fr", *folders]
        assert main.main([*command, *arguments.split()]) == 0
        out, err = capsys.readouterr()
        return json.loads(out.splitlines()[-1]), err

    return run


def test_every_drafter_that_can_be_is_measured(
    paper: Callable[[str], tuple[Report, str]],
) -> None:
    report, err = paper("--limit 1 --greedy --seed 3")
    drafters = {"none", "bigram", "table", "memory", "history", "auto"}
    measured = [(row["task"], row["drafter"]) for row in report["rows"]]
    # Whether there is a lexicon for the two languages is another matter.
    assert {drafter for task, drafter in measured} - {"source"} == drafters
    assert {drafter for task, drafter in measured if task == "story"} == drafters
    assert report["signature"] == {"model": "tiny", "seed": 3}
    assert all(row["identical"] == 1 for row in report["rows"])
    (bigram, _) = [row for row in report["rows"] if row["drafter"] == "bigram"]
    assert bigram["fixed_length"] in {2, 3, 4}
    assert [each["task"] for each in report["router"]] == ["translate", "story"]
    assert "model: left out: " in err
    assert "1 of 2: fra translate none, bigram 2" in err


def test_a_run_goes_on_from_its_record_and_is_written_and_drawn(
    paper: Callable[[str], tuple[Report, str]], tmp_path: Path
) -> None:
    files = f"--record {tmp_path}/run.jsonl --markdown {tmp_path}/report.md"
    options = f"--limit 2 --tasks translate --plots {tmp_path}/plots {files}"
    first, _ = paper(f"{options} --drafters none,table")
    again, err = paper(f"{options} --drafters none,table,history")
    assert again["rows"][:2] == first["rows"]
    assert err.count("already measured") == 2
    assert "1 of 1: fra translate history" in err
    assert (tmp_path / "report.md").read_text().startswith("- model: tiny\n")
    assert (tmp_path / "plots" / "speedup-translate.svg").is_file()


def test_without_matplotlib_nothing_is_measured(
    loading: FakeLoading,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main.main(["bench", "paper", "--plots", "folder"]) == UsageError.exit_code
    assert "matplotlib is not installed" in capsys.readouterr().err
    assert loading.settings == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--languages Frensh", "'Frensh'"),
        ("--tasks copied", "there is no task 'copied' to measure"),
        ("--drafters psychic", "there is no drafter 'psychic' to measure"),
        ("--drafters bigram", "the bigram drafter has nothing to count"),
        ("--drafters ,", "--drafters names nothing to measure"),
        ("--limit 0", "--limit"),
    ],
)
def test_wrong_arguments_are_refused_before_a_model_is_loaded(
    arguments: str,
    message: str,
    loading: FakeLoading,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main.main(["bench", "paper", *arguments.split()]) == UsageError.exit_code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert loading.settings == []


def test_a_draft_model_that_was_asked_for_must_be_there(
    loading: FakeLoading, capsys: pytest.CaptureFixture[str]
) -> None:
    options = "--languages fr --drafters model --draft-model absent"
    assert main.main(["bench", "paper", *options.split()]) != 0
    assert "absent" in capsys.readouterr().err


def test_draft_models_by_path_stand_beside_each_other(
    paper: Callable[[str], tuple[Report, str]],
    loading: FakeLoading,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    @contextmanager
    def load_draft(
        settings: object, loaded: object, name: str, report: object
    ) -> Iterator[LoadedDraft]:
        asked.append(name)
        path = tmp_path / name
        model = cast(Model, SimpleNamespace(path=path, header=None))
        target = FakeTarget(vocab_size=ByteTokenizer.vocab_size)
        yield LoadedDraft(
            model, cast(LlamaTarget, target), LADDER, ByteTokenizer.vocab_size
        )

    monkeypatch.setattr("polyspec.loading.load_draft", load_draft)
    names = "model:a/task.gguf,model:a/mono.gguf"
    files = f"--markdown {tmp_path}/report.md --plots {tmp_path}/plots"
    report, _ = paper(f"--limit 1 --greedy --drafters none,{names} {files}")
    assert asked == ["a/task.gguf", "a/mono.gguf"]
    assert [row["drafter"] for row in report["rows"]] == 2 * [
        "none",
        "model:task",
        "model:mono",
    ]
    assert "| model:task |" in (tmp_path / "report.md").read_text()


def test_a_folder_without_any_pairs_is_named(
    loading: FakeLoading, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = f"--languages deu --tasks translate --pairs {tmp_path}"
    assert main.main(["bench", "paper", *options.split()]) == UsageError.exit_code
    assert "there is nothing to translate" in capsys.readouterr().err
