"""`polyspec translate` with a scripted model: what goes in, out, and wrong."""

import io
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from polyspec.catalog.task import Task
from polyspec.cli import main
from polyspec.errors import ModelError
from tests.fakes_completer import FakeCompleter
from tests.fakes_translator import ENDLESS, FakeOpening

ROOT = Path(__file__).resolve().parents[2]
TWO_PARAGRAPHS = "The library opens at nine.\n\nBring your card.\n"
LETTER = "Dear Ada,\n\n  It rains. Come soon!\r\n\r\n\t42\nYours"
POSIX = pytest.mark.skipif(os.name == "nt", reason="signals and pipes of another kind")
NO_DEVICE = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="there is no full device"
)
Feed = Callable[[bytes], None]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeOpening:
    """A translator into capitals."""
    opening = FakeOpening()
    monkeypatch.setattr("polyspec.translator.open_translator", opening)
    return opening


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Feed:
    """Put bytes on standard input."""

    def put(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return put


class Terminal(io.TextIOWrapper):
    """Says that it is one."""

    def __init__(self, data: bytes = b"") -> None:
        self.bytes = io.BytesIO(data)
        super().__init__(self.bytes)

    def isatty(self) -> bool:
        return True


def translate(*arguments: str) -> int:
    return main.main(["translate", *arguments])


def start(
    completer: str,
    *arguments: str,
    command: str = "translate",
    setup: str = "",
    stdout: int = subprocess.PIPE,
) -> "subprocess.Popen[bytes]":
    """Run the command in a process of its own, with a scripted model in it."""
    script = (
        "from tests.fakes_completer import *\n"
        "from tests.fakes_translator import *\n"
        f"{setup}\nrun_with({completer})\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script, command, *arguments],
        cwd=ROOT,
        bufsize=0,  # what was read ahead would be lost to `communicate`
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.PIPE,
    )


def finish(
    process: "subprocess.Popen[bytes]", data: bytes = b""
) -> tuple[int, bytes, str]:
    """Exit status, standard output and standard error."""
    with process:
        out, err = process.communicate(data, timeout=60)
    return process.returncode, out, err.decode()


def test_two_paragraphs_become_two_and_nothing_else(
    fake: FakeOpening, feed: Feed, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(TWO_PARAGRAPHS.encode())
    assert translate("--to", "fr") == 0
    assert capsys.readouterr() == (TWO_PARAGRAPHS.upper(), "")
    assert (len(fake.opened), fake.num_closed, fake.completer.num_runs) == (1, 1, 1)


def test_words_in_the_arguments_are_one_line(
    fake: FakeOpening, capsys: pytest.CaptureFixture[str]
) -> None:
    assert translate("Good", "morning.", "--to", "fr") == 0
    assert capsys.readouterr() == ("GOOD MORNING.\n", "")


def test_a_file_as_the_text_is_told_of(
    fake: FakeOpening,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("letter.txt").write_text(LETTER, "utf-8")
    assert translate("letter.txt", "--to", "fr") == 0
    out, err = capsys.readouterr()
    assert out == "LETTER.TXT\n"
    assert "letter.txt is a file; to translate what is in it: --in" in err
    assert translate("Good." + 300 * "a", "--to", "fr") == 0
    assert not capsys.readouterr().err


def test_a_file_keeps_its_layout_to_the_byte(
    fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "letter.txt"
    file.write_bytes(LETTER.encode())
    assert translate("--in", str(file), "--to", "fr") == 0
    assert capsys.readouterr() == (LETTER.upper(), "")


def test_a_dash_is_standard_input_and_output(
    fake: FakeOpening, feed: Feed, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(b"hello\n")
    assert translate("--in", "-", "-o", "-", "--to", "fr") == 0
    assert capsys.readouterr() == ("HELLO\n", "")


def test_the_output_file_gets_all_and_stdout_nothing(
    fake: FakeOpening, feed: Feed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(LETTER.encode())
    file = tmp_path / "out.txt"
    assert translate("-o", str(file), "--to", "fr") == 0
    assert file.read_bytes() == LETTER.upper().encode()
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
    assert capsys.readouterr() == ("", "")


def test_the_input_may_be_the_output(fake: FakeOpening, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    text = "A line to be translated.\n" * 20_000
    file.write_text(text, encoding="utf-8", newline="")
    file.chmod(0o640)
    fake.completer.piece_chars = 10_000
    assert translate("--in", str(file), "-o", str(file), "--to", "fr") == 0
    assert file.read_text(encoding="utf-8") == text.upper()
    if os.name != "nt":
        assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_byte_order_mark_is_kept_in_a_file(
    fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_bytes(b"\xef\xbb\xbfhello\r\n")
    assert translate("--in", str(source), "-o", str(target), "--to", "fr") == 0
    assert target.read_bytes() == b"\xef\xbb\xbfHELLO\r\n"
    capsys.readouterr()
    assert translate("--in", str(source), "--to", "fr") == 0
    assert capsys.readouterr() == ("HELLO\r\n", "")


@pytest.mark.parametrize("is_file_there", [True, False])
def test_an_output_that_fails_leaves_the_older_file_alone(
    is_file_there: bool,
    fake: FakeOpening,
    feed: Feed,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    feed(b"One.\n" + b"x" * 100_000 + b"\nTwo.\xff\n")
    file = tmp_path / "out.txt"
    if is_file_there:
        file.write_bytes(b"precious")
    assert translate("-o", str(file), "--to", "fr") == 4
    assert file.exists() == is_file_there
    assert not is_file_there or file.read_bytes() == b"precious"
    partial = (tmp_path / "out.txt.partial").read_bytes()
    assert partial.startswith(b"ONE.\nXXX")
    assert "byte 100010 is not valid UTF-8" in capsys.readouterr().err


def test_an_output_folder_that_is_missing_is_named(
    fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "missing" / "out.txt"
    assert translate("hello", "-o", str(file), "--to", "fr") == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"polyspec: cannot write {file}: its folder does not exist; "
        "create the folder first\n"
    )


def test_a_folder_is_no_output(
    fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert translate("hello", "-o", str(tmp_path), "--to", "fr") == 4
    assert "it is a folder; name a file in it" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["--json"], ["--stats"], ["--exact", "--parallel", "1"]]
)
def test_empty_input_is_empty_output_and_no_model(
    arguments: list[str],
    fake: FakeOpening,
    feed: Feed,
    capsys: pytest.CaptureFixture[str],
) -> None:
    feed(b"")
    assert translate("--to", "fr", *arguments) == 0
    assert capsys.readouterr() == ("", "")
    assert fake.opened == []


def test_an_empty_argument_is_empty_output(
    fake: FakeOpening, capsys: pytest.CaptureFixture[str]
) -> None:
    assert translate("", "--to", "fr") == 0
    assert capsys.readouterr() == ("", "")
    assert fake.opened == []


def test_an_empty_file_makes_an_empty_file(fake: FakeOpening, tmp_path: Path) -> None:
    source, target = tmp_path / "in.txt", tmp_path / "out.txt"
    source.touch()
    target.write_bytes(b"old")
    assert translate("--in", str(source), "-o", str(target), "--to", "fr") == 0
    assert target.read_bytes() == b""
    assert fake.opened == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "out.txt"]


@pytest.mark.parametrize("text", ["\n", " \t\n\n", "\r\n", "\u3000\n", "42\n\n3.14\n"])
def test_what_holds_no_words_comes_back_as_it_is(
    text: str, fake: FakeOpening, feed: Feed, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(text.encode())
    assert translate("--to", "fr") == 0
    assert capsys.readouterr() == (text, "")
    assert fake.completer.requests == []


@pytest.mark.parametrize(
    "arguments", [["--to", "Frensh"], ["--to", "fr", "--from", "Frensh"]]
)
def test_an_unknown_language_is_refused_before_a_model_is_loaded(
    arguments: list[str], fake: FakeOpening, capsys: pytest.CaptureFixture[str]
) -> None:
    assert translate("hello", *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "'Frensh'" in err
    assert "French" in err
    assert err.count("\n") == 1
    assert fake.opened == []


@pytest.mark.parametrize("text", ["hello", ""])
def test_a_missing_target_language_is_refused_before_a_model_is_loaded(
    text: str, fake: FakeOpening, capsys: pytest.CaptureFixture[str]
) -> None:
    assert translate(text) == 2
    assert capsys.readouterr() == (
        "",
        "polyspec: no target language is named; pass --to CODE, for example --to fr\n",
    )
    assert fake.opened == []


def test_the_target_language_may_come_from_the_environment(
    fake: FakeOpening,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("POLYSPEC_TO", "fr")
    assert translate("hello") == 0
    assert capsys.readouterr() == ("HELLO\n", "")


def test_a_missing_model_says_how_to_get_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert translate("hello", "--to", "fr") == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("polyspec: no model is installed: ")
    assert err.endswith("; polyspec models pull\n")


def test_a_model_that_does_not_exist_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert translate("hello", "--to", "fr", "--model", "gema-3-270m") == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert "gema-3-270m" in err
    assert "gemma-3-270m" in err


@pytest.mark.parametrize("name", ["missing.txt", "a\nb.txt"])
def test_a_file_that_cannot_be_read_is_one_line(
    name: str, fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert translate("--in", str(tmp_path / name), "--to", "fr") == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"polyspec: cannot read {tmp_path}")
    assert err.count("\n") == 1
    assert "there is no such file" in err
    assert fake.opened == []


@pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="this user may read everything"
)
def test_a_file_that_may_not_be_read_says_so(
    fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "secret.txt"
    file.touch(mode=0o000)
    assert translate("--in", str(file), "--to", "fr") == 4
    assert "reading it is not allowed" in capsys.readouterr().err


def test_bytes_that_are_no_utf8_are_named_with_their_offset(
    fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cafe.txt"
    file.write_bytes("A café.\n".encode("latin-1"))
    assert translate("--in", str(file), "--to", "fr") == 4
    assert capsys.readouterr() == (
        "",
        f"polyspec: cannot read {file}: byte 5 is not valid UTF-8; "
        "name its encoding, for example --encoding latin-1\n",
    )
    assert fake.opened == []


def test_another_encoding_is_read_when_it_is_named(
    fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cafe.txt"
    file.write_bytes("A café.\n".encode("latin-1"))
    assert translate("--in", str(file), "--encoding", "latin-1", "--to", "fr") == 0
    assert capsys.readouterr() == ("A CAFÉ.\n", "")


def test_an_unknown_encoding_is_refused(
    fake: FakeOpening, feed: Feed, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(b"hello")
    assert translate("--encoding", "utf-9", "--to", "fr") == 2
    assert "utf-9" in capsys.readouterr().err


def test_an_argument_that_is_no_text_is_refused(
    fake: FakeOpening, capsys: pytest.CaptureFixture[str]
) -> None:
    assert translate("caf\udce9", "--to", "fr") == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert "--encoding" in err


def test_a_nul_byte_is_named_with_its_offset(
    fake: FakeOpening, feed: Feed, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(b"hello\0world")
    assert translate("--to", "fr") == 4
    assert capsys.readouterr() == (
        "",
        "polyspec: cannot read standard input: there is a NUL byte at offset 5: it "
        "looks like a binary file; give a text file, or name its encoding, for "
        "example --encoding utf-16\n",
    )
    assert fake.opened == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("unit", "size_bytes", "languages"),
    [
        ("abcdefghij", 5_000_000, ["--to", "fr"]),
        ("The old harbour was quiet. ", 500_000, ["--to", "fr"]),
        ("東京は晴れです。", 500_000, ["--from", "ja", "--to", "zh"]),
    ],
)
def test_a_line_of_megabytes_is_translated_completely(
    unit: str, size_bytes: int, languages: list[str], fake: FakeOpening, tmp_path: Path
) -> None:
    text = unit * (size_bytes // len(unit.encode()))
    source, target = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text(text, encoding="utf-8", newline="")
    fake.completer.piece_chars = 10_000
    assert translate("--in", str(source), "-o", str(target), *languages) == 0
    assert target.read_text(encoding="utf-8") == text.upper()


def test_json_is_one_object_a_segment(
    fake: FakeOpening, feed: Feed, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(TWO_PARAGRAPHS.encode())
    assert translate("--to", "pt-BR", "--json") == 0
    out, err = capsys.readouterr()
    first, blank, second = (json.loads(line) for line in out.splitlines())
    assert first == {
        "source": "The library opens at nine.",
        "text": "THE LIBRARY OPENS AT NINE.",
        "source_language": "eng",
        "target_language": "por",
        "num_tokens": 26,
        "elapsed_s": 0.5,
        "draft": {
            "num_steps": 2,
            "num_drafted": 3,
            "num_accepted": 1,
            "accepted_by_source": {"history": 1},
        },
        "before": "",
        "after": "\n",
        "note": "",
        "recalled": False,
    }
    assert (blank["source"], blank["num_tokens"]) == ("", 0)
    assert second["text"] == "BRING YOUR CARD."
    assert err == ""


@pytest.mark.parametrize("text", [LETTER, TWO_PARAGRAPHS, "\n\n a \n", "“é”\u2028x\n"])
def test_json_segments_join_to_the_document(
    text: str, fake: FakeOpening, feed: Feed, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(text.encode())
    assert translate("--to", "fr", "--json") == 0
    # Line by line as a pipe is read: U+2028 is no line end there.
    lines = capsys.readouterr().out.removesuffix("\n").split("\n")
    segments = [json.loads(line) for line in lines]
    for name, whole in (("source", text), ("text", text.upper())):
        pieces = (f"{s['before']}{s[name]}{s['after']}" for s in segments)
        assert "".join(pieces) == whole


def test_json_can_go_to_a_file(
    fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "out.jsonl"
    assert translate("ça", "--to", "fr", "--json", "-o", str(file)) == 0
    assert json.loads(file.read_text(encoding="utf-8"))["text"] == "ÇA"
    assert capsys.readouterr().out == ""


def test_an_error_with_json_is_an_object_on_stderr(
    fake: FakeOpening, capsys: pytest.CaptureFixture[str]
) -> None:
    assert translate("hello", "--json") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err)["problem"] == "no target language is named"


def test_statistics_go_to_stderr_only(
    fake: FakeOpening, feed: Feed, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(TWO_PARAGRAPHS.encode())
    assert translate("--to", "fr", "--stats") == 0
    out, err = capsys.readouterr()
    assert out == TWO_PARAGRAPHS.upper()
    *_, speed, drafting, drafters = err.splitlines()
    assert speed.startswith("polyspec: 3 segments, 42 tokens in ")
    assert speed.endswith(" tokens/s, up to 4 side by side")
    assert drafting == (
        "polyspec: drafting: 6 tokens drafted, 2 accepted (33%; history 2), mean "
        "acceptance length 10.50 with the bonus token, 2 steps saved"
    )
    assert drafters == "polyspec: drafters: history"


def test_notes_of_the_translator_go_to_stderr(
    fake: FakeOpening, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.notes = ["drafting is off"]
    assert translate("hello", "--to", "fr") == 0
    assert capsys.readouterr() == ("HELLO\n", "polyspec: drafting is off\n")
    assert main.main(["--quiet", "translate", "hello", "--to", "fr"]) == 0
    assert capsys.readouterr() == ("HELLO\n", "")


def test_a_doubtful_segment_is_named_on_stderr(
    fake: FakeOpening, feed: Feed, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.completer.answer = lambda text: "" if "two" in text else text.upper()
    feed(b"one\ntwo\n")
    assert translate("--to", "fr") == 0
    assert capsys.readouterr() == (
        "ONE\ntwo\n",
        "polyspec: segment 2: the model gave no answer; the source text was kept\n",
    )


def test_what_was_chosen_reaches_the_translator(
    fake: FakeOpening, capsys: pytest.CaptureFixture[str]
) -> None:
    options = "--temperature 0.5 --top-k 9 --seed 3 --draft none --parallel 2 --exact"
    assert translate("hello", "--to", "fr", *options.split()) == 0
    (settings,) = fake.opened
    assert (settings.draft, settings.parallel, settings.exact) == ("none", 2, True)
    (request,) = fake.completer.requests
    assert (request.sampling.temperature, request.sampling.top_k) == (0.5, 9)
    assert request.sampling.seed == 3


@pytest.mark.parametrize("name", ["history2", "tables", ""])
def test_an_unknown_drafter_is_refused_before_a_model_is_looked_for(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert translate("hello", "--to", "fr", "--draft", name) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "draft" in err


def test_two_texts_are_refused(
    fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "in.txt"
    file.touch()
    assert translate("hello", "--in", str(file), "--to", "fr") == 2
    assert "there are two texts to translate" in capsys.readouterr().err


def test_a_terminal_without_a_text_is_told_what_to_do(
    fake: FakeOpening,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(b"hello"))
    assert translate("--to", "fr") == 2
    assert capsys.readouterr() == (
        "",
        "polyspec: there is no text to translate; "
        "give it as an argument, with --in FILE, or through a pipe\n",
    )
    assert fake.opened == []


def test_a_closed_standard_input_is_no_text(
    fake: FakeOpening,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert translate("--to", "fr") == 2
    assert "there is no text to translate" in capsys.readouterr().err


def test_a_terminal_shows_the_text_as_it_is_written(
    fake: FakeOpening, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[bytes] = []
    terminal = Terminal()
    monkeypatch.setattr(
        terminal, "flush", lambda: writes.append(terminal.bytes.getvalue())
    )
    monkeypatch.setattr(sys, "stdout", terminal)
    feed(TWO_PARAGRAPHS.encode())
    assert translate("--to", "fr") == 0
    assert terminal.bytes.getvalue().decode() == TWO_PARAGRAPHS.upper()
    assert b"THE LIB" in {written.rstrip()[:7] for written in writes}
    assert len({len(written) for written in writes}) > 10


def test_a_withdrawn_segment_is_written_again_on_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
    feed: Feed,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def answer(text: str) -> str:
        if text.startswith("We walked"):
            return "Alas. " + "no no no " * 20
        return text.upper()

    source = "We walked along the river, and it was too dark to see the path.\n"
    opening = FakeOpening(FakeCompleter(answer, num_places=1))
    monkeypatch.setattr("polyspec.translator.open_translator", opening)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    feed(f"{source}Bye.\n".encode())
    assert translate("--to", "fr") == 0
    shown = terminal.bytes.getvalue().decode()
    first, *rest = shown.splitlines()
    assert first.startswith("Alas. no no")
    assert len(first) < 60
    assert rest[-1] == "BYE."
    assert "IT WAS TOO DARK TO SEE THE PATH." in rest[-2]
    assert "the last segment went wrong; it is written again" in (
        capsys.readouterr().err
    )


def test_a_withdrawn_segment_is_never_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch,
    feed: Feed,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def answer(text: str) -> str:
        return "no " * 60 if text.startswith("We walked") else text.upper()

    opening = FakeOpening(FakeCompleter(answer))
    monkeypatch.setattr("polyspec.translator.open_translator", opening)
    feed(b"We walked along the river, and it was too dark to see the path.\n")
    assert translate("--to", "fr") == 0
    out, _ = capsys.readouterr()
    assert out.count("\n") == 1
    assert out.endswith("IT WAS TOO DARK TO SEE THE PATH.\n")


def test_a_model_that_fails_half_way_keeps_what_was_finished(
    fake: FakeOpening,
    feed: Feed,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def answer(text: str) -> str:
        if "two" in text:
            raise ModelError("it failed", cause="as asked", remedy="none")
        return text.upper()

    fake.completer.answer, fake.completer.num_places = answer, 1
    feed(b"one\ntwo\n")
    assert translate("--to", "fr") == 3
    assert capsys.readouterr() == ("ONE\n", "polyspec: it failed: as asked; none\n")
    assert (fake.num_closed, fake.completer.num_closed) == (1, 1)
    feed(b"one\ntwo\n")
    file = tmp_path / "out.txt"
    assert translate("--to", "fr", "-o", str(file)) == 3
    assert not file.exists()
    assert (tmp_path / "out.txt.partial").read_bytes() == b"ONE\n"


@POSIX
@pytest.mark.slow
def test_a_closed_pipe_ends_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        process = start("FakeCompleter()", "--to", "fr", stdout=writing)
    finally:
        os.close(writing)
    status, _, err = finish(process, TWO_PARAGRAPHS.encode())
    assert (status, err) == (141, "")


@POSIX
@pytest.mark.slow
def test_a_reader_that_stops_reading_stops_the_work(tmp_path: Path) -> None:
    file = tmp_path / "in.txt"
    file.write_text("one\n" + "more\n" * 50_000 + ENDLESS, encoding="utf-8")
    process = start("EndlessCompleter()", "--in", str(file), "--to", "fr")
    assert process.stdout is not None
    assert process.stdout.readline() == b"ONE\n"
    process.stdout.close()
    process.stdout = None
    status, _, err = finish(process)
    assert (status, err) == (141, "the run was closed\n")


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize("to_file", [False, True])
def test_an_interruption_keeps_the_finished_segments(
    to_file: bool, tmp_path: Path
) -> None:
    file = tmp_path / "out.txt"
    file.write_bytes(b"precious")
    options = ["-o", str(file)] if to_file else []
    process = start("EndlessCompleter()", "--to", "fr", *options)
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write(f"one\n\ntwo\n{ENDLESS} it is\nthree\n".encode())
    process.stdin.close()
    process.stdin = None
    assert process.stderr.readline() == b"it never ends\n"
    process.send_signal(signal.SIGINT)
    status, out, err = finish(process)
    assert (status, err) == (130, "the run was closed\npolyspec: interrupted\n")
    assert file.read_bytes() == b"precious"
    partial = tmp_path / "out.txt.partial"
    assert partial.exists() == to_file
    assert (partial.read_bytes() if to_file else out) == b"ONE\n\nTWO\n"
    assert not to_file or out == b""
    assert list(tmp_path.glob(".polyspec-*")) == []


@POSIX
@pytest.mark.slow
def test_an_interruption_while_waiting_for_input_ends_quietly() -> None:
    process = start("EndlessCompleter()", "--to", "fr")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"one\ntwo")
    process.stdin.flush()
    assert process.stdout.readline() == b"ONE\n"
    process.send_signal(signal.SIGINT)
    status, out, err = finish(process)
    assert (status, out) == (130, b"")
    assert err.splitlines()[-1] == "polyspec: interrupted"
    assert "Traceback" not in err


@NO_DEVICE
@pytest.mark.slow
def test_a_full_disk_under_stdout_is_explained() -> None:
    with Path("/dev/full").open("wb") as full:
        process = start("FakeCompleter()", "--to", "fr", stdout=full.fileno())
        status, _, err = finish(process, TWO_PARAGRAPHS.encode())
    assert status == 4
    assert err == (
        "polyspec: the result cannot be written to standard output: "
        "no space left on device; free some space there\n"
    )


@NO_DEVICE
def test_a_full_device_named_as_output_is_explained(
    fake: FakeOpening, capsys: pytest.CaptureFixture[str]
) -> None:
    assert translate("hello", "--to", "fr", "-o", "/dev/full") == 4
    assert capsys.readouterr() == (
        "",
        "polyspec: cannot write /dev/full: the disk is full; "
        "free some space and run it again\n",
    )


@POSIX
@pytest.mark.slow
def test_a_disk_that_fills_while_writing_leaves_the_older_file_alone(
    tmp_path: Path,
) -> None:
    file = tmp_path / "out.txt"
    file.write_bytes(b"precious")
    limit = 50_000
    setup = (
        f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({limit},) * 2)"
    )
    process = start("FakeCompleter()", "--to", "fr", "-o", str(file), setup=setup)
    status, out, err = finish(process, b"A line of text.\n" * 10_000)
    assert (status, out) == (4, b"")
    assert err == (
        f"polyspec: cannot write {file}: the disk is full; "
        "free some space and run it again\n"
    )
    assert file.read_bytes() == b"precious"
    partial = (tmp_path / "out.txt.partial").read_bytes()
    assert partial == (b"A LINE OF TEXT.\n" * 10_000)[: len(partial)]
    assert 0 < len(partial) <= limit


@POSIX
@pytest.mark.slow
def test_an_open_pipe_can_be_named_as_output() -> None:
    process = start("FakeCompleter()", "--to", "fr", "-o", "/dev/stdout")
    assert finish(process, b"hello\n") == (0, b"HELLO\n", "")


ENGLISH = "The library opens at nine and closes late in the evening."
GERMAN = "Die Bibliothek öffnet um neun und schließt erst spät am Abend."


@pytest.mark.parametrize(
    ("text", "flags", "task"),
    [
        (ENGLISH, (), Task("eng", "fra")),
        (GERMAN, (), Task("deu", "fra")),
        (GERMAN, ("--from", "en"), Task("eng", "fra")),
        (ENGLISH, ("--draft", "model"), Task("eng", "fra", is_general=True)),
    ],
)
def test_a_model_is_chosen_for_the_languages_of_the_text(
    fake: FakeOpening, text: str, flags: tuple[str, ...], task: Task
) -> None:
    assert translate("--to", "fr", *flags, text) == 0
    assert fake.tasks == [task]


def test_a_model_is_chosen_that_follows_a_glossary(
    fake: FakeOpening, tmp_path: Path
) -> None:
    glossary = tmp_path / "terms.csv"
    glossary.write_text("library,bibliothèque\n", "utf-8")
    assert translate("--to", "fr", "--glossary", str(glossary), ENGLISH) == 0
    assert fake.tasks == [Task("eng", "fra", is_general=True)]
