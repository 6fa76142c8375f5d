"""`polyspec tables distill` with a model that answers in capitals."""

import json
from pathlib import Path

import pytest

from polyspec import paths
from polyspec.cli import main
from polyspec.gguf_header import read_gguf_header, tokenizer_fingerprint
from polyspec.tables.format import read_table_header
from polyspec.tables.reader import Table
from tests.fakes_completer import FakeCompleter
from tests.fakes_translator import FakeOpening
from tests.unit.test_distill import ByteCompleter
from tests.unit.test_tables_builder import TEXT, write_tiny_model

SENTENCES = "".join(f"the cat number {number} sat\n" for number in range(80))


class InterruptedCompleter(ByteCompleter):
    """Is interrupted at the tenth request."""

    def _answer(self, index, request):  # type: ignore[no-untyped-def]
        if index == 10:
            raise KeyboardInterrupt
        yield from super()._answer(index, request)


@pytest.fixture
def opening(monkeypatch: pytest.MonkeyPatch) -> FakeOpening:
    opening = FakeOpening(ByteCompleter())
    monkeypatch.setattr("polyspec.translator.open_translator", opening)
    return opening


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny.gguf")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    path = tmp_path / "english.txt"
    path.write_text(SENTENCES)
    return path


def distill(model: Path, *arguments: str | Path) -> int:
    command = ["tables", "distill", "--language", "de", "--model", str(model)]
    return main.main([*command, *map(str, arguments)])


def test_translations_become_a_table(
    opening: FakeOpening,
    model: Path,
    sources: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ("--task", "translate", "--sources", sources, "--tokens", "900")
    assert distill(model, *arguments) == 0
    out, err = capsys.readouterr()
    fingerprint = tokenizer_fingerprint(read_gguf_header(model))
    table = paths.data_dir() / "tables" / f"deu.{fingerprint[:12]}.gguf"
    assert out == f"{table}\n"
    assert "translate in German: 900 tokens" in err
    info = read_table_header(table)[1]
    assert info.corpora[0].name == "own output of tiny (translate)"
    assert opening.opened[0].draft == "none"
    kept = table.with_suffix(".tiny.translate.jsonl").read_text().splitlines()
    assert json.loads(kept[1])["text"].startswith("THE CAT NUMBER")
    # What is there is not written again, and the model is not even loaded.
    assert distill(model, *arguments) == 0
    assert len(opening.opened) == 1


def test_stories_are_written_without_sources(
    opening: FakeOpening, model: Path, tmp_path: Path
) -> None:
    more = tmp_path / "more.txt"
    more.write_text(TEXT)
    options = ("--with", more, "--licence", "CC0-1.0", "-o", tmp_path / "out.gguf")
    journal = tmp_path / "stories.jsonl"
    assert (
        distill(model, "--task", "story", "--tokens", "2000", "--journal", journal)
        == distill(model, "--task", "story", "--journal", journal, *options)
        == 0
    )
    names = [c.name for c in read_table_header(tmp_path / "out.gguf")[1].corpora]
    assert names == ["own output of tiny (story, counted 5 times)", "more.txt"]
    assert opening.num_closed == 2


def test_an_interrupted_run_says_where_it_goes_on(
    opening: FakeOpening,
    model: Path,
    sources: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    opening.completer = InterruptedCompleter()
    arguments = ("--task", "translate", "--sources", sources, "--tokens", "900")
    assert distill(model, *arguments) == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert "tokens are kept in " in err
    completer = opening.completer = ByteCompleter()
    assert distill(model, *arguments) == 0
    assert 0 < len(completer.requests) < 80


def test_too_few_sources_are_told(
    opening: FakeOpening,
    model: Path,
    sources: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert distill(model, "--task", "translate", "--sources", sources) == 0
    assert "all sources are done" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--task", "sing"), "there is no task 'sing'"),
        (("--task", "translate"), "pass --sources FILE"),
        (("--task", "story", "--from", "xyzzy"), "xyzzy"),
    ],
)
def test_what_cannot_be_done_is_refused(
    opening: FakeOpening,
    model: Path,
    arguments: tuple[str, ...],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert distill(model, *arguments) == 2
    out, err = capsys.readouterr()
    assert told in err
    assert out == ""
    assert not opening.opened


def test_sources_that_are_not_there_are_named(
    opening: FakeOpening,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    opening.completer = FakeCompleter()
    absent = tmp_path / "absent.txt"
    assert distill(model, "--task", "translate", "--sources", absent) == 5
    assert "absent.txt" in capsys.readouterr().err


@pytest.mark.model
@pytest.mark.slow
def test_a_real_model_writes_stories_and_goes_on(tmp_path: Path) -> None:
    table = tmp_path / "own.gguf"
    command = ["tables", "distill", "--language", "en", "--task", "story"]
    command += ["--model", "smollm2-135m-instruct", "--words", "20", "--seed", "1"]
    command += ["--parallel", "2", "--ctx", "1024", "-o", str(table)]
    sizes = []
    for num_tokens in ("60", "250"):
        assert main.main([*command, "--tokens", num_tokens]) == 0
        (journal,) = tmp_path.glob("*.jsonl")
        entries = [json.loads(line) for line in journal.read_text().splitlines()[1:]]
        sizes.append(sum(len(entry["token_ids"]) for entry in entries))
    assert 60 <= sizes[0] < sizes[1]
    assert sizes[1] >= 250
    with Table(table) as opened:
        opened.verify()
        assert "smollm2-135m-instruct" in opened.info.corpora[0].name
