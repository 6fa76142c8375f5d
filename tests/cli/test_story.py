"""`polyspec story` with a scripted model."""

import json
import os
import signal
import sys

import pytest

from polyspec.catalog.task import Task
from polyspec.cli import main
from polyspec.prompting.profiles import PAIRS
from tests.cli.test_translate import Terminal, finish, start
from tests.fakes_translator import ENDLESS, FakeOpening

TALE = "Once there was a lamp. It burned all winter."
POSIX = pytest.mark.skipif(os.name == "nt", reason="signals of another kind")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeOpening:
    """A writer that knows one story."""
    opening = FakeOpening()
    opening.completer.answer = lambda _text: f" {TALE}\n"
    monkeypatch.setattr("polyspec.translator.open_translator", opening)
    return opening


def story(*arguments: str) -> int:
    return main.main(["story", *arguments])


def test_a_story_goes_to_stdout_and_nothing_else(
    fake: FakeOpening, capsys: pytest.CaptureFixture[str]
) -> None:
    assert story("--language", "en", "--theme", "a lighthouse in winter") == 0
    assert capsys.readouterr() == (f"{TALE}\n", "")
    assert (len(fake.opened), fake.num_closed, fake.completer.num_closed) == (1, 1, 1)


def test_a_story_is_shown_as_it_is_written(
    fake: FakeOpening, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: set[int] = set()
    terminal = Terminal()
    monkeypatch.setattr(
        terminal, "flush", lambda: sizes.add(len(terminal.bytes.getvalue()))
    )
    monkeypatch.setattr(sys, "stdout", terminal)
    assert story("--theme", "a lamp") == 0
    assert terminal.bytes.getvalue().decode() == f"{TALE}\n"
    assert len(sizes) > 10


def test_a_story_as_json_is_one_object(
    fake: FakeOpening, capsys: pytest.CaptureFixture[str]
) -> None:
    assert story("--language", "German", "--theme", "der Hafen", "--json") == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    assert json.loads(out) == {
        "text": TALE,
        "theme": "der Hafen",
        "language": "deu",
        "num_tokens": len(TALE) + 2,
        "elapsed_s": 0.5,
        "draft": {
            "num_steps": 2,
            "num_drafted": 3,
            "num_accepted": 1,
            "accepted_by_source": {"history": 1},
        },
        "drafters": {},
        "note": "",
    }
    assert err == ""


def test_statistics_and_notes_go_to_stderr(
    fake: FakeOpening, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.notes = ["drafting is off"]
    fake.completer.answer = lambda _text: ""
    assert story("--theme", "a lamp", "--stats") == 0
    out, err = capsys.readouterr()
    assert out == "\n"
    assert err.startswith(
        "polyspec: drafting is off\npolyspec: the model wrote nothing\n"
    )
    assert "1 segments, 0 tokens in " in err
    assert "3 tokens drafted, 1 accepted" in err


def test_stories_are_sampled_as_in_the_paper_unless_told_otherwise(
    fake: FakeOpening, capsys: pytest.CaptureFixture[str]
) -> None:
    assert story("--theme", "a lamp") == 0
    assert story("--theme", "a lamp", "--temperature", "0", "--seed", "7") == 0
    usual, told = (request.sampling for request in fake.completer.requests)
    assert (usual.temperature, usual.top_k, usual.top_p) == (1.0, 100, 0.9)
    assert (told.temperature, told.top_k, told.seed) == (0.0, 100, 7)
    assert [settings.parallel for settings in fake.opened] == [1, 1]


def test_more_words_get_more_room(
    fake: FakeOpening, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in ("20", "200"):
        assert story("--theme", "a lamp", "--words", words) == 0
    few, many = (request.max_tokens for request in fake.completer.requests)
    assert few < many


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--theme", "a lamp", "--language", "Frensh"], "French"),
        (["--language", "fr"], "--theme"),
        (["--theme", "a lamp", "--words", "0"], "--words"),
        (["--theme", "a lamp", "--top-p", "2"], "--top-p"),
    ],
)
def test_wrong_arguments_are_refused_before_a_model_is_loaded(
    arguments: list[str],
    message: str,
    fake: FakeOpening,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert story(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert fake.opened == []


@pytest.mark.parametrize("theme", ["", "  ", "\udce9"])
def test_a_theme_that_says_nothing_is_refused(
    theme: str, fake: FakeOpening, capsys: pytest.CaptureFixture[str]
) -> None:
    assert story("--theme", theme) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "theme" in err
    assert fake.completer.requests == []


def test_a_theme_that_fills_the_context_is_refused(
    fake: FakeOpening, capsys: pytest.CaptureFixture[str]
) -> None:
    assert story("--theme", "lamp " * 1000) == 2
    assert "the theme is too long" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "status"), [("--draft", 2), ("--model", 3)])
def test_an_unknown_drafter_or_model_has_its_status(
    option: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert story("--theme", "a lamp", option, "nonsense") == status
    out, err = capsys.readouterr()
    assert out == ""
    assert "nonsense" in err


@POSIX
@pytest.mark.slow
def test_an_interrupted_story_stays_as_far_as_it_came() -> None:
    process = start("EndlessCompleter()", "--theme", f"{ENDLESS} rain", command="story")
    assert process.stdout is not None
    shown = process.stdout.read(1)
    process.send_signal(signal.SIGINT)
    status, out, err = finish(process)
    assert status == 130
    numbers = (shown + out).decode().split()
    assert numbers == [str(number) for number in range(len(numbers))]
    assert err.splitlines()[-2:] == ["the run was closed", "polyspec: interrupted"]
    assert "Traceback" not in err


def test_without_a_seed_each_run_draws_anew(fake: FakeOpening) -> None:
    for _ in range(3):
        assert story("--theme", "a lamp") == 0
    seeds = {request.sampling.seed for request in fake.completer.requests}
    assert len(seeds) > 1


def test_a_story_is_not_for_one_who_only_translates(fake: FakeOpening) -> None:
    assert story("--language", "en", "--theme", "a lighthouse") == 0
    assert fake.tasks == [Task(is_general=True)]


def test_a_story_by_one_who_only_translates_comes_with_a_warning(
    fake: FakeOpening, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.profile = PAIRS
    assert story("--theme", "a lighthouse", "--model", "tiny") == 0
    out, err = capsys.readouterr()
    # It goes on with a beginning that it is given.
    assert out.endswith("all winter.\n")
    assert "was made to translate" in err
