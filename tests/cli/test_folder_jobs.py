"""`polyspec translate` with folders, watched ones, and lines as they arrive."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from polyspec.cli import main
from polyspec.cli.active_time import ActiveClock
from polyspec.cli.folder_files import Watch
from polyspec.paths import state_dir
from tests.cli.test_translate import POSIX, finish, start
from tests.fakes_translator import FakeOpening

FILES = {
    "a.txt": "One.\n",
    "deep/b.md": "# Two\n\nThree\n",
    "deep/er/c.json": '{"four": "Five"}\n',
    "image.png": "\x89PNG",
    "deep/code.py": "six = 6\n",
    ".hidden/d.txt": "Seven\n",
}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeOpening:
    """A translator into capitals."""
    opening = FakeOpening()
    monkeypatch.setattr("polyspec.translator.open_translator", opening)
    return opening


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="latin-1")
    return folder


def translate(*arguments: str | Path) -> int:
    return main.main(["translate", *map(str, arguments), "--to", "fr"])


def names(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
    )


def test_a_folder_keeps_its_structure(
    fake: FakeOpening,
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = tmp_path / "out"
    assert translate("--in", source, "-o", target) == 0
    assert names(target) == ["a.txt", "deep/b.md", "deep/er/c.json"]
    assert (target / "deep/b.md").read_text() == "# TWO\n\nTHREE\n"
    assert (target / "deep/er/c.json").read_text() == '{"four": "FIVE"}\n'
    err = capsys.readouterr().err
    assert "3 documents translated, 2 files of no known format" in err
    assert "4 segments, 4 words in" in err
    assert len(fake.opened) == 1
    assert list((state_dir() / "jobs").glob("*")) == []


def test_other_files_can_be_copied(
    fake: FakeOpening, source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    assert translate("--in", source, "-o", target, "--copy-others") == 0
    assert (target / "image.png").read_bytes() == (source / "image.png").read_bytes()
    assert ".hidden/d.txt" not in names(target)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--include", "*.md"], ["deep/b.md"]),
        (["--include", "*.md", "--include", "a.*"], ["a.txt", "deep/b.md"]),
        (["--exclude", "deep/*"], ["a.txt"]),
        (["--include", "deep/*", "--exclude", "*.json"], ["deep/b.md"]),
    ],
)
def test_patterns_choose_files(
    arguments: list[str],
    expected: list[str],
    fake: FakeOpening,
    source: Path,
    tmp_path: Path,
) -> None:
    target = tmp_path / "out"
    assert translate("--in", source, "-o", target, *arguments) == 0
    assert names(target) == expected


def test_a_folder_of_translations_inside_is_not_translated(
    fake: FakeOpening, source: Path
) -> None:
    assert translate("--in", source, "-o", source / "fr") == 0
    assert translate("--in", source, "-o", source / "fr") == 0
    assert names(source / "fr") == ["a.txt", "deep/b.md", "deep/er/c.json"]


@pytest.mark.parametrize("num_jobs", [1, 2, 3, 9])
def test_documents_may_share_the_places_of_the_model(
    num_jobs: int, fake: FakeOpening, source: Path, tmp_path: Path
) -> None:
    for number in range(1, 6):
        text = "".join(f"Text {number} and {line}\n" for line in range(number))
        (source / f"{number}.txt").write_text(text)
    (source / "4.json").write_text('{"a": ')
    target = tmp_path / "out"
    assert translate("--in", source, "-o", target, "--jobs", str(num_jobs)) == 4
    assert names(target) == [
        "1.txt", "2.txt", "3.txt", "4.txt", "5.txt", "a.txt", "deep/b.md",
        "deep/er/c.json",
    ]  # fmt: skip
    for path in range(1, 6):
        text = (source / f"{path}.txt").read_text()
        assert (target / f"{path}.txt").read_text() == text.upper()
    assert fake.completer.num_runs == -(-8 // num_jobs)


def test_what_is_left_of_a_document_that_fails_reaches_no_other(
    fake: FakeOpening, source: Path, tmp_path: Path
) -> None:
    for name in ("x.txt", "y.txt", "z.txt"):
        text = "".join(f"Text {name} and {line}\n" for line in range(5))
        (source / name).write_text(text)
    # It is found out when the others are under way.
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x.txt").mkdir()
    assert translate("--in", source, "-o", tmp_path / "out", "--jobs", "9") == 4
    for name in ("y.txt", "z.txt"):
        expected = (source / name).read_text().upper()
        assert (tmp_path / "out" / name).read_text() == expected


def test_a_document_that_fails_does_not_stop_the_rest(
    fake: FakeOpening,
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (source / "b.json").write_text('{"a": ')
    target = tmp_path / "out"
    assert translate("--in", source, "-o", target) == 4
    assert names(target) == ["a.txt", "deep/b.md", "deep/er/c.json"]
    err = capsys.readouterr().err
    assert "b.json: this is no well-formed JSON" in err
    assert "3 documents translated, 2 files of no known format, 1 failed" in err
    assert "1 documents could not be translated: b.json" in err
    (source / "b.json").write_text('{"a": "new"}')
    fake.completer.requests.clear()
    assert translate("--in", source, "-o", target) == 0
    assert len(fake.completer.requests) == 1
    assert "3 were there from an earlier run" in capsys.readouterr().err


def test_a_note_on_a_segment_names_its_document(
    fake: FakeOpening,
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake.completer.answer = lambda text: "" if text == "Five" else text.upper()
    assert translate("--in", source, "-o", tmp_path / "out") == 0
    place = source / "deep" / "er" / "c.json"
    assert f"{place}: segment 1 (four): " in capsys.readouterr().err


def test_a_stopped_folder_goes_on_where_it_was(
    fake: FakeOpening, source: Path, tmp_path: Path
) -> None:
    def answer(text: str) -> str:
        if "Three" in text:
            raise KeyboardInterrupt
        return text.upper()

    fake.completer.answer, fake.completer.num_places = answer, 1
    target = tmp_path / "out"
    assert translate("--in", source, "-o", target) == 130
    assert names(target) == ["a.txt"]
    fake.completer.answer = str.upper
    fake.completer.requests.clear()
    assert translate("--in", source, "-o", target) == 0
    assert len(fake.completer.requests) == 2
    assert (target / "deep/b.md").read_text() == "# TWO\n\nTHREE\n"
    fake.completer.requests.clear()
    assert translate("--in", source, "-o", target) == 0
    assert len(fake.completer.requests) == 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: [], "no other is named"),
        (lambda folder: ["-o", folder], "cannot take the place"),
        (lambda folder: ["-o", folder / "a.txt"], "is no folder"),
    ],
)
def test_a_folder_needs_another_to_write_to(
    make: Callable[[Path], list[str | Path]],
    message: str,
    fake: FakeOpening,
    source: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert translate("--in", source, *make(source)) == 2
    assert message in capsys.readouterr().err
    assert (source / "a.txt").read_text() == "One.\n"


def test_options_of_folders_are_refused_for_files(
    fake: FakeOpening, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert translate("--in", source / "a.txt", "--include", "*.md") == 2
    assert "are for folders" in capsys.readouterr().err


def test_a_watched_file_is_taken_when_it_rests() -> None:
    files: dict[Path, tuple[int, int]] = {Path("a"): (1, 1)}
    watch = Watch(lambda: dict(files))
    assert watch.take_changed() == []
    assert watch.take_changed() == [Path("a")]
    assert watch.take_changed() == []
    files[Path("a")] = (2, 1)
    files[Path("b")] = (2, 2)
    assert watch.take_changed() == []
    files[Path("b")] = (3, 9)  # is still being written
    assert watch.take_changed() == [Path("a")]
    assert watch.take_changed() == [Path("b")]
    del files[Path("a")]
    assert watch.take_changed() == []
    files[Path("a")] = (2, 1)
    assert watch.take_changed() == []
    assert watch.take_changed() == [Path("a")]


def test_a_watched_folder_is_translated_until_it_is_stopped(
    fake: FakeOpening,
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = tmp_path / "out"
    looks = 0
    measure_s = ActiveClock.__call__
    monkeypatch.setattr(
        ActiveClock, "__call__", lambda clock: measure_s(clock) + 1000 * looks
    )

    def look(_seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            assert names(target) == ["a.txt", "deep/b.md", "deep/er/c.json"]
            (source / "new.txt").write_text("Eight\n")
            (source / "broken.json").write_text("{")
        if looks == 6:
            raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", look)
    assert translate("--in", source, "-o", target, "--watch") == 130
    assert (target / "new.txt").read_text() == "EIGHT\n"
    err = capsys.readouterr().err
    assert "watching" in err
    # The seconds between the looks are none of work.
    times = re.findall(r"words in (\d+)\.\d s", err)
    assert len(times) >= 2
    assert max(map(int, times)) < 1000
    assert "broken.json: this is no well-formed JSON" in err


@POSIX
@pytest.mark.slow
def test_lines_are_translated_as_they_arrive() -> None:
    process = start("FakeCompleter()", "--line-buffered", "--to", "fr")
    assert process.stdin is not None
    assert process.stdout is not None
    for line in (b"one\n", b"\n", b"two. three?\r\n", "süß\n".encode()):
        process.stdin.write(line)
        process.stdin.flush()
        assert process.stdout.readline() == line.decode().upper().encode()
        time.sleep(0.01)
    process.stdin.write(b"the last")
    process.stdin.close()
    process.stdin = None
    status, out, err = finish(process)
    assert (status, out, err) == (0, b"THE LAST", "")


@POSIX
@pytest.mark.slow
def test_lines_in_another_encoding_are_refused() -> None:
    process = start("FakeCompleter()", "--line-buffered", "--to", "fr")
    status, out, err = finish(process, b"one\nw\xe4\n")
    assert status == 4
    assert "0xe4 is not valid utf-8" in err
    assert out in (b"", b"ONE\n")


def test_lines_come_from_a_pipe_only(
    fake: FakeOpening, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert translate("--line-buffered", "--in", source / "a.txt") == 2
    assert "from standard input to standard output" in capsys.readouterr().err
