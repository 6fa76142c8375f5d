import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from polyspec import paths
from polyspec.cli.tables import app
from polyspec.errors import (
    ModelError,
    PolySpecError,
    TableError,
    TableFormatError,
    TableMismatchError,
    UsageError,
)
from polyspec.gguf_header import read_gguf_header, tokenizer_fingerprint
from polyspec.tables.store import open_table_for
from tests.unit.test_tables_builder import LINES, TEXT, write_tiny_model


def invoke(*arguments: str | Path) -> tuple[str, str]:
    """Standard output and standard error of a command that succeeds."""
    result = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return result.stdout, result.stderr


def refused(*arguments: str | Path) -> PolySpecError:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert isinstance(result.exception, PolySpecError), result.output
    assert result.stdout == ""
    return result.exception


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny.gguf")


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture
def built(model: Path, text: Path) -> Path:
    stdout, _ = invoke("build", text, "--language", "English", "--model", model)
    return Path(stdout.rstrip("\n"))


def test_a_build_prints_where_the_table_is(built: Path, model: Path) -> None:
    fingerprint = tokenizer_fingerprint(read_gguf_header(model))
    assert built == paths.data_dir() / "tables" / f"eng.{fingerprint[:12]}.gguf"
    assert built.is_file()


def test_a_build_tells_what_it_does(model: Path, text: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.gguf"
    stdout, stderr = invoke(
        *("build", text, "--language", "eng", "--model", model),
        *("-o", out, "--licence", "CC0-1.0", "--valid", text),
    )
    assert stdout == f"{out}\n"
    assert "counting text.txt" in stderr
    assert "text.txt (CC0-1.0)" in invoke("inspect", out)[0]


def test_the_list_shows_own_and_damaged_tables(built: Path) -> None:
    (built.parent / "bad.gguf").write_bytes(b"GGUF")
    lines = invoke("list")[0].splitlines()
    assert lines[0].split()[0] == "bad"
    assert lines[0].endswith("damaged")
    assert "your own" in lines[1]
    tables = [json.loads(line) for line in invoke("list", "--json")[0].splitlines()]
    assert tables[0]["is_damaged"]
    assert tables[1]["language"] == "eng"
    assert tables[1]["size_bytes"] == built.stat().st_size


def test_inspect_shows_every_field(built: Path) -> None:
    stdout, _ = invoke("inspect", built.stem)
    assert "language: eng\n" in stdout
    fields = json.loads(invoke("inspect", built, "--json")[0])
    assert fields["corpora"] == ["text.txt (unknown)"]
    assert sum(fields["states_per_order"]) > 20


def test_verify_finds_a_changed_byte(built: Path) -> None:
    assert "intact, SHA-256" in invoke("verify")[0]
    content = bytearray(built.read_bytes())
    content[-1] ^= 1
    built.write_bytes(content)
    error = refused("verify", built.stem)
    assert isinstance(error, TableFormatError)
    assert "was written" in error.cause


def test_eval_replays_a_text(built: Path, model: Path, tmp_path: Path) -> None:
    news = tmp_path / "news.txt"
    news.write_text("\n".join(LINES))
    arguments = ("eval", built.stem, news, "--model", model)
    assert "drafted tokens accepted" in invoke(*arguments)[0]
    fields = json.loads(invoke(*arguments, "--json", "--ladder", "2=1.01,9=1.1")[0])
    assert fields["speed_up"] > 1
    assert fields["num_accepted"] <= fields["num_drafted"]


@pytest.mark.parametrize("ladder", ["", "fast", "2=", "1=1", "2=-1", "2=nan", "0=1"])
def test_a_ladder_that_is_none_is_refused(
    built: Path, model: Path, text: Path, ladder: str
) -> None:
    error = refused("eval", built, text, "--model", model, "--ladder", ladder)
    assert isinstance(error, UsageError)
    assert "--ladder 2=1.07" in error.remedy


def test_eval_with_another_tokenizer_is_refused(
    built: Path, text: Path, tmp_path: Path
) -> None:
    other = write_tiny_model(tmp_path / "other.gguf", num_more=1)
    error = refused("eval", built, text, "--model", other)
    assert isinstance(error, TableMismatchError)


def test_remove_deletes_own_tables_only(
    built: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "ours.gguf").write_bytes(built.read_bytes())
    monkeypatch.setattr("polyspec.tables.store.shipped_tables_dir", lambda: shipped)
    assert "shipped" in invoke("list")[0]
    assert "removed" in invoke("remove", built.stem)[0]
    assert not built.exists()
    assert "ships with the program" in refused("remove", "ours").cause
    assert "there is none" in refused("remove", "../x").cause


def test_two_licences_for_one_text_are_refused(model: Path, text: Path) -> None:
    licences = ("--licence", "one", "--licence", "two")
    error = refused("build", text, "--language", "eng", "--model", model, *licences)
    assert isinstance(error, UsageError)


def test_a_model_that_is_not_there_is_refused(text: Path) -> None:
    error = refused("build", text, "--language", "eng", "--model", "absent")
    assert isinstance(error, ModelError)


@pytest.mark.parametrize("name", ["absent", "../absent", "a/b", "\0"])
def test_a_table_that_is_not_there_is_named(name: str) -> None:
    assert "no table" in str(refused("inspect", name))


def test_the_table_of_a_language_and_a_tokenizer_is_found(
    built: Path, model: Path
) -> None:
    fingerprint = tokenizer_fingerprint(read_gguf_header(model))
    with open_table_for("eng", fingerprint, "tiny") as table:
        assert table.path == built
    with pytest.raises(TableMismatchError, match="no eng table can draft") as raised:
        open_table_for("eng", "0" * 64, "other")
    assert fingerprint in raised.value.cause
    assert "0" * 64 in raised.value.cause
    with pytest.raises(TableError, match="no deu table") as missing:
        open_table_for("deu", fingerprint, "tiny")
    assert "polyspec tables build FILE --language deu" in missing.value.remedy


def test_a_table_under_a_wrong_name_is_not_believed(built: Path) -> None:
    built.rename(built.with_name("eng.000000000000.gguf"))
    with pytest.raises(TableMismatchError, match="cannot draft"):
        open_table_for("eng", "0" * 64, "other")
