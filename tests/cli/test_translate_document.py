"""`polyspec translate` with documents: structure kept, failures told."""

import re
import zipfile
from pathlib import Path

import pytest

from polyspec.catalog.task import Task
from polyspec.cli import main
from polyspec.documents.registry import open_document
from tests.fakes_translator import FakeOpening

REAL = Path(__file__).resolve().parents[1] / "documents"
PAGE = '<p class="x">The <b>library</b> opens at nine.</p>\r\n<pre>keep</pre>\r\n'


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeOpening:
    """A translator into capitals."""
    opening = FakeOpening()
    monkeypatch.setattr("polyspec.translator.open_translator", opening)
    return opening


def translate(*arguments: str | Path) -> int:
    return main.main(["translate", *map(str, arguments), "--to", "fr"])


def save(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_only_the_text_of_a_page_changes(fake: FakeOpening, tmp_path: Path) -> None:
    page = save(tmp_path, "a.html", PAGE)
    assert translate("--in", page, "-o", tmp_path / "b.html") == 0
    written = (tmp_path / "b.html").read_bytes().decode()
    expected = PAGE.replace("The ", "THE ").replace("library", "LIBRARY")
    assert written == expected.replace("opens at nine", "OPENS AT NINE")
    assert page.read_bytes().decode() == PAGE
    assert fake.num_closed == 1


def test_a_document_goes_to_standard_output(
    fake: FakeOpening, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    page = save(tmp_path, "a.po", 'msgid "Open %s"\r\nmsgstr ""\r\n')
    assert translate("--in", page) == 0
    out = capfdbinary.readouterr().out
    assert out == b'msgid "Open %s"\r\nmsgstr "OPEN %s"\r\n'


def test_lost_markup_is_asked_for_in_pieces(
    fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.completer.answer = lambda text: re.sub(r"<.*?>", "", text).upper()
    page = save(tmp_path, "a.html", PAGE)
    assert translate("--in", page, "-o", tmp_path / "b.html") == 0
    written = (tmp_path / "b.html").read_text()
    assert "THE <b>LIBRARY</b> OPENS AT NINE." in written
    err = capsys.readouterr().err
    assert "segment 1: the model lost markup; the texts around it" in err
    assert "1 of 1 segments need a look; 0 of them keep their source text" in err


def test_what_fails_keeps_its_source_and_is_told(
    fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.completer.answer = lambda text: f"{text.upper()} <77/>"
    page = save(tmp_path, "a.html", PAGE)
    assert translate("--in", page, "-o", tmp_path / "b.html") == 0
    assert (tmp_path / "b.html").read_bytes() == page.read_bytes()
    err = capsys.readouterr().err
    assert "the source text was kept" in err
    assert "1 of 1 segments need a look; 1 of them keep their source text" in err


PO = (
    'msgid "Open"\nmsgstr ""\n\n#, fuzzy\nmsgid "Close it"\nmsgstr "Ouvrir"\n\n'
    '#, c-format\nmsgid "%d file"\nmsgid_plural "%d files"\n'
    'msgstr[0] ""\nmsgstr[1] ""\n'
)
XLIFF = (
    '<xliff version="1.2"><file><body><trans-unit id="a"><source>Open it</source>'
    '</trans-unit><trans-unit id="b"><source>Close it</source>'
    '<target state="new">Ouvrir</target></trans-unit></body></file></xliff>\n'
)
TMX = (
    '<tmx version="1.4"><header srclang="en"/><body><tu><tuv xml:lang="en">'
    "<seg>Open it</seg></tuv></tu></body></tmx>\n"
)


@pytest.mark.parametrize(
    ("name", "text", "number"),
    [("a.po", PO, 4), ("a.xlf", XLIFF, 2), ("a.tmx", TMX, 1)],
)
def test_a_message_that_fails_stays_untranslated(
    name: str,
    text: str,
    number: int,
    fake: FakeOpening,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake.completer.answer = lambda text: f"{text.upper()} <77/>"
    page = save(tmp_path, name, text)
    target = tmp_path / f"b.{name}"
    assert translate("--in", page, "-o", target, "--from", "en") == 0
    assert target.read_text() == text
    err = capsys.readouterr().err
    assert f"{number} of {number} segments need a look; {number} of them" in err


@pytest.mark.parametrize(
    "name", ["docx/par-hyperlinks.docx", "epub/pandoc-libffi.epub"]
)
def test_an_archive_is_translated_whole(
    name: str, fake: FakeOpening, tmp_path: Path
) -> None:
    source = REAL / name
    target = tmp_path / source.name
    assert translate("--in", source, "-o", target) == 0
    before = [segment.text for segment in open_document(source).segments()]
    after = [segment.text for segment in open_document(target).segments()]
    assert [" ".join(text.upper().split()) for text in before] == [
        " ".join(text.split()) for text in after
    ]
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target) as new:
        assert old.namelist() == new.namelist()


def test_many_segments_come_back_in_their_order(
    fake: FakeOpening, tmp_path: Path
) -> None:
    rows = "".join(
        f'msgid "text {number} of all"\nmsgstr ""\n\n' for number in range(600)
    )
    page = save(tmp_path, "a.po", rows)
    assert translate("--in", page, "-o", tmp_path / "b.po") == 0
    found = re.findall(r'msgstr "TEXT (\d+) OF ALL"', (tmp_path / "b.po").read_text())
    assert found == [str(number) for number in range(600)]


def test_nothing_to_translate_needs_no_model(
    fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = save(tmp_path, "a.csv", "1,2\n3,4\n")
    assert translate("--in", page, "-o", tmp_path / "b.csv") == 0
    assert (tmp_path / "b.csv").read_bytes() == page.read_bytes()
    assert "nothing to translate" in capsys.readouterr().err
    assert not fake.opened


def test_chosen_columns_and_keys(fake: FakeOpening, tmp_path: Path) -> None:
    table = save(tmp_path, "a.csv", "id,text\na,hello\n")
    assert translate("--in", table, "-o", tmp_path / "b.csv", "--columns", "text") == 0
    assert (tmp_path / "b.csv").read_text() == "id,text\na,HELLO\n"
    data = save(tmp_path, "a.json", '{"a": {"title": "one", "id": "two"}}')
    assert translate("--in", data, "-o", tmp_path / "b.json", "--keys", "a.title") == 0
    assert (tmp_path / "b.json").read_text() == '{"a": {"title": "ONE", "id": "two"}}'


def test_a_named_format_wins(fake: FakeOpening, tmp_path: Path) -> None:
    page = save(tmp_path, "a.html", "<pre>one</pre>\n")
    assert translate("--in", page, "-o", tmp_path / "b", "--format", "text") == 0
    assert (tmp_path / "b").read_text() == "<pre>ONE</pre>\n"


def test_a_format_that_the_name_does_not_say_is_told(
    fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = save(tmp_path, "a.json", 'msgid "Open %s"\nmsgstr ""\n')
    assert translate("--in", page, "-o", tmp_path / "b") == 0
    assert (tmp_path / "b").read_text() == 'msgid "Open %s"\nmsgstr "OPEN %s"\n'
    assert "a.json is read as gettext PO, by its first" in capsys.readouterr().err
    page = save(tmp_path, "a", 'msgid "Open %s"\nmsgstr ""\n')
    assert translate("--in", page, "-o", tmp_path / "b") == 0
    assert "is read as" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "wrong"], "there is no document format"),
        (["--columns", "none"], "there is no column"),
        (["--format", "csv", "--json"], "do not go with the format"),
    ],
)
def test_a_wrong_option_is_told_before_a_model_is_loaded(
    arguments: list[str],
    message: str,
    fake: FakeOpening,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = save(tmp_path, "a.csv", "id,text\na,hello\n")
    target = tmp_path / "b.csv"
    assert translate("--in", page, "-o", target, *arguments) == 2
    assert message in capsys.readouterr().err
    assert not target.exists()
    assert not fake.opened


def test_a_malformed_document_leaves_nothing_behind(
    fake: FakeOpening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = save(tmp_path, "a.json", '{"a": "one",')
    assert translate("--in", page, "-o", tmp_path / "b.json") == 4
    assert "line 1" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_model_is_chosen_for_the_language_of_the_document(
    fake: FakeOpening, tmp_path: Path
) -> None:
    german = "Die Bibliothek öffnet um neun und schließt erst spät am Abend."
    page = save(tmp_path, "a.html", f"<p>{german}</p>")
    assert translate("--in", page, "-o", tmp_path / "b.html") == 0
    assert fake.tasks == [Task("deu", "fra")]
