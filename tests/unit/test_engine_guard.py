import json
import subprocess
from pathlib import Path

import pytest

from polyspec.engine import guard
from polyspec.errors import ModelError


class Child:
    """Stands in for `subprocess.run` and counts how often it was called."""

    def __init__(self, code: int = 0, stdout: str = "", late: bool = False) -> None:
        self.code, self.stdout, self.late = code, stdout, late
        self.num_runs = 0

    def __call__(
        self, command: list[str], **options: object
    ) -> "subprocess.CompletedProcess[str]":
        self.num_runs += 1
        if self.late:
            raise subprocess.TimeoutExpired(command, 1.0)
        return subprocess.CompletedProcess(command, self.code, self.stdout, "")


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    return path


def use(monkeypatch: pytest.MonkeyPatch, child: Child) -> Child:
    monkeypatch.setattr(subprocess, "run", child)
    return child


def test_a_file_that_went_well_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, model_path: Path, tmp_path: Path
) -> None:
    child = use(monkeypatch, Child())
    for _ in range(3):
        guard.require_loadable(model_path, tmp_path / "seals")
    assert child.num_runs == 1


def test_a_file_that_changed_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, model_path: Path, tmp_path: Path
) -> None:
    child = use(monkeypatch, Child())
    guard.require_loadable(model_path, tmp_path / "seals")
    model_path.write_bytes(b"GGUF, and more")
    guard.require_loadable(model_path, tmp_path / "seals")
    assert child.num_runs == 2


def test_a_file_that_failed_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, model_path: Path, tmp_path: Path
) -> None:
    child = use(monkeypatch, Child(code=-6))
    for _ in range(2):
        with pytest.raises(ModelError):
            guard.require_loadable(model_path, tmp_path / "seals")
    assert child.num_runs == 2


@pytest.mark.parametrize(
    ("code", "how"), [(-6, "signal 6"), (-11, "signal 11"), (3, "status 3")]
)
def test_the_way_in_which_a_child_died_is_told(
    monkeypatch: pytest.MonkeyPatch,
    model_path: Path,
    tmp_path: Path,
    code: int,
    how: str,
) -> None:
    use(monkeypatch, Child(code))
    with pytest.raises(ModelError) as caught:
        guard.require_loadable(model_path, tmp_path / "seals")
    assert caught.value.cause.endswith(how)
    assert str(model_path) in caught.value.problem
    assert caught.value.remedy


def test_the_error_of_a_child_is_handed_on(
    monkeypatch: pytest.MonkeyPatch, model_path: Path, tmp_path: Path
) -> None:
    report = {"problem": "it is broken", "cause": "a worm", "remedy": ""}
    child = Child(guard._CHILD_FAILED, "noise\n" + json.dumps(report) + "\n")
    use(monkeypatch, child)
    with pytest.raises(ModelError) as caught:
        guard.require_loadable(model_path, tmp_path / "seals")
    assert caught.value.problem == "it is broken"
    assert caught.value.cause == "a worm"
    assert "polyspec models verify" in caught.value.remedy


def test_a_child_that_never_ends_is_an_error(
    monkeypatch: pytest.MonkeyPatch, model_path: Path, tmp_path: Path
) -> None:
    use(monkeypatch, Child(late=True))
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        guard.require_loadable(model_path, tmp_path / "seals")
    assert caught.value.remedy


def test_a_folder_that_cannot_be_written_is_no_harm(
    monkeypatch: pytest.MonkeyPatch, model_path: Path
) -> None:
    child = use(monkeypatch, Child())
    for _ in range(2):
        guard.require_loadable(model_path, model_path / "seals")
    assert child.num_runs == 2


def test_a_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        guard.require_loadable(tmp_path / "none.gguf", tmp_path / "seals")
    assert "no such file" in caught.value.cause
