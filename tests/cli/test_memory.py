"""`polyspec memory`."""

import json

import pytest

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


def run(*arguments: str) -> int:
    return main.main(["memory", *arguments])


@pytest.mark.usefixtures("learned")
def test_what_was_learned_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("deu  story      3c1c93b8a0f2 ")
    assert first.endswith("3 tokens seen")
    assert second.startswith("fra  translate")
    assert run("show", "--language", "German", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["language"], found["task"], found["num_tokens"]) == (
        "deu",
        "story",
        3,
    )


@pytest.mark.usefixtures("learned")
def test_what_was_learned_can_be_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("clear", "--language", "de") == 0
    assert capsys.readouterr().out == "deleted deu story 3c1c93b8a0f2\n"
    assert run("clear") == 0
    assert capsys.readouterr().out == "deleted fra translate 3c1c93b8a0f2\n"
    assert list((data_dir() / "memory").iterdir()) == []


def test_where_nothing_was_learned_nothing_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("show") == run("clear") == 0
    assert capsys.readouterr().out == ""
    assert run("show", "--language", "nonsense") == 2


@pytest.mark.usefixtures("learned")
def test_a_damaged_file_is_shown_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = (data_dir() / "memory").glob("deu*.npz")
    path.write_bytes(b"no archive")
    assert run("show", "--language", "de") == 0
    assert capsys.readouterr().out.rstrip().endswith("damaged")
