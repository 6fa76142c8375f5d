"""Results leave as they are; the streams stay apart."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from polyspec.cli import diagnostics, output
from polyspec.errors import DocumentError, ModelError

PRELUDE = "import sys\nfrom polyspec.cli import app, diagnostics, main, output\n"


def run_script(
    body: str,
    stdout: int | IO[bytes] = subprocess.PIPE,
    **environment: str,
) -> subprocess.CompletedProcess[bytes]:
    """Run `main.main` with `body` in place of the commands."""
    script = f"{PRELUDE}def work(arguments):\n    {body}\n    return 0\n"
    script += "app.run = work\nsys.exit(main.main([]))\n"
    return subprocess.run(
        [sys.executable, "-c", script],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=os.environ | environment,
        check=False,
        timeout=60,
    )


def test_output_is_utf8_whatever_the_locale() -> None:
    body = f"output.write_line({'ça — ᏣᎳᎩ'!a})"
    done = run_script(body, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.stdout == "ça — ᏣᎳᎩ\n".encode()
    assert done.stderr == b""


def test_output_ignores_the_encoding_python_was_told() -> None:
    done = run_script(r"output.write_text('\xe9\r\n')", PYTHONIOENCODING="latin-1")
    assert done.stdout == "é\r\n".encode()


def test_a_path_that_is_not_utf8_is_given_back_byte_for_byte(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    output.write_line("caf\udce9.txt")
    assert capfdbinary.readouterr().out == b"caf\xe9.txt\n"


def test_json_is_one_valid_line(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    written = {"text": 'a\n"ᏣᎳᎩ"\u2028', "broken": "\udc80", "num_tokens": 3}
    output.write_json(written)
    line = capfdbinary.readouterr().out
    assert line.count(b"\n") == 1
    assert "ᏣᎳᎩ".encode() in line
    assert json.loads(line.decode("utf-8")) == written


def test_a_stream_of_characters_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    output.prepare()
    output.write_line("é")
    assert stream.getvalue() == "é\n"


def test_a_missing_stdout_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(DocumentError) as caught:
        output.write_line("lost")
    assert caught.value.cause == "it is closed"


@pytest.mark.skipif(os.name == "nt", reason="no pipes of that kind")
@pytest.mark.parametrize("body", ["output.write_line('x' * 99)", "print('x' * 99)"])
def test_a_closed_pipe_ends_quietly(body: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run_script(f"{body}; sys.stdout.flush()", stdout=writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
@pytest.mark.parametrize("body", ["output.write_line('x' * 99)", "print('x' * 99)"])
def test_a_full_disk_is_explained(body: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run_script(f"{body}; sys.stdout.flush()", stdout=full)
    assert done.returncode == DocumentError.exit_code
    assert done.stderr.decode() == (
        "polyspec: the result cannot be written to standard output: "
        "no space left on device; free some space there\n"
    )


def test_notes_and_errors_go_to_stderr_only(capsys: pytest.CaptureFixture[str]) -> None:
    diagnostics.note("drafting is off")
    diagnostics.print_error(ModelError("no model", cause="none", remedy="pull one"))
    caught = capsys.readouterr()
    assert caught.out == ""
    assert caught.err == (
        "polyspec: drafting is off\npolyspec: no model: none; pull one\n"
    )


def test_an_error_as_json_has_the_same_fields(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = ModelError("no ‘é’", cause="none", remedy="pull one")
    diagnostics.print_error(error, as_json=True)
    assert json.loads(capsys.readouterr().err) == {
        "problem": "no ‘é’",
        "cause": "none",
        "remedy": "pull one",
        "exit_code": 3,
    }


def test_control_characters_of_a_name_are_shown_not_obeyed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    diagnostics.note("\x1b[2Jevil\nname\u202e.txt")
    assert capsys.readouterr().err == "polyspec: \\x1b[2Jevil name\\u202e.txt\n"


def test_quiet_leaves_errors_alone(capsys: pytest.CaptureFixture[str]) -> None:
    diagnostics.set_quiet(True)
    try:
        diagnostics.note("drafting is off")
        with diagnostics.progress("pulling", 9) as shown:
            shown.update(9)
        diagnostics.print_error(ModelError("no model", remedy="pull one"))
    finally:
        diagnostics.set_quiet(False)
    assert capsys.readouterr().err == "polyspec: no model; pull one\n"


def test_progress_without_a_terminal_is_a_few_plain_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with diagnostics.progress("pulling gemma", 253_113_024) as shown:
        shown.update(1000)
        shown.stage("checking")
        shown.update(253_113_024)
    caught = capsys.readouterr()
    assert caught.out == ""
    first, second, last = caught.err.splitlines()
    assert first == "polyspec: pulling gemma: 253.1 MB"
    assert second == "polyspec: pulling gemma: checking"
    assert last.startswith("polyspec: pulling gemma: done in ")


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("no_color", ["", "1"])
def test_colours_only_where_they_are_wanted(
    no_color: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("NO_COLOR", no_color)
    diagnostics.note("drafting is off")
    assert ("\x1b" in stream.getvalue()) is (no_color == "")


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with diagnostics.progress("pulling [gemma]", 1000) as shown:
        shown.update(500)
        shown.stage("checking")
    assert "pulling [gemma]" in stream.getvalue()


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [
        (0, "B", "0 B"),
        (999, "B", "999 B"),
        (1000, "B", "1.0 kB"),
        (1_117_320_768, "B", "1.1 GB"),
        (12, "segments", "12 segments"),
    ],
)
def test_amounts_read_well(amount: int, unit: str, text: str) -> None:
    assert diagnostics.format_amount(amount, unit) == text
