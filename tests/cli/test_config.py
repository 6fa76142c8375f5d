"""`polyspec config` shows what is in effect, and checks files."""

import json
import tomllib
from pathlib import Path

import pytest

from polyspec import paths
from polyspec.cli import main
from polyspec.settings import Settings, setting_keys


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_show_prints_a_settings_file_with_origins(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("POLYSPEC_MODEL", 'a "quoted"\\name')
    (tmp_path / "polyspec.toml").write_text("top_p = 0.9\n", encoding="utf-8")
    assert main.main(["config", "show"]) == 0
    shown = capsys.readouterr().out
    assert "# environment POLYSPEC_MODEL\n" in shown
    assert f"top_p = 0.9  # project file {tmp_path / 'polyspec.toml'}\n" in shown
    assert "# seed is not set  # default\n" in shown
    for meaning in setting_keys().values():
        assert f"# {meaning}\n" in shown
    read_back = Settings.model_validate(tomllib.loads(shown))
    assert read_back == Settings(model='a "quoted"\\name', top_p=0.9)


def test_show_as_json_names_value_and_origin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLYSPEC_SEED", "7")
    assert main.main(["config", "show", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["seed"] == {
        "value": 7,
        "origin": "environment",
        "name": "POLYSPEC_SEED",
    }
    assert shown["draft"] == {"value": "auto", "origin": "default", "name": ""}
    assert list(shown) == list(setting_keys())


def test_path_is_one_line_and_creates_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main.main(["config", "path"]) == 0
    assert capsys.readouterr() == (f"{paths.config_file()}\n", "")
    assert not paths.config_file().parent.exists()


def test_validate_names_what_it_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "polyspec.toml"
    file.write_text("seed = 1\n", encoding="utf-8")
    assert main.main(["config", "validate"]) == 0
    assert capsys.readouterr().out == (
        f"{file}: no problem found (project file)\nenvironment: no problem found\n"
    )
    assert main.main(["config", "validate", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: no problem found\n"


def test_validate_refuses_a_wrong_file_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text("sed = 1\n", encoding="utf-8")
    assert main.main(["config", "validate", str(file)]) == 2
    assert capsys.readouterr() == (
        "",
        f"polyspec: unknown setting 'sed' in {file}; did you mean 'seed'?\n",
    )
