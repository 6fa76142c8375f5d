"""`polyspec drafts` and `polyspec train draft` with a small random target."""

import json
from pathlib import Path

import pytest

from polyspec.cli import main
from polyspec.gguf_header import read_gguf_header, tokenizer_fingerprint
from polyspec.training.journal import Entry, Journal, Subject
from polyspec.training.surgery import read_card
from tests.tiny_gemma import write_tiny_gemma

TEXT = "".join(f"one two {number}\n" for number in range(40))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return write_tiny_gemma(tmp_path / "target.gguf")


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text(TEXT)
    return tmp_path / "text.txt"


def make(target: Path, *arguments: str | Path) -> int:
    command = ["drafts", "make", "--target", str(target), "--vocab", "de,en"]
    return main.main([*command, *map(str, arguments)])


@pytest.fixture
def draft(target: Path, text: Path) -> Path:
    path = target.with_name("draft.gguf")
    assert make(target, "--layers", "2", "--corpus", text, "-o", path) == 0
    return path


def test_a_draft_is_made_and_says_what_it_keeps(
    target: Path, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = target.with_name("draft.gguf")
    assert make(target, "--layers", "2", "--corpus", text, "-o", draft) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{draft}\n"
    assert "kept 2 layers (0, 5) and 260 of 301 tokens" in printed.err
    assert read_card(read_gguf_header(draft)) == {
        "target": "target",
        "layers": "0,5",
        "languages": "deu,eng",
    }


def test_layers_may_be_named(target: Path, text: Path) -> None:
    path = target.with_name("draft.gguf")
    assert make(target, "--layers", "0,1,5", "--corpus", text, "-o", path) == 0
    assert read_card(read_gguf_header(path))["layers"] == "0,1,5"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--layers", "many"), "--layers many names no layers"),
        (("--layers", "9"), "9 layers cannot be kept"),
        (("--layers", "2"), "no deu table can draft for target"),
    ],
)
def test_what_cannot_be_cut_leaves_no_file(
    target: Path,
    arguments: tuple[str, ...],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = target.with_name("draft.gguf")
    assert make(target, *arguments, "-o", path) != 0
    assert words in capsys.readouterr().err
    assert not path.exists()


def test_a_draft_never_replaces_its_target(
    target: Path, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = target.read_bytes()
    assert make(target, "--layers", "2", "--corpus", text, "-o", target) == 2
    assert "would replace" in capsys.readouterr().err
    assert target.read_bytes() == before


def write_journal(target: Path) -> Path:
    path = target.with_name("answers.jsonl")
    fingerprint = tokenizer_fingerprint(read_gguf_header(target))
    with Journal(path, Subject("target", fingerprint, "deu", "story")) as journal:
        journal.add(Entry("a key", "Eins und zwei.", tuple(range(70, 90)), False))
    return path


def test_a_draft_is_judged_on_what_its_target_wrote(
    draft: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = write_journal(target)
    command = ["drafts", "eval", str(draft), str(journal), "--target", str(target)]
    capsys.readouterr()
    assert main.main([*command, "--cost", "0.2"]) == 0
    *table, last = capsys.readouterr().out.splitlines()
    report = json.loads(last)
    (row,) = report["rows"]
    assert report["cost"] == 0.2
    assert (row["language"], row["task"]) == ("deu", "story")
    assert row["agreement"]["num_tokens"] == row["num_tokens"] == 20
    assert row["agreement"]["coverage"] == 1.0
    assert len(table) == 2


def test_a_journal_of_another_model_is_refused(
    draft: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = target.with_name("answers.jsonl")
    with Journal(path, Subject("target", "f00d", "deu", "translate")):
        pass
    command = ["drafts", "eval", str(draft), str(path), "--target", str(target)]
    assert main.main(command) == 4
    assert "fingerprint" in capsys.readouterr().err


def train(draft: Path, target: Path, *arguments: str | Path) -> int:
    command = ["train", "draft", str(draft), "--target", str(target)]
    out = target.with_name("trained.gguf")
    command += ["--language", "de", "-o", str(out), "--steps", "1", "--batch", "1"]
    return main.main([*command, "--threads", "1", *map(str, arguments)])


def test_a_draft_is_trained_on_a_text(
    draft: Path, target: Path, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    capsys.readouterr()
    arguments = ("--strategy", "mono", "--text", text, "--tokens", "60")
    assert train(draft, target, *arguments) == 0
    printed = capsys.readouterr()
    out = target.with_name("trained.gguf")
    assert printed.out == f"{out}\n"
    assert "torch and llama.cpp choose the same token at" in printed.err
    assert read_card(read_gguf_header(out))["trained for"] == "deu"
    assert train(draft, target, *arguments) == 0


def test_without_torch_the_remedy_is_named(
    draft: Path,
    target: Path,
    text: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("polyspec.training.requirements.find_spec", lambda name: None)
    assert train(draft, target, "--strategy", "mono", "--text", text) == 2
    assert 'pip install "polyspec[train]"' in capsys.readouterr().err


def test_an_unknown_strategy_is_refused(
    draft: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(draft, target, "--strategy", "guess") == 2
    assert "there are task, mono, mixed" in capsys.readouterr().err
