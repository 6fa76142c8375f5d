"""`polyspec history`, and what translations leave in it and in the memory."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from polyspec.assets.database import Database, assets_path
from polyspec.assets.history import History
from polyspec.assets.translation_memory import TranslationMemory
from polyspec.cli import main
from polyspec.paths import data_dir
from tests.fakes_completer import FakeCompleter
from tests.fakes_translator import FakeOpening


@pytest.fixture
def opening(monkeypatch: pytest.MonkeyPatch) -> FakeOpening:
    opening = FakeOpening(FakeCompleter(), has_assets=True)
    monkeypatch.setattr("polyspec.translator.open_translator", opening)
    return opening


@pytest.fixture
def history() -> Iterator[History]:
    with Database(assets_path(), pytest.fail, is_read_only=True) as database:
        yield History(database)


def kept() -> dict[str, str]:
    with Database(assets_path(), pytest.fail, is_read_only=True) as database:
        memory = TranslationMemory(database)
        return {one.source: one.translation for one in memory.segments()}


def run(*arguments: str | Path) -> int:
    return main.main([str(argument) for argument in arguments])


@pytest.mark.usefixtures("opening")
def test_texts_are_listed_with_their_translations(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("translate", "One house. A tree.", "--to", "de") == 0
    (entry,) = history.search()
    assert (entry.source, entry.translation) == (
        "One house. A tree.",
        "ONE HOUSE. A TREE.",
    )
    assert (entry.model, entry.title, entry.pair.target) == ("tiny", "", "de")
    capsys.readouterr()
    assert run("history", "search", "house") == 0
    first, *texts = capsys.readouterr().out.splitlines()
    assert first.endswith("Z  en > de")
    assert texts == ["    One house. A tree.", "    ONE HOUSE. A TREE."]
    assert run("history", "search", "--json") == 0
    assert json.loads(capsys.readouterr().out)["model"] == "tiny"


@pytest.mark.usefixtures("opening")
def test_documents_are_listed_by_their_names(history: History, tmp_path: Path) -> None:
    path = tmp_path / "letter.md"
    path.write_text("One *house*.\n")
    assert run("translate", "--in", path, "-o", tmp_path / "out.md", "--to", "de") == 0
    assert run("translate", "--in", path, "--to", "de") == 0
    assert {entry.title for entry in history.search()} == {"letter.md"}
    assert kept() == {"One <1>house</1>.": "ONE <1>HOUSE</1>."}


@pytest.mark.usefixtures("opening")
def test_it_can_be_switched_off(history: History) -> None:
    assert run("translate", "One house.", "--to", "de", "--no-history") == 0
    assert history.search() == []
    assert list(kept()) == ["One house."]


@pytest.mark.usefixtures("opening")
def test_nothing_is_written_in_private(tmp_path: Path) -> None:
    path = tmp_path / "letter.md"
    path.write_text("One house.\n")
    for place in (tmp_path / "out.md", "-"):
        assert (
            run("translate", "--in", path, "-o", place, "--to", "de", "--private") == 0
        )
    assert run("translate", "A tree.", "--to", "de", "--private") == 0
    assert not data_dir().exists()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["letter.md", "out.md"]


@pytest.mark.usefixtures("opening")
def test_private_work_changes_nothing_that_is_kept() -> None:
    assert run("translate", "One house.", "--to", "de") == 0
    before = {file: file.read_bytes() for file in data_dir().iterdir()}
    arguments = ("One house. A tree.", "--to", "de", "--private", "--reuse")
    assert run("translate", *arguments) == 0
    assert {file: file.read_bytes() for file in before} == before


def test_identical_sentences_are_reused_when_that_is_asked_for(
    opening: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("translate", "One house. A tree.", "--to", "de") == 0
    opening.completer.requests.clear()
    arguments = ("translate", "A bird. One house.", "--to", "de", "--json")
    assert run(*arguments, "--reuse") == 0
    captured = capsys.readouterr()
    lines = [json.loads(line) for line in captured.out.splitlines()[1:]]
    assert [line["recalled"] for line in lines] == [False, True]
    assert "1 segments were taken from the memory" in captured.err
    assert [request.source for request in opening.completer.requests] == ["A bird."]
    path = tmp_path / "letter.txt"
    path.write_text("A bird. One house.\nA fish.\n")
    target = tmp_path / "brief.txt"
    assert run("translate", "--in", path, "-o", target, "--to", "de", "--reuse") == 0
    assert target.read_text() == "A BIRD. ONE HOUSE.\nA FISH.\n"
    assert ", 1 from memory" in capsys.readouterr().err


@pytest.mark.usefixtures("opening")
def test_terms_that_were_not_used_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    terms = tmp_path / "terms.csv"
    terms.write_text("house,Haus\ntree,Baum\n")
    assert run("translate", "One house.", "--to", "de", "--glossary", terms) == 0
    assert "terms not used: house -> Haus" in capsys.readouterr().err
    missing = tmp_path / "missing.csv"
    assert run("translate", "One.", "--to", "de", "--glossary", missing) == 4


@pytest.mark.usefixtures("opening")
def test_it_can_be_exported_and_cleared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("translate", "One house.", "--to", "de") == 0
    for name in ("all.csv", "all.tsv", "all.jsonl"):
        assert run("history", "export", tmp_path / name) == 0
        assert "ONE HOUSE." in (tmp_path / name).read_text()
    assert run("history", "export", tmp_path / "all.doc") == 2
    assert run("history", "clear") == 2
    assert run("history", "clear", "--yes") == 0
    assert capsys.readouterr().out.endswith("1 entries deleted\n")
    assert run("history", "search") == 0
    assert capsys.readouterr().out == ""
    assert list(kept()) == ["One house."]


@pytest.mark.usefixtures("opening")
def test_a_memory_that_cannot_be_written_does_not_stop_the_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    data_dir().parent.mkdir(parents=True)
    data_dir().write_text("no folder")
    assert run("translate", "One house. A tree.", "--to", "de") == 0
    captured = capsys.readouterr()
    assert captured.out == "ONE HOUSE. A TREE.\n"
    assert captured.err.count("the work goes on without the translation memory") == 1
    assert captured.err.count("the history is not kept") == 1


@pytest.mark.usefixtures("opening")
def test_files_are_for_their_owner_only() -> None:
    assert run("translate", "One house.", "--to", "de") == 0
    modes = {stat.S_IMODE(file.stat().st_mode) for file in data_dir().iterdir()}
    assert modes == {0o600}


def test_a_glossary_can_be_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "terms.csv"
    path.write_text("en,de\nhouse,Haus\nhouse,Gebäude\n!,?\n")
    assert run("glossary", "check", path, "--to", "de") == 0
    first, *doubts = capsys.readouterr().out.splitlines()
    assert first == "2 terms, en > de"
    assert len(doubts) == 2
    assert run("glossary", "check", path, "--to", "fr") == 4
    assert run("glossary", "check", path) == 2
    assert run("glossary", "check", tmp_path / "terms.doc", "--to", "de") == 2
