"""`polyspec bench quality` with a model that answers by rote."""

import json
from pathlib import Path
from typing import Any

import pytest

from polyspec.cli import main
from tests.fakes_translator import FakeOpening


@pytest.fixture
def opening(monkeypatch: pytest.MonkeyPatch) -> FakeOpening:
    opening = FakeOpening()
    monkeypatch.setattr("polyspec.translator.open_translator", opening)
    return opening


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    folder = tmp_path / "pairs"
    folder.mkdir()
    for code, word in (("deu", "Hallo"), ("fra", "Bonjour")):
        lines = "".join(f"Hello {n}, friend. And you?\t{word} {n}.\n" for n in range(3))
        (folder / f"{code}.tsv").write_text(lines, encoding="utf-8")
    return folder


def run(
    capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[dict[str, Any], str]:
    assert main.main(["bench", "quality", *map(str, arguments)]) == 0
    out, err = capsys.readouterr()
    return json.loads(out.splitlines()[-1]), err


def test_every_model_is_judged_on_every_file(
    opening: FakeOpening, pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, _ = run(capsys, "--pairs", pairs, "-m", "a", "-m", "b", "--limit", 2)
    assert [settings.model for settings in opening.opened] == ["a", "b"]
    rows = [(row["language"], row["num_texts"]) for row in report["rows"]]
    assert rows == [("deu", 2), ("fra", 2)] * 2
    assert all("nw:2" in row["signatures"]["chrf++"] for row in report["rows"])


def test_a_run_goes_on_from_its_record_which_can_be_scored_alone(
    opening: FakeOpening,
    pairs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    record, page = tmp_path / "run.jsonl", tmp_path / "page.md"
    run(capsys, "--pairs", pairs / "deu.tsv", "--limit", 2, "--record", record)
    report, err = run(capsys, "--pairs", pairs / "deu.tsv", "--record", record)
    assert "2 of 3 texts are there already" in err
    assert len(record.read_text(encoding="utf-8").splitlines()) == 3
    again, _ = run(capsys, "--hypotheses", record, "--markdown", page)
    assert again["rows"] == report["rows"]
    assert len(opening.opened) == 2
    assert page.read_text(encoding="utf-8").startswith("| model | language |")


def test_what_to_score_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["bench", "quality"]) == 2
    assert "--hypotheses" in capsys.readouterr().err
