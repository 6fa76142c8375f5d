"""Settings come from five places, in one order, and say where they come from."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from polyspec import paths
from polyspec.errors import SettingsError
from polyspec.settings import (
    Origin,
    Settings,
    get_value,
    load_settings,
    resolve_settings,
    setting_keys,
    validate_file,
)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository to stand in."""
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def write_user_file(text: str) -> Path:
    file = paths.config_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_everything_has_a_default() -> None:
    settings = load_settings()
    assert settings == Settings()
    assert (settings.draft, settings.exact, settings.gpu_layers) == ("auto", False, -1)
    assert set(resolve_settings().origins.values()) == {Origin("default")}


def test_each_place_beats_the_one_below(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_file = write_user_file("top_k = 1\ntop_p = 0.1\nseed = 1\nthreads = 1\n")
    project_file = project / "polyspec.toml"
    project_file.write_text("top_k = 2\ntop_p = 0.2\nseed = 2\n", encoding="utf-8")
    monkeypatch.setenv("POLYSPEC_TOP_K", "3")
    monkeypatch.setenv("POLYSPEC_TOP_P", "0.3")
    resolved = resolve_settings({"top_k": 4, "seed": None})
    found = resolved.settings
    assert (found.top_k, found.top_p, found.seed, found.threads) == (4, 0.3, 2, 1)
    assert found.ctx is None
    origins = resolved.origins
    assert origins["top_k"] == Origin("flag", "--top-k")
    assert origins["top_p"] == Origin("environment", "POLYSPEC_TOP_P")
    assert origins["seed"] == Origin("project file", str(project_file))
    assert origins["threads"] == Origin("user file", str(user_file))
    assert origins["ctx"] == Origin("default")


def test_from_is_spelt_as_people_spell_it(monkeypatch: pytest.MonkeyPatch) -> None:
    write_user_file('from = "eng"\n')
    assert load_settings().from_ == "eng"
    monkeypatch.setenv("POLYSPEC_FROM", "fra")
    assert load_settings().from_ == "fra"
    resolved = resolve_settings({"from_": "deu"})
    assert get_value(resolved.settings, "from") == "deu"
    assert resolved.origins["from"] == Origin("flag", "--from")


def test_an_empty_variable_is_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYSPEC_SEED", "")
    assert load_settings().seed is None


@pytest.mark.parametrize(("text", "value"), [("1", True), ("no", False)])
def test_variables_spell_truth_in_many_ways(
    text: str, value: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYSPEC_EXACT", text)
    assert load_settings().exact is value


def test_a_named_file_stands_for_all_files(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_user_file("top_k = 1\n")
    (project / "polyspec.toml").write_text("seed = 2\n", encoding="utf-8")
    named = tmp_path / "named.toml"
    named.write_text('to = "de"\n', encoding="utf-8")
    monkeypatch.setenv("POLYSPEC_CONFIG", str(named))
    resolved = resolve_settings()
    assert resolved.settings == Settings(to="de")
    assert resolved.origins["to"] == Origin("named file", str(named))


def test_a_project_file_is_found_from_below(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "polyspec.toml").write_text("seed = 2\n", encoding="utf-8")
    below = project / "docs" / "texts"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert load_settings().seed == 2


def test_a_project_file_above_the_repository_is_left_alone(
    project: Path, tmp_path: Path
) -> None:
    (tmp_path / "polyspec.toml").write_text("seed = 2\n", encoding="utf-8")
    assert load_settings().seed is None


def test_outside_a_repository_only_the_folder_itself_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "shared" / "mine"
    below.mkdir(parents=True)
    (tmp_path / "polyspec.toml").write_text("seed = 2\n", encoding="utf-8")
    monkeypatch.chdir(below)
    assert load_settings().seed is None
    (below / "polyspec.toml").write_text("seed = 3\n", encoding="utf-8")
    assert load_settings().seed == 3


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().top_k = 3


@pytest.mark.parametrize(
    ("text", "key", "cause"),
    [
        ("temperature = -1", "temperature", "greater than or equal to 0"),
        ("temperature = nan", "temperature", "finite number"),
        ('top_k = "many"', "top_k", "valid integer"),
        ("top_k = 1.5", "top_k", "valid integer"),
        ("top_p = 0", "top_p", "greater than 0"),
        ("exact = 1", "exact", "valid boolean"),
        ("threads = true", "threads", "valid integer"),
        ('kv_type = "q9"', "kv_type", "'f32', 'f16'"),
        ('model = " "', "model", "not be blank"),
        ('encoding = "utf-99"', "encoding", "no text encoding has that name"),
        ('encoding = "hex"', "encoding", "no text encoding has that name"),
        ("to = ['de']", "to", "valid string"),
        ("[draft]\nx = 1", "draft", "valid string"),
        ("from = 1", "from", "valid string"),
        ("parallel = 0", "parallel", "greater than or equal to 1"),
        ("seed = 4294967296", "seed", "less than 4294967296"),
    ],
)
def test_a_wrong_value_names_file_key_cause_and_remedy(
    text: str, key: str, cause: str
) -> None:
    file = write_user_file(text)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    error = caught.value
    assert f"'{key}' in {file} cannot be" in error.problem
    assert cause in error.cause
    assert error.remedy.startswith("change or remove it (")


def test_a_wrong_value_is_refused_even_where_another_beats_it() -> None:
    write_user_file("top_k = -1")
    with pytest.raises(SettingsError, match="top_k"):
        load_settings({"top_k": 3})


def test_a_wrong_variable_or_flag_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="--top-p cannot be 3"):
        load_settings({"top_p": 3})
    monkeypatch.setenv("POLYSPEC_TOP_K", "many")
    with pytest.raises(SettingsError, match="POLYSPEC_TOP_K cannot be 'many'"):
        load_settings()


def test_an_unknown_key_gets_the_nearest_name() -> None:
    file = write_user_file("temprature = 1")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.problem == f"unknown setting 'temprature' in {file}"
    assert caught.value.remedy == "did you mean 'temperature'?"


def test_a_key_like_no_other_gets_the_list() -> None:
    write_user_file("zzz = 1")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "gpu_layers" in caught.value.cause
    assert caught.value.remedy == "remove 'zzz'"


def test_a_python_name_is_not_a_key() -> None:
    write_user_file("from_ = 'de'")
    with pytest.raises(SettingsError, match="unknown setting 'from_'"):
        load_settings()


def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYSPEC_THREAD", "2")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.remedy == "did you mean POLYSPEC_THREADS? otherwise unset it"


@pytest.mark.parametrize(
    "name", ["POLYSPEC_SERVICE_HOST", "POLYSPEC_MODELS_DIR", "POLYSPEC_DEBUG"]
)
def test_a_variable_of_somebody_else_is_left_alone(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    assert load_settings() == Settings()


def test_bad_toml_names_line_and_column() -> None:
    file = write_user_file("top_k = 1\nmodel = qwen\n")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(file) in caught.value.problem
    assert "line 2, column 9" in caught.value.cause
    assert "quotes" in caught.value.remedy


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"model = '\xff'", "byte 9 cannot be decoded"),
        (b"a = " + b"[" * 100_000, "it nests too deep"),
        (b"seed = " + b"1" * 5000, "limit"),
        (b" " * ((1 << 20) + 1), "larger than 1048576 bytes"),
        (b"\0", "line 1, column 1"),
    ],
)
def test_hostile_files_are_refused(data: bytes, said: str) -> None:
    file = write_user_file("")
    file.write_bytes(data)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert said in caught.value.cause
    assert str(file) in caught.value.problem


def test_a_byte_order_mark_does_no_harm() -> None:
    file = write_user_file("")
    file.write_bytes(b"\xef\xbb\xbfseed = 3\r\n")
    assert load_settings().seed == 3


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        validate_file(tmp_path / "missing.toml")
    assert caught.value.cause == "no such file or directory"
    with pytest.raises(SettingsError, match="cannot be read"):
        validate_file(tmp_path)


def test_every_setting_is_documented() -> None:
    for key, meaning in setting_keys().items():
        assert meaning.endswith("."), key


@given(data=st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_can_do_worse_than_be_refused(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "any.toml"
    file.write_bytes(data)
    with contextlib.suppress(SettingsError):
        validate_file(file)
