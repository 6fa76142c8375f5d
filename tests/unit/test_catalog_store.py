from pathlib import Path

import pytest

from polyspec import paths
from polyspec.catalog import store
from polyspec.catalog.importing import import_model
from polyspec.catalog.listing import list_models
from polyspec.catalog.store import CheckedAgainst, InstallRecord
from polyspec.catalog.task import Task
from polyspec.errors import ModelError, UsageError
from tests.catalog_fakes import CONTENT, SHA256
from tests.gguf_files import gguf


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A user's own model somewhere else."""
    path = tmp_path / "My Model.gguf"
    path.write_bytes(CONTENT)
    return path


def install(name: str, content: bytes = CONTENT) -> Path:
    """Put a model with a record into the store."""
    path = store.model_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    record = InstallRecord(SHA256, len(CONTENT), CheckedAgainst.CATALOGUE, "a test")
    store.write_record(name, record)
    return path


def test_an_installed_model_is_found_by_name() -> None:
    path = install("gemma-3-270m")
    assert store.find_model("gemma-3-270m") == path
    assert store.default_model() == path


def test_the_default_is_what_the_catalogue_ranks_highest() -> None:
    install("a-model-of-my-own")
    install("gemma-3-270m")
    best = install("qwen2.5-coder-0.5b-instruct")
    assert store.default_model() == best


TRANSLATOR, BASE, GENERAL = (
    "gemma-3-270m-translate",
    "gemma-3-270m",
    "qwen2.5-coder-1.5b-instruct",
)


@pytest.mark.parametrize(
    ("task", "installed", "best"),
    [
        (Task("eng", "fra"), (TRANSLATOR, BASE, GENERAL), TRANSLATOR),
        (Task("eng", "zho"), (TRANSLATOR, BASE, GENERAL), GENERAL),
        (Task("eng", "zho"), (TRANSLATOR, BASE), TRANSLATOR),
        (Task("fra", "eng"), (TRANSLATOR, BASE, GENERAL), GENERAL),
        (Task("fra", "eng"), (TRANSLATOR, BASE), BASE),
        (Task(None, "fra"), (TRANSLATOR, BASE, GENERAL), GENERAL),
        (Task(None, "fra"), (TRANSLATOR, BASE), TRANSLATOR),
        (Task(), (TRANSLATOR, BASE, GENERAL), GENERAL),
        (Task(is_general=True), (TRANSLATOR, BASE, GENERAL), GENERAL),
        (Task(is_general=True), (TRANSLATOR, BASE), BASE),
        (Task("eng", "fra", is_general=True), (TRANSLATOR, BASE), BASE),
        (Task("eng", "fra"), ("a-model-of-my-own", BASE), BASE),
        (Task(is_general=True), ("a-model-of-my-own",), "a-model-of-my-own"),
    ],
)
def test_a_translator_comes_first_for_its_languages_alone(
    task: Task, installed: tuple[str, ...], best: str
) -> None:
    for name in installed:
        install(name)
    assert store.default_model(task).stem == best


