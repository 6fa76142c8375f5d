"""`polyspec memory`."""

import json
from pathlib import Path

import pytest

from polyspec.assets.database import Database, assets_path
from polyspec.assets.language_pair import LanguagePair
from polyspec.assets.segments import NewSegment, Origin
from polyspec.assets.translation_memory import TranslationMemory
from polyspec.cli import main
from polyspec.drafting.memory import MemoryDrafter
from polyspec.drafting.memory_file import MemoryFile
from polyspec.paths import data_dir


@pytest.fixture
def learned() -> None:
    """Something was learned in two languages."""
    for name in ("deu.story", "fra.translate"):
        drafter = MemoryDrafter()
        path = data_dir() / "memory" / f"{name}.3c1c93b8a0f2.npz"
        drafter.open(MemoryFile(path, pytest.fail))
        drafter.begin(0, [1])
        drafter.observe(0, [2, 3, 4])
        drafter.save()


@pytest.fixture
def kept() -> None:
    """Sentences are kept in two languages."""
    with Database(assets_path(), pytest.fail) as database:
        memory = TranslationMemory(database)
        for target, text in (("de", "Die Bücherei."), ("fr", "La bibliothèque.")):
            segment = NewSegment(LanguagePair("en", target), "The library.", text)
            memory.store([segment], Origin.USER)


def run(*arguments: str | Path) -> int:
    return main.main(["memory", *map(str, arguments)])


def out(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


@pytest.mark.usefixtures("kept", "learned")
def test_what_there_is_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("stats") == 0
    lines = out(capsys)
    assert lines[0] == "en > de  1 sentences (0 imported, 1 yours), used 0 times"
    assert lines[1].startswith("en > fr  1 sentences")
    assert lines[2].startswith("deu  story      3c1c93b8a0f2 ")
    assert lines[2].endswith("3 tokens seen")
    assert run("stats", "--json") == 0
    kinds = [json.loads(line)["kind"] for line in out(capsys)]
    assert kinds == ["sentences", "sentences", "learned", "learned"]


@pytest.mark.usefixtures("kept")
def test_sentences_are_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("search", "büch") == 0
    assert out(capsys) == [
        "1  en > de  user",
        "    The library.",
        "    Die Bücherei.",
    ]
    assert run("search", "--from", "en", "--to", "French", "--json") == 0
    (line,) = out(capsys)
    assert json.loads(line)["translation"] == "La bibliothèque."
    assert run("search", "--limit", "1") == 0
    assert len(out(capsys)) == 3


def test_where_nothing_is_kept_nothing_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("stats") == run("search") == 0
    assert out(capsys) == []
    assert not assets_path().exists()
    assert run("search", "--to", "nonsense") == 2
    assert run("search", "--to", "de") == 2


@pytest.mark.usefixtures("kept", "learned")
def test_all_of_it_can_be_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("clear", "--yes") == 0
    assert out(capsys) == [
        "2 sentences deleted",
        "deleted what was learned: deu story 3c1c93b8a0f2",
        "deleted what was learned: fra translate 3c1c93b8a0f2",
    ]
    assert run("stats") == 0
    assert out(capsys) == []


@pytest.mark.usefixtures("kept", "learned")
def test_a_part_of_it_can_be_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("clear", "--from", "en", "--to", "fr", "--yes") == 0
    assert out(capsys) == ["1 sentences deleted"]
    assert run("clear", "--language", "de", "--yes") == 0
    assert out(capsys) == ["deleted what was learned: deu story 3c1c93b8a0f2"]
    assert run("delete", "1", "99") == 0
    assert out(capsys) == ["1 sentences deleted"]


@pytest.mark.usefixtures("kept", "learned")
def test_nothing_is_deleted_unless_somebody_is_sure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("clear") == 2
    assert "--yes" in capsys.readouterr().err
    assert run("stats") == 0
    assert len(out(capsys)) == 4


@pytest.mark.usefixtures("learned")
def test_a_damaged_file_is_shown_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = (data_dir() / "memory").glob("deu*.npz")
    path.write_bytes(b"no archive")
    assert run("stats") == 0
    assert out(capsys)[0].endswith("damaged")


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("name", ["all.tmx", "all.csv", "all.tsv"])
def test_what_goes_out_comes_in_again(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    assert run("export", path) == 0
    assert run("clear", "--yes") == 0
    assert run("import", path) == 0
    assert out(capsys)[-1] == f"{path}: 2 sentences kept, 0 not"
    assert run("search") == 0
    assert "    Die Bücherei." in out(capsys)


def test_a_malformed_file_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.tmx"
    path.write_text("<tmx><body><tu><tuv xml:lang='en'>")
    assert run("import", path) == 4
    assert "no well-formed TMX" in capsys.readouterr().err
    assert not assets_path().exists()


def test_files_of_other_kinds_are_refused(tmp_path: Path) -> None:
    assert run("export", tmp_path / "all.doc") == 2
    assert run("import", tmp_path / "all.doc") == 2
    assert run("import", tmp_path / "missing.tmx") == 4


def test_a_memory_that_cannot_be_used_has_its_own_status(
    capsys: pytest.CaptureFixture[str],
) -> None:
    data_dir().mkdir(parents=True)
    assets_path().write_bytes(b"no database" * 100)
    assert run("stats") == 8
    assert "damaged" in capsys.readouterr().err
