"""`polyspec translate` with files: stopped, gone on with, reported."""

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from polyspec.cli import main
from polyspec.paths import state_dir
from polyspec.translation.journal import Journal
from tests.cli.test_translate import POSIX, finish, start
from tests.fakes_translator import FakeOpening

TEXT = "".join(f"Line number {number} is here.\n" for number in range(8))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeOpening:
    """A translator into capitals, one after another."""
    opening = FakeOpening()
    opening.completer.num_places = 1
    monkeypatch.setattr("polyspec.translator.open_translator", opening)
    return opening


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.txt"
    path.write_text(TEXT)
    return path


def translate(*arguments: str | Path, to: str = "fr") -> int:
    return main.main(["translate", *map(str, arguments), "--to", to])


def journals() -> list[Path]:
    return list((state_dir() / "jobs").glob("*"))


def stop_at(fake: FakeOpening, word: str) -> None:
    """Have the next runs interrupted where a word comes."""

    def answer(text: str) -> str:
        if word in text:
            raise KeyboardInterrupt
        return text.upper()

    fake.completer.answer = answer


def go_on(fake: FakeOpening) -> None:
    fake.completer.answer = str.upper
    fake.completer.requests.clear()


def test_a_stopped_run_goes_on_where_it_was(
    fake: FakeOpening,
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stop_at(fake, "5")
    target = tmp_path / "out.txt"
    assert translate("--in", source, "-o", target) == 130
    err = capsys.readouterr().err
    assert "5 segments are kept; run the same command to go on" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt"]
    assert journals()
    go_on(fake)
    assert translate("--in", source, "-o", target) == 0
    err = capsys.readouterr().err
    assert "5 segments are there already" in err
    assert "8 segments, 40 words in" in err
    assert "5 of the segments by an earlier run" in err
    assert target.read_text() == TEXT.upper()
    assert len(fake.completer.requests) == 3
    assert journals() == []


def test_a_run_can_begin_anew(fake: FakeOpening, source: Path, tmp_path: Path) -> None:
    stop_at(fake, "5")
    translate("--in", source, "-o", tmp_path / "out.txt")
    go_on(fake)
    assert translate("--in", source, "-o", tmp_path / "out.txt", "--restart") == 0
    assert len(fake.completer.requests) == 8


@pytest.mark.parametrize("change", ["document", "language", "sampling"])
def test_what_changed_begins_anew_and_is_told(
    change: str,
    fake: FakeOpening,
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stop_at(fake, "5")
    translate("--in", source, "-o", tmp_path / "out.txt")
    go_on(fake)
    capsys.readouterr()
    arguments: list[str | Path] = ["--in", source, "-o", tmp_path / "out.txt"]
    to, name = "fr", "the document"
    if change == "document":
        source.write_text(TEXT + "more\n")
    elif change == "language":
        to, name = "de", "to"
    else:
        arguments += ["--temperature", "0.5", "--seed", "3"]
        name = "temperature, seed"
    assert translate(*arguments, to=to) == 0
    assert f"is begun anew: {name} changed" in capsys.readouterr().err
    assert len(fake.completer.requests) >= 8


def test_a_private_run_leaves_nothing_of_the_text(
    fake: FakeOpening, source: Path, tmp_path: Path
) -> None:
    stop_at(fake, "5")
    target = tmp_path / "out.txt"
    assert translate("--in", source, "-o", target, "--private") == 130
    assert journals() == []
    go_on(fake)
    assert translate("--in", source, "-o", target, "--private") == 0
    assert len(fake.completer.requests) == 8


def test_another_output_is_another_job(
    fake: FakeOpening, source: Path, tmp_path: Path
) -> None:
    stop_at(fake, "5")
    translate("--in", source, "-o", tmp_path / "out.txt")
    go_on(fake)
    assert translate("--in", source, "-o", tmp_path / "other.txt") == 0
    assert len(fake.completer.requests) == 8
    assert len(journals()) == 2


def test_a_file_that_replaced_its_source_is_not_translated_again(
    fake: FakeOpening,
    source: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def stop(journal: Journal) -> None:
        journal.close()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "remove", stop)
        assert translate("--in", source, "-o", source) == 130
    assert source.read_text() == TEXT.upper()
    fake.completer.answer = str.swapcase
    assert translate("--in", source, "-o", source) == 0
    assert source.read_text() == TEXT.upper()
    assert "was written by an earlier run" in capsys.readouterr().err


def test_a_full_disk_keeps_what_was_done(
    fake: FakeOpening,
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    written = []

    def write(self: object, data: bytes) -> int:
        written.append(data)
        if len(written) > 6:
            raise OSError(28, "No space left on device")
        return len(data)

    with monkeypatch.context() as patch:
        patch.setattr("polyspec.documents.output_file.OutputBytes.write", write)
        assert translate("--in", source, "-o", tmp_path / "out.txt") == 4
    assert "are kept; run the same command" in capsys.readouterr().err
    go_on(fake)
    assert translate("--in", source, "-o", tmp_path / "out.txt") == 0
    assert 0 < len(fake.completer.requests) < 8


@pytest.mark.parametrize("suffix", [".json", ".md", ".html"])
def test_a_report_names_what_needs_a_look(
    suffix: str, fake: FakeOpening, source: Path, tmp_path: Path
) -> None:
    fake.completer.answer = lambda text: text if "3" in text else text.upper()
    report = tmp_path / f"report{suffix}"
    target = tmp_path / "out.txt"
    assert translate("--in", source, "-o", target, "--report", report) == 0
    text = report.read_text()
    assert "the answer repeats the source text" in text
    assert "Line number 3 is here." in text
    assert "Line number 4" not in text
    if suffix == ".json":
        fields = json.loads(text)
        assert (fields["num_segments"], fields["num_kept"]) == (8, 1)
        (flag,) = fields["flagged"]
        assert (flag["number"], flag["is_kept"]) == (4, True)


def test_the_summary_tells_size_time_speed_and_flags(
    fake: FakeOpening,
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake.completer.answer = lambda text: text if "3" in text else text.upper()
    assert translate("--in", source, "-o", tmp_path / "out.txt") == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert re.search(
        r"8 segments, 40 words in \d+\.\d s, \d+ tokens/s, 1 flagged\n", err
    )
    assert "1 of 8 segments need a look; 1 of them keep their source text" in err


def test_a_report_without_a_format_is_refused(
    fake: FakeOpening, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert translate("--in", source, "--report", "report.doc") == 2
    assert ".json, .md, .html" in capsys.readouterr().err
    assert not fake.opened


def test_a_report_of_a_text_that_is_only_shown_is_refused(
    fake: FakeOpening,
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert translate("--in", source, "--report", tmp_path / "report.md") == 2
    assert "that become a file" in capsys.readouterr().err
    assert not fake.opened


def test_segments_of_a_folder_are_no_json(
    fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert translate("--in", tmp_path, "-o", tmp_path / "out", "--json") == 2
    assert "do not go with a folder" in capsys.readouterr().err


def test_segments_of_a_document_are_no_json(
    fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "a.html"
    page.write_text("<html><p>One</p></html>")
    assert translate("--in", page, "--json") == 2
    assert "do not go with the format html" in capsys.readouterr().err
    assert translate("--in", page, "--json", "--format", "text") == 0


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT", "SIGTERM"])
def test_a_run_that_is_killed_goes_on(name: str, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    source.write_text(TEXT + "Endless\n")
    arguments = ["--in", str(source), "-o", str(target), "--to", "fr"]
    process = start("EndlessCompleter()", *arguments)
    assert process.stderr is not None
    while process.stderr.readline() != b"it never ends\n":
        pass
    process.send_signal(getattr(signal, name))
    status, _, err = finish(process)
    assert status == (-9 if name == "SIGKILL" else 130)
    assert name == "SIGKILL" or "8 segments are kept" in err
    assert not target.exists()
    status, _, err = finish(start("FakeCompleter()", *arguments))
    assert status == 0
    assert "8 segments are there already" in err
    assert target.read_text() == f"{TEXT}Endless\n".upper()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "out.txt"]


@POSIX
@pytest.mark.slow
def test_a_pause_stops_the_process_until_it_is_told_to_go_on(
    source: Path, tmp_path: Path
) -> None:
    source.write_text(TEXT * 200)
    arguments = ["--in", str(source), "-o", str(tmp_path / "out.txt"), "--to", "fr"]
    process = start("FakeCompleter()", *arguments)
    deadline_s = time.monotonic() + 60
    while not list(tmp_path.glob(".polyspec-*")):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    process.send_signal(signal.SIGTSTP)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    process.send_signal(signal.SIGCONT)
    assert finish(process)[0] == 0
    assert (tmp_path / "out.txt").read_text() == (TEXT * 200).upper()