def test_a_model_of_ones_own_is_found_by_path(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store.find_model(own) == own
    assert store.find_model(str(own)) == own
    monkeypatch.chdir(own.parent)
    assert store.find_model(own.name) == Path(own.name)
    monkeypatch.setenv("HOME", str(own.parent))
    assert store.find_model(f"~/{own.name}") == own


@pytest.mark.parametrize("name", ["./missing.gguf", "missing.gguf", "no/such", "a\0/b"])
def test_a_path_without_a_file_is_refused(name: str) -> None:
    with pytest.raises(ModelError) as refused:
        store.find_model(name)
    assert refused.value.problem == f"there is no model at {name}"


def test_a_model_that_is_not_installed_says_how_to_get_it() -> None:
    with pytest.raises(ModelError) as refused:
        store.find_model("gemma-3-270m")
    assert refused.value.problem == "the model gemma-3-270m is not installed"
    assert refused.value.remedy == "polyspec models pull gemma-3-270m"


def test_an_unknown_name_gets_the_nearest_ones() -> None:
    with pytest.raises(ModelError) as refused:
        store.find_model("gema-3-270")
    assert "similar names: gemma-3-270m" in refused.value.cause
    assert refused.value.remedy == "polyspec models pull gemma-3-270m"


def test_a_name_like_nothing_is_sent_to_the_list() -> None:
    with pytest.raises(ModelError) as refused:
        store.catalogued_model("§§§§")
    assert refused.value.cause == "none is similar"
    assert "polyspec models list" in refused.value.remedy


def test_a_model_of_another_size_than_it_came_with_is_refused() -> None:
    install("tiny", CONTENT[:-1])
    with pytest.raises(ModelError, match="tiny is damaged"):
        store.find_model("tiny")


def test_an_empty_store_says_how_to_get_a_model() -> None:
    assert store.installed_models() == ()
    with pytest.raises(ModelError, match="no model is installed"):
        store.default_model()


def test_an_intact_model_is_verified() -> None:
    install("tiny")
    done: list[int] = []
    found = store.verify_model(store.require_installed("tiny"), done.append)
    assert found.is_intact
    assert found.verdict.startswith(f"intact, SHA-256 {SHA256}")
    assert done[-1] == len(CONTENT)
    store.require_intact([found])


def test_a_changed_model_is_told_with_both_hashes() -> None:
    changed = bytearray(CONTENT)
    changed[-1] ^= 1
    install("tiny", bytes(changed))
    found = store.verify_model(store.require_installed("tiny"))
    assert found.verdict.startswith("damaged")
    with pytest.raises(ModelError) as refused:
        store.require_intact([found])
    assert found.actual_sha256 in refused.value.cause
    assert SHA256 in refused.value.cause


def test_a_file_put_there_by_hand_has_nothing_to_compare_with() -> None:
    path = install("tiny")
    path.with_suffix(".json").write_text("{}", "utf-8")
    found = store.verify_model(store.require_installed("tiny"))
    assert found.is_intact
    assert found.verdict.startswith("nothing to compare with")


def test_removing_leaves_nothing() -> None:
    install("tiny")
    store.partial_path("tiny").parent.mkdir()
    store.partial_path("tiny").write_bytes(b"1234")
    assert store.remove_model("tiny") == len(CONTENT) + 4
    left = [path for path in paths.models_dir().rglob("*") if path.is_file()]
    assert left == []


def test_removing_an_unfinished_download_needs_no_model() -> None:
    partial = store.partial_path("tiny")
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"1234")
    assert store.remove_model("tiny") == 4


@pytest.mark.parametrize("name", ["tiny", "../tiny", "/etc/passwd", ""])
def test_only_what_is_installed_can_be_removed(name: str, tmp_path: Path) -> None:
    outside = paths.models_dir().parent / "tiny.gguf"
    outside.parent.mkdir(parents=True)
    outside.write_bytes(CONTENT)
    with pytest.raises(ModelError):
        store.remove_model(name)
    assert outside.exists()


def test_an_imported_file_is_copied_under_a_fitting_name(own: Path) -> None:
    model = import_model(own)
    assert model.name == "my-model"
    assert model.path.read_bytes() == own.read_bytes()
    assert model.record is not None
    assert model.record.sha256 == SHA256
    assert model.record.checked_against is CheckedAgainst.NOTHING
    assert [p.name for p in (paths.models_dir() / ".partial").iterdir()] == []


def test_a_name_that_is_taken_is_refused(own: Path) -> None:
    import_model(own, "tiny")
    with pytest.raises(ModelError, match="installed already"):
        import_model(own, "tiny")


def test_a_name_that_cannot_be_one_is_refused(own: Path) -> None:
    with pytest.raises(UsageError, match="cannot be called"):
        import_model(own, "../tiny")


def test_a_file_that_is_no_model_is_not_imported(tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(gguf()[:-1])
    with pytest.raises(ModelError, match="cannot be used"):
        import_model(path)
    assert store.installed_models() == ()


def test_a_file_known_to_the_catalogue_gets_its_name(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from polyspec.catalog import importing
    from polyspec.catalog.manifest import Catalogue
    from tests.catalog_fakes import make_entry

    catalogue = Catalogue(1, (make_entry(),))
    monkeypatch.setattr(importing, "read_catalogue", lambda: catalogue)
    model = import_model(own)
    assert model.name == "tiny"
    assert model.record is not None
    assert model.record.checked_against is CheckedAgainst.CATALOGUE


def test_a_full_disk_is_told_with_numbers_before_an_import(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 100

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    with pytest.raises(ModelError, match="no room"):
        import_model(own)


def test_the_list_has_the_catalogue_and_ones_own(own: Path) -> None:
    import_model(own)
    install("gemma-3-270m", CONTENT[:-1])
    listed = {model.name: model for model in list_models()}
    assert list(listed)[-1] == "my-model"
    assert listed["my-model"].is_installed
    assert listed["gemma-3-270m"].is_damaged
    assert not listed["qwen3-4b"].is_installed
    assert listed["qwen3-4b"].size_bytes is None
