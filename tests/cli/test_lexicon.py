"""`polyspec tables lexicon`."""

from pathlib import Path

import pytest

from polyspec import paths
from polyspec.cli import main
from polyspec.tables.lexicon import read_lexicon
from tests.unit.test_lexicon import make_pairs
from tests.unit.test_tables_builder import write_tiny_model


def write_pairs(folder: Path, num: int = 40) -> Path:
    path = folder / "pairs.tsv"
    lines = (f"{source}\t{target}\n" for source, target in make_pairs(num))
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_a_lexicon_is_built_where_translations_look_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = write_pairs(tmp_path)
    command = ["tables", "lexicon", str(pairs), "--language", "de", "--licence", "CC0"]
    assert main.main(command) == 0
    out, err = capsys.readouterr()
    path = Path(out.rstrip("\n"))
    assert path == paths.data_dir() / "tables" / "eng-deu.lexicon"
    assert "words with" in err
    lexicon = read_lexicon(path)
    assert lexicon.look_up("house")[0][0] == "Haus"
    assert lexicon.info.corpora[0].licence == "CC0"
    assert lexicon.info.weights == ()
    first = path.read_bytes()
    assert main.main(command) == 0
    assert path.read_bytes() == first


def test_it_is_fitted_beside_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = write_pairs(tmp_path, 300)
    model = write_tiny_model(tmp_path / "tiny.gguf")
    own, table = tmp_path / "own.lexicon", tmp_path / "table.gguf"
    common = ["--language", "de", "--model", str(model)]
    build = ["tables", "build", str(pairs), *common, "-o", str(table)]
    assert main.main(build) == 0
    fit = ["tables", "lexicon", str(pairs), *common, "--table", str(table)]
    assert main.main([*fit, "-o", str(own)]) == 0
    assert "times as fast as with the table alone" in capsys.readouterr().err
    info = read_lexicon(own).info
    assert info.num_pairs == 270
    assert info.gain > 0
    assert len(info.weights) > 0


def test_what_cannot_be_built_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    absent, blank = tmp_path / "absent.tsv", tmp_path / "blank.tsv"
    blank.write_text("\n\n")
    plain = tmp_path / "plain.tsv"
    plain.write_text("no columns\n")
    for path, reason in (
        (absent, "cannot read"),
        (blank, "every line is blank"),
        (plain, "line 1 has no tab"),
    ):
        assert main.main(["tables", "lexicon", str(path), "--language", "de"]) == 5
        out, err = capsys.readouterr()
        assert reason in err
        assert out == ""
    pairs, model = write_pairs(tmp_path), write_tiny_model(tmp_path / "tiny.gguf")
    fit = ["tables", "lexicon", str(pairs), "--language", "de", "--model", str(model)]
    assert main.main(fit) == 5
    assert "no deu table can draft for" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.lexicon"))
