"""`polyspec tables merge`."""

from pathlib import Path

import pytest

from polyspec import paths
from polyspec.cli import main
from polyspec.tables.reader import Table
from tests.unit.test_tables_builder import TEXT, write_tiny_model


def build(folder: Path, name: str, text: str, num_more: int = 0) -> Path:
    model = write_tiny_model(folder / "tiny.gguf", num_more)
    corpus, table = folder / f"{name}.txt", folder / f"{name}.gguf"
    corpus.write_text(text)
    options = ["--language", "eng", "--model", str(model), "-o", str(table)]
    assert main.main(["tables", "build", str(corpus), *options]) == 0
    return table


def test_two_tables_become_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = build(tmp_path, "one", TEXT)
    other = build(tmp_path, "other", "a hat eats a hat\n" * 50)
    capsys.readouterr()
    assert main.main(["tables", "merge", str(one), str(other)]) == 0
    out, err = capsys.readouterr()
    path = Path(out.rstrip("\n"))
    assert path.parent == paths.data_dir() / "tables"
    assert "joining 2 tables" in err
    with Table(path) as table, Table(one) as part:
        table.verify()
        assert [corpus.name for corpus in table.info.corpora] == [
            "one.txt",
            "other.txt",
        ]
        assert table.info.num_states > part.info.num_states


def test_what_cannot_be_joined_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = build(tmp_path, "one", TEXT)
    other = build(tmp_path, "other", TEXT, num_more=1)
    capsys.readouterr()
    assert main.main(["tables", "merge", str(one)]) == 2
    assert "name two or more" in capsys.readouterr().err
    for weights in (["--weight", "1"], ["--weight", "1", "--weight", "nan"]):
        assert main.main(["tables", "merge", str(one), str(one), *weights]) == 2
        assert "--weight once for each" in capsys.readouterr().err
    assert main.main(["tables", "merge", str(one), "absent"]) == 5
    assert main.main(["tables", "merge", str(one), str(other)]) == 5
    out, err = capsys.readouterr()
    assert out == ""
    assert "the tokenizer of one is" in err
