"""A document translated by a real model, killed on the way."""

import time
from pathlib import Path

import pytest

from tests.model.test_commands import GEMMA, POSIX, Program

pytestmark = pytest.mark.model

SENTENCES = (
    "The library opens at nine.",
    "Please bring your card.",
    "The <b>last</b> train has left.",
    "You have %s new messages.",
    "Nobody knows where he lives.",
)
NUM_MESSAGES = 20
KILL_AT_LINES = (3, 8, 15)
LONGEST_S = 900.0
"""On a machine that has much else to do."""


def make_messages(num_messages: int) -> str:
    return 'msgid ""\nmsgstr ""\n\n' + "".join(
        f'msgctxt "{number}"\n'
        f'msgid "{SENTENCES[number % len(SENTENCES)]} Number {number}."\nmsgstr ""\n\n'
        for number in range(num_messages)
    )


def finish(program: Program, *options: str) -> tuple[int, str]:
    """Exit status and standard error of a run that is left alone."""
    process = program.start("translate", *options)
    _, err = process.communicate(timeout=LONGEST_S)
    return process.returncode, err.decode()


def count_lines(home: Path) -> int:
    journals = (home / "state").rglob("*.jsonl")
    return sum(path.read_bytes().count(b"\n") for path in journals)


@POSIX
@pytest.mark.slow
def test_a_killed_document_ends_as_if_it_had_not_been(
    tmp_path: Path, models_dir: Path
) -> None:
    source = tmp_path / "in.po"
    source.write_text(make_messages(NUM_MESSAGES))
    home = tmp_path / "home"
    home.mkdir()
    program = Program(home, models_dir)
    options = ["--in", str(source), "--to", "fr", "--model", GEMMA, "--exact"]
    options.append("--no-memory")
    whole, killed = tmp_path / "whole.po", tmp_path / "killed.po"
    assert finish(program, *options, "-o", str(whole))[0] == 0
    for num_lines in KILL_AT_LINES:
        process = program.start("translate", *options, "-o", str(killed))
        while count_lines(home) < num_lines:
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        process.communicate()
        assert not killed.exists()
    status, err = finish(program, *options, "-o", str(killed))
    assert status == 0
    assert "segments are there already" in err
    assert killed.read_bytes() == whole.read_bytes()
    assert count_lines(home) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "home",
        "in.po",
        "killed.po",
        "whole.po",
    ]
