"""`polyspec train adapter` on a small random model."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("gguf")

from polyspec.catalog.adapters import find_base
from polyspec.catalog.store import model_path
from polyspec.cli import main
from polyspec.gguf_header import GgufHeader, read_gguf_header
from tests.tiny_gemma import write_tiny_gemma


@pytest.fixture
def base() -> GgufHeader:
    path = model_path("tiny")
    path.parent.mkdir(parents=True, exist_ok=True)
    return read_gguf_header(write_tiny_gemma(path, 2))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    lines = [f"w{i} w2 w3 w4 w5\tw{i} w7 w8 w9 w10" for i in range(30)]
    path = tmp_path / "deu.tsv"
    path.write_text("\n".join(lines), "utf-8")
    return path


def run_command(pairs: Path, out: Path, *more: str) -> int:
    command = ["train", "adapter", "--target", "tiny", "--pairs", str(pairs)]
    sizes = ["--steps", "6", "--rank", "4", "--batch", "2", "--threads", "1"]
    return main.main([*command, *sizes, "-o", str(out), *more])


def test_the_command_makes_an_adapter_that_names_its_model(
    base: GgufHeader, pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tiny-translate.gguf"
    card = ("--corpus", "made up", "--figures", "none")
    assert run_command(pairs, out, *card) == 0
    assert capsys.readouterr().out == f"{out}\n"
    header = read_gguf_header(out)
    assert find_base(header) == base.path
    assert header.text("polyspec.adapter.corpus") == "made up"
    assert header.text("polyspec.adapter.figures") == "none"
    assert header.text("polyspec.adapter.languages") == "German"
    assert header.text("general.license.name") == "Gemma Terms of Use"
    assert header.text("polyspec.adapter.steps") == "6"


def test_the_command_goes_on(
    base: GgufHeader, pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tiny-translate.gguf"
    assert run_command(pairs, out, "--minutes", "0.1", "--steps", "3") == 0
    assert run_command(pairs, out) == 0
    assert "going on after step 3" in capsys.readouterr().err


def test_the_command_begins_with_an_adapter(
    base: GgufHeader, pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first.gguf", tmp_path / "second.gguf"
    assert run_command(pairs, first) == 0
    assert run_command(pairs, second, "--start", str(first)) == 0
    header = read_gguf_header(second)
    assert header.text("polyspec.adapter.start") == "first (steps: 6)"
    third = tmp_path / "third.gguf"
    assert run_command(pairs, third, "--start", str(base.path)) == 3
    assert "it is no adapter" in capsys.readouterr().err
    assert not third.exists()


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (("--weight", "fra=2"), "'fra=2' is no weight of a file"),
        (("--weight", "deu=much"), "'deu=much' is no weight of a file"),
        (("--format", "q8_0"), "rank 4 cannot be written as q8_0"),
        (("--device", "abacus"), "nothing can be trained on 'abacus'"),
    ],
)
def test_wrong_options_are_refused(
    base: GgufHeader,
    pairs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    problem: str,
) -> None:
    assert run_command(pairs, tmp_path / "out.gguf", *more) == 2
    assert problem in capsys.readouterr().err
    assert not (tmp_path / "out.gguf").exists()


def test_the_libraries_for_training_are_asked_for(
    base: GgufHeader,
    pairs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("polyspec.training.requirements.find_spec", lambda name: None)
    assert run_command(pairs, tmp_path / "out.gguf") == 2
    assert 'pip install "polyspec[train]"' in capsys.readouterr().err


def test_a_translator_learns_from_its_own_translations(
    base: GgufHeader, pairs: Path, tmp_path: Path
) -> None:
    pytest.importorskip("sacrebleu")
    start, out = tmp_path / "start.gguf", tmp_path / "better.gguf"
    assert run_command(pairs, start) == 0
    more = ("--objective", "chrf++", "--start", str(start), "--steps", "2")
    assert run_command(pairs, out, *more) == 0
    assert read_gguf_header(out).text("polyspec.adapter.objective") == "chrf++"


@pytest.mark.parametrize(
    ("objective", "problem"),
    [
        ("chrf++", "no translator cannot learn from its own"),
        ("bleu", "there is no objective 'bleu'"),
    ],
)
def test_an_objective_that_cannot_be_followed_is_refused(
    base: GgufHeader,
    pairs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    objective: str,
    problem: str,
) -> None:
    out = tmp_path / "out.gguf"
    assert run_command(pairs, out, "--objective", objective) != 0
    assert problem in capsys.readouterr().err
    assert not out.exists()
