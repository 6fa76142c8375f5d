"""Whatever happens becomes an exit status and at most one line."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from polyspec import __version__
from polyspec.cli import app, main
from polyspec.errors import (
    DocumentError,
    DownloadError,
    EngineError,
    ModelError,
    PolySpecError,
    SettingsError,
    TableError,
    UsageError,
)

Raise = Callable[[BaseException], None]


@pytest.fixture
def make_run_raise(monkeypatch: pytest.MonkeyPatch) -> Raise:
    """Put an error in place of the commands."""

    def put(error: BaseException) -> None:
        def run(arguments: list[str]) -> int:
            raise error

        monkeypatch.setattr(app, "run", run)

    return put


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (PolySpecError, 1),
        (UsageError, 2),
        (SettingsError, 2),
        (ModelError, 3),
        (DocumentError, 4),
        (TableError, 5),
        (EngineError, 6),
        (DownloadError, 7),
    ],
)
def test_an_error_of_ours_is_one_line_and_its_status(
    kind: type[PolySpecError],
    status: int,
    make_run_raise: Raise,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_run_raise(kind("it failed", cause="a reason", remedy="do this"))
    assert main.main([]) == status
    assert capsys.readouterr() == ("", "polyspec: it failed: a reason; do this\n")


def test_an_unexpected_error_asks_for_a_report(
    make_run_raise: Raise, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run_raise(ZeroDivisionError("division by zero"))
    assert main.main([]) == 1
    assert capsys.readouterr() == (
        "",
        "polyspec: internal error: ZeroDivisionError: division by zero; "
        "report it with the output of polyspec doctor\n",
    )


def test_the_traceback_is_there_for_who_asks(
    make_run_raise: Raise,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("POLYSPEC_DEBUG", "1")
    make_run_raise(ModelError("no model", remedy="pull one"))
    assert main.main([]) == 3
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_is_a_note_and_130(
    make_run_raise: Raise, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run_raise(KeyboardInterrupt())
    assert main.main([]) == 130
    assert capsys.readouterr() == ("", "polyspec: interrupted\n")


@pytest.mark.parametrize(("code", "status"), [(None, 0), (0, 0), (3, 3), ("text", 1)])
def test_a_library_that_leaves_is_let_go(
    code: object, status: int, make_run_raise: Raise
) -> None:
    make_run_raise(SystemExit(code))
    assert main.main([]) == status


def test_an_error_is_json_where_json_was_asked_for(
    make_run_raise: Raise, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run_raise(ModelError("no model", remedy="pull one"))
    assert main.main(["translate", "--json", "x"]) == 3
    assert capsys.readouterr().err.startswith('{"problem": "no model"')
    assert main.main(["translate", "--", "--json"]) == 3
    assert capsys.readouterr().err == "polyspec: no model; pull one\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--nonsense"], "polyspec: no such option: --nonsense; see polyspec --help\n"),
        (["config", "show", "x"], "see polyspec config show --help\n"),
        (["trnslate"], "see polyspec --help\n"),
        (["--config"], "polyspec: option '--config' requires an argument"),
    ],
)
def test_wrong_usage_is_one_line_and_2(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(arguments) == 2
    caught = capsys.readouterr()
    assert caught.out == ""
    assert caught.err.count("\n") == 1
    assert line in caught.err


def test_the_version_is_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--version"]) == 0
    assert capsys.readouterr() == (f"polyspec {__version__}\n", "")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["config"], ["-h"]])
def test_help_goes_to_stdout(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(arguments) == 0
    caught = capsys.readouterr()
    assert caught.out.startswith("Usage: polyspec ")
    assert caught.err == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_shown(
    shell: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("shellingham.detect_shell", lambda: (shell, shell))
    assert main.main(["--show-completion"]) == 0
    assert "_POLYSPEC_COMPLETE" in capsys.readouterr().out


def test_completion_can_be_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("bash", "bash"))
    assert main.main(["--install-completion"]) == 0
    installed = Path.home() / ".bash_completions" / "polyspec.sh"
    assert "_POLYSPEC_COMPLETE" in installed.read_text()


def test_completion_offers_the_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_POLYSPEC_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "polyspec conf")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert main.main([]) == 0
    assert capsys.readouterr().out == "config\n"


def test_the_named_settings_file_reaches_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('to = "de"\n', encoding="utf-8")
    assert main.main(["--config", str(file), "config", "show"]) == 0
    assert f'to = "de"  # named file {file}\n' in capsys.readouterr().out


WAITING = """
import sys, time
from polyspec.cli import app, main, output
def wait(arguments):
    try:
        output.write_line("waiting")
        time.sleep(60)
    finally:
        output.write_line("tidied")
app.run = wait
sys.exit(main.main([]))
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_work_and_tidies_up(number: int) -> None:
    command = [sys.executable, "-c", WAITING]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (out, err) == ("tidied\n", "polyspec: interrupted\n")
    assert process.returncode == 130
