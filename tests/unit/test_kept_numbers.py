"""What is learned about drafters, kept in a file."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from polyspec.decoding.feedback import Feedback
from polyspec.drafting import state_file
from polyspec.drafting.history import HistoryDrafter
from polyspec.drafting.kept import KeptNumbers, Learner

WRITERS = ("open", "fsync", "replace")


def learned(*labels: str, is_right: bool = False) -> Feedback:
    feedback = Feedback()
    for label in labels:
        feedback.switch(label)
        for _ in range(60):
            feedback.observe_token("table", 0.9, is_right)
    return feedback


def trust(path: Path, label: str, told: list[str] | None = None) -> float:
    """What a new run believes of the table."""
    feedback = Feedback()
    feedback.switch(label)
    told = [] if told is None else told
    KeptNumbers(path, {"trust": feedback}, told.append).load()
    return feedback.trust("table")


def save(path: Path, feedback: Feedback, told: list[str] | None = None) -> None:
    told = [] if told is None else told
    KeptNumbers(path, {"trust": feedback}, told.append).save()


def test_the_next_run_knows_what_this_one_learned(tmp_path: Path) -> None:
    path = tmp_path / "new" / "numbers.json"
    history = HistoryDrafter()
    history.switch("deu story")
    history.begin(0, [1, 2, 1, 2])
    history.observe(0, [1, 2, 1, 2])
    learners: dict[str, Learner] = {"trust": learned("deu story"), "history": history}
    KeptNumbers(path, learners, pytest.fail).save()
    again = HistoryDrafter()
    again.switch("deu story")
    KeptNumbers(path, {"history": again}, pytest.fail).load()
    assert again.hit_rates.numbers() == history.hit_rates.numbers()
    assert trust(path, "deu story") == learned("deu story").trust("table")
    assert trust(path, "fra story") == 1.0


def test_processes_do_not_undo_what_others_learned_of_other_texts(
    tmp_path: Path,
) -> None:
    path = tmp_path / "numbers.json"
    save(path, learned("deu story"))
    save(path, learned("fra story"))
    assert trust(path, "deu story") == trust(path, "fra story") < 0.5


def test_the_file_is_for_its_owner_and_holds_numbers_only(tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    save(path, learned("deu story"))
    assert path.stat().st_mode & 0o777 == 0o600
    names = {"trust", "deu story", "table", "format", "numbers"}

    def check(found: Any) -> None:
        if isinstance(found, dict):
            assert found.keys() <= names
            for value in found.values():
                check(value)
        elif isinstance(found, list):
            for value in found:
                check(value)
        else:
            assert isinstance(found, int | float)

    check(json.loads(path.read_bytes()))


@pytest.mark.parametrize("at", WRITERS)
@pytest.mark.parametrize("kind", [KeyboardInterrupt, OSError])
def test_a_kill_at_any_write_leaves_the_file_as_it_was(
    at: str, kind: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "numbers.json"
    save(path, learned("deu story"))
    before = path.read_bytes()

    def stop(*_: object) -> None:
        raise kind("stopped")

    with monkeypatch.context() as patch:
        patch.setattr(Path if at == "replace" else os, at, stop)
        told: list[str] = []
        if kind is OSError:
            save(path, learned("fra story"), told)
            assert "not kept" in told[0]
        else:
            with pytest.raises(kind):
                save(path, learned("fra story"), told)
    assert path.read_bytes() == before
    save(path, learned("fra story"))
    assert trust(path, "deu story") == trust(path, "fra story") < 0.5


@given(st.data())
def test_a_file_cut_or_changed_anywhere_never_harms(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("kept") / "numbers.json"
    save(path, learned("deu story"))
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[place:]
    else:
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    assert 0.2 <= trust(path, "deu story") <= 1.1
    save(path, learned("deu story", is_right=True))
    assert trust(path, "deu story") > 1.0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b'{"format": 2}',
        b'{"format": 1}',
        b'{"format": 1, "numbers": {"trust": 3}}',
        b'{"format": 1, "numbers": {"trust": {"deu": {"table": [NaN, 1]}}}}',
        b'{"format": 1, "numbers": {"trust": {"deu": {"table": [1e999, 1]}}}}',
        b'{"format": 1, "numbers": {"trust": {"deu": {"table": [-1, 1]}}}}',
        b'{"format": 1, "numbers": {"trust": {"deu": {"table": ["1", 1]}}}}',
        b"[" * 100_000,
        b" " * (5 << 20),
    ],
)
def test_a_damaged_file_is_set_aside_and_told_once(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "numbers.json"
    path.write_bytes(content)
    told: list[str] = []
    assert trust(path, "deu", told) == trust(path, "deu", told) == 1.0
    assert told == [
        f"{path} is damaged; it is now numbers.json.damaged, and a new one is begun"
    ]
    assert (tmp_path / "numbers.json.damaged").read_bytes() == content


def test_a_file_that_somebody_holds_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_file, "_LOCK_S", 0.01)
    path = tmp_path / "numbers.json"
    told: list[str] = []
    with FileLock(tmp_path / "numbers.json.lock"):
        save(path, learned("deu"), told)
    assert told == [f"what was learned is not kept in {path}: another process holds it"]


@pytest.mark.parametrize("call", [save, trust])
def test_a_folder_that_is_a_file_is_a_note(
    call: Callable[..., object], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    told: list[str] = []
    path = tmp_path / "file" / "numbers.json"
    if call is save:
        save(path, learned("deu"), told)
    else:
        trust(path, "deu", told)
    assert len(told) == 1


def test_numbers_of_another_shape_are_ignored() -> None:
    feedback, history = Feedback(), HistoryDrafter()
    feedback.restore({"": {"table": [1.0]}})
    before = history.numbers()
    history.restore({"": {"hits": [1.0] * 3, "trials": [1.0] * 8}})
    history.restore({"": {"hits": [2.0] * 8, "trials": [1.0] * 8}})
    assert feedback.trust("table") == 1.0
    assert history.numbers() == before
