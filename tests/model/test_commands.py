"""The program as a person runs it, with real models, in processes of their own."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.model

GEMMA, SMOLLM = "gemma-3-270m", "smollm2-135m-instruct"
TWO_PARAGRAPHS = "The library opens at nine.\n\nBring your card.\n"
COPIED = (
    "Open the left door and press the green button. Open the right door and press the "
    "green button.\nRoom 101 is free on Monday, room 102 is free on Monday.\n"
)
POSIX = pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
OFFLINE = """
import sys
def refuse(event, arguments):
    if event.startswith("socket."):
        raise RuntimeError(f"a socket was used: {event} {arguments!r:.100}")
sys.addaudithook(refuse)
from polyspec.cli import main
sys.exit(main.main())
"""


class Program:
    """Runs `polyspec` in a home of its own."""

    def __init__(self, home: Path, models: Path) -> None:
        mine = {k: v for k, v in os.environ.items() if not k.startswith("POLYSPEC_")}
        self._folder = home
        self._environment = mine | {
            "HOME": str(home),
            "USERPROFILE": str(home),
            "NO_COLOR": "1",
            "POLYSPEC_HOME": str(home),
            "POLYSPEC_MODELS_DIR": str(models),
        }

    def start(
        self,
        *arguments: str,
        entry: tuple[str, ...] = ("-m", "polyspec"),
        **environment: str,
    ) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, *entry, *arguments],
            bufsize=0,  # what was read ahead would be lost to `communicate`
            cwd=self._folder,
            env=self._environment | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(
        self,
        *arguments: str,
        text: str = "",
        entry: tuple[str, ...] = ("-m", "polyspec"),
        **environment: str,
    ) -> tuple[int, str, str]:
        """Exit status, standard output and standard error, both valid UTF-8."""
        with self.start(*arguments, entry=entry, **environment) as process:
            out, err = process.communicate(text.encode(), timeout=120)
        return process.returncode, out.decode(), err.decode()


@pytest.fixture(scope="module")
def program(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """One home for all, so that each ladder is measured once."""
    for model in (GEMMA, SMOLLM):
        if not (models_dir / f"{model}.gguf").exists():
            pytest.skip(f"{model} is not installed: polyspec models pull {model}")
    program = Program(tmp_path_factory.mktemp("shared_home"), models_dir)
    for model in (GEMMA, SMOLLM):
        status, _, err = program.run("translate", "Hi.", "--to", "fr", "-m", model)
        assert status == 0, err
    return program


@pytest.fixture(scope="module")
def smollm(models_dir: Path) -> Path:
    return models_dir / f"{SMOLLM}.gguf"


@pytest.mark.parametrize("model", [GEMMA, SMOLLM])
def test_two_paragraphs_from_a_pipe_become_two_on_stdout(
    model: str, program: Program
) -> None:
    status, out, err = program.run(
        "translate", "--to", "fr", "--model", model, text=TWO_PARAGRAPHS
    )
    assert status == 0
    first, blank, second = out.removesuffix("\n").split("\n")
    assert first.strip()
    assert second.strip()
    assert blank == ""
    assert "measuring" not in err


def test_the_measurements_are_kept_between_runs(program: Program) -> None:
    status, out, err = program.run(
        "translate", "Good morning.", "--to", "fr", "-m", GEMMA, "--stats", "--json"
    )
    assert status == 0
    segment = json.loads(out)
    assert segment["source"] == "Good morning."
    assert segment["target_language"] == "fra"
    assert segment["num_tokens"] > 0
    assert "tokens/s" in err
    assert "measuring" not in err


def test_exact_drafts_write_the_text_of_plain_decoding(program: Program) -> None:
    options = ["translate", "--to", "de", "--model", GEMMA, "--exact"]
    drafted = program.run(*options, "--draft", "history", text=COPIED)
    plain = program.run(*options, "--draft", "none", "--parallel", "1", text=COPIED)
    assert drafted[:2] == plain[:2]
    assert plain[0] == 0
    assert plain[1].count("\n") == 2


@pytest.mark.parametrize("language", ["chr", "am"])
def test_scripts_of_many_bytes_stay_whole(language: str, program: Program) -> None:
    status, out, _ = program.run(
        "translate", "Good morning.", "--to", language, "--model", GEMMA
    )
    assert status == 0
    assert out.strip()
    assert "\ufffd" not in out
    assert out.count("\n") == 1


@pytest.mark.parametrize(
    "how", [["--model", GEMMA, "--exact"], ["--model", SMOLLM, "--draft", "none"]]
)
def test_a_story_with_a_seed_is_the_same_story(
    how: list[str], program: Program
) -> None:
    options = ["story", "--language", "en", "--theme", "a lamp", "--words", "12"]
    options += how
    first, again, other = (
        program.run(*options, "--seed", seed)[:2] for seed in ("7", "7", "8")
    )
    assert first[0] == 0
    assert first[1].strip()
    assert first == again
    assert first != other


def test_no_socket_is_touched(program: Program) -> None:
    status, out, err = program.run(
        *("translate", "Good morning.", "--to", "fr", "--model", SMOLLM),
        entry=("-c", OFFLINE),
    )
    assert status == 0, err
    assert out.strip()


def test_the_doctor_proves_that_it_works_offline(program: Program) -> None:
    status, out, _ = program.run("doctor", "--offline-proof", POLYSPEC_MODEL=SMOLLM)
    assert status == 0
    assert out.startswith("no connection was attempted: the translation ran offline\n")


def test_a_truncated_model_is_refused(
    program: Program, smollm: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "truncated.gguf"
    shutil.copyfile(smollm, copy)
    for size in (copy.stat().st_size - 1, 1_000_000, 1000, 0):
        os.truncate(copy, size)
        refused(program, copy)


@pytest.mark.parametrize(
    ("offset", "damage"),
    [(0, b"FUGG"), (4, b"\xff" * 4), (8, b"\xff" * 8), (16, b"\xff" * 8)],
)
def test_a_model_with_a_damaged_header_is_refused(
    offset: int, damage: bytes, program: Program, smollm: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "damaged.gguf"
    shutil.copyfile(smollm, copy)
    with copy.open("r+b") as file:
        file.seek(offset)
        file.write(damage)
    refused(program, copy)


def test_a_text_is_no_model(program: Program, tmp_path: Path) -> None:
    text = tmp_path / "notes.gguf"
    text.write_text("Not a model, but a page of notes.\n" * 100, encoding="utf-8")
    refused(program, text)


def test_a_folder_is_no_model(program: Program, tmp_path: Path) -> None:
    refused(program, tmp_path)


def refused(program: Program, model: Path) -> None:
    """Assert that a model is refused in one line that names it."""
    status, out, err = program.run(
        "translate", "Good morning.", "--to", "fr", "--model", str(model)
    )
    assert (status, out) == (3, "")
    assert err.startswith("polyspec: ")
    assert err.count("\n") == 1
    assert model.name in err


@pytest.mark.parametrize(
    ("context", "problem"),
    [("10", "--ctx cannot be 10"), ("256", "the context is too small to translate in")],
)
def test_a_context_that_is_too_small_is_explained(
    context: str, problem: str, program: Program
) -> None:
    status, out, err = program.run(
        *("translate", "Good morning.", "--from", "en", "--to", "fr"),
        *("--model", GEMMA, "--ctx", context),
    )
    assert (status, out) == (2, "")
    assert problem in err
    assert err.count("\n") == 1


@POSIX
def test_an_interruption_keeps_the_finished_part(
    program: Program, tmp_path: Path
) -> None:
    source = tmp_path / "long.txt"
    source.write_text("The old harbour was quiet.\n" * 2000, encoding="utf-8")
    options = ["translate", "--in", str(source), "--to", "fr", "--model", SMOLLM]
    with program.start(*options, "--parallel", "2", "--json") as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.decode().splitlines()[-1] == "polyspec: interrupted"
    assert "Traceback" not in err.decode()
    segments = [json.loads(line) for line in (first + out).decode().splitlines()]
    assert 0 < len(segments) < 2000
