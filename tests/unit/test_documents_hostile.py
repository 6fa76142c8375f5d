"""Documents made to do harm, and documents that are only broken."""

import io
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from polyspec.documents.interfaces import Content, ReadOptions, Segment
from polyspec.documents.protection import find_faults, protect
from polyspec.documents.registry import detect_format, open_document
from polyspec.errors import DocumentError

REAL = Path(__file__).parent.parent / "documents"
BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;">]>'
)
DEPTH = 10_000


def translate(
    path: Path,
    name: str | None = None,
    change: Callable[[str], str] = str.upper,
    encoding: str | None = None,
) -> str:
    """Write a document with its texts changed; returns it decoded."""

    def answer(segment: Segment) -> Content:
        return tuple(
            change(piece) if isinstance(piece, str) else piece
            for piece in segment.content
        )

    output = io.BytesIO()
    wanted = ReadOptions(encoding=encoding, target_tag="fr")
    open_document(path, wanted, name).write(output, answer)
    return output.getvalue().decode("utf-8", "surrogateescape")


def texts(path: Path, name: str | None = None) -> list[str]:
    options = ReadOptions(target_tag="fr")
    return [segment.text for segment in open_document(path, options, name).segments()]


def save(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def repack(path: Path, source: Path, changes: dict[str, bytes]) -> Path:
    """A copy of an archive with members changed or added."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for info in old.infolist():
            data = changes.pop(info.filename, None)
            new.writestr(info, old.read(info) if data is None else data)
        for name, data in changes.items():
            new.writestr(name, data, zipfile.ZIP_DEFLATED)
    return path


ARCHIVES = {
    "docx": ("par-hyperlinks.docx", "word/document.xml"),
    "odt": ("pandoc-https.odt", "content.xml"),
    "epub": ("pandoc-libffi.epub", "EPUB/text/ch001.xhtml"),
}


@pytest.fixture(params=sorted(ARCHIVES))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def source_of(kind: str) -> tuple[Path, str]:
    name, member = ARCHIVES[kind]
    return REAL / kind / name, member


def test_a_zip_bomb_is_refused(kind: str, tmp_path: Path) -> None:
    source, member = source_of(kind)
    bomb = tmp_path / f"bomb.{kind}"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(bomb, "w") as new:
        for info in old.infolist():
            if info.filename != member:
                new.writestr(info, old.read(info))
        with new.open(zipfile.ZipInfo(member), "w") as stream:
            stream.write(b"<a>")
        packed = zipfile.ZipInfo("media/a.xml")
        packed.compress_type = zipfile.ZIP_DEFLATED
        new.writestr(packed, b" " * (20 << 20))
    with pytest.raises(DocumentError, match="not safe to open"):
        texts(bomb)


@pytest.mark.parametrize("name", ["../../evil.sh", "/etc/evil", "C:\\evil", "a\\..\\b"])
def test_a_name_that_leads_out_is_refused(kind: str, name: str, tmp_path: Path) -> None:
    source, _ = source_of(kind)
    path = repack(tmp_path / f"out.{kind}", source, {name: b"x"})
    with pytest.raises(DocumentError) as caught:
        texts(path)
    assert "leads out of it" in caught.value.cause


def test_an_encrypted_archive_is_refused(kind: str, tmp_path: Path) -> None:
    source, _ = source_of(kind)
    data = bytearray(source.read_bytes())
    start = data.index(b"PK\x01\x02")
    flags = struct.unpack_from("<H", data, start + 8)[0]
    struct.pack_into("<H", data, start + 8, flags | 1)
    with pytest.raises(DocumentError) as caught:
        texts(save(tmp_path, f"locked.{kind}", bytes(data)))
    assert "is encrypted" in caught.value.cause


def test_an_entity_bomb_in_an_archive_is_refused(kind: str, tmp_path: Path) -> None:
    source, member = source_of(kind)
    # A page of a book that is no XML is read as HTML, which has no entities to declare.
    text = f'<?xml version="1.0"?>{BOMB}<x>&c;</x>'.encode()
    path = repack(tmp_path / f"bomb.{kind}", source, {member: text})
    if kind == "epub":
        assert all(len(text) < 1000 for text in texts(path))
    else:
        with pytest.raises(DocumentError):
            texts(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.xlf", f"{BOMB}<xliff><file>&c;</file></xliff>"),
        ("a.tmx", f"{BOMB}<tmx>&c;</tmx>"),
        ("a.xml", f"{BOMB}<resources><string name='a'>&c;</string></resources>"),
    ],
)
def test_an_entity_bomb_is_refused(name: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        texts(save(tmp_path, name, text))
    assert "made of other entities" in caught.value.cause


def test_an_external_entity_is_never_read(tmp_path: Path) -> None:
    secret = save(tmp_path, "secret.txt", "the secret")
    text = (
        f'<!DOCTYPE resources [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
        "<resources><string name='a'>Read &x; now</string></resources>"
    )
    path = save(tmp_path, "strings.xml", text)
    assert texts(path) == ["Read  now"]
    assert translate(path) == text.replace("Read", "READ").replace("now", "NOW")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.html", "<div>" * DEPTH + "deep" + "</div>" * DEPTH, ["deep"]),
        ("a.html", "<b>" * DEPTH + "deep" + "</b>" * DEPTH, ["deep"]),
        ("a.html", "<b " * DEPTH + "deep", ["<b " * DEPTH + "deep"]),
        ("a.json", "[" * DEPTH + '"deep"' + "]" * DEPTH, ["deep"]),
        ("a.json", '{"a":' * DEPTH + '"deep"' + "}" * DEPTH, ["deep"]),
        ("a.xml", "<resources>" + "<a>" * DEPTH + "</a>" * DEPTH + "</resources>", []),
        ("a.md", "> " * DEPTH + "deep", None),
        ("a.md", "*" * DEPTH + "deep" + "*" * DEPTH, None),
        ("a.md", "[" * DEPTH + "deep" + "](x)" * DEPTH, None),
    ],
)
def test_deep_nesting_is_read(
    name: str, text: str, expected: list[str] | None, tmp_path: Path
) -> None:
    path = save(tmp_path, name, text)
    found = texts(path)
    assert expected is None or found == expected
    assert translate(path, change=str) == text


_DIALOGUE = "[Events]\nDialogue: 0,0,0,,,0,0,0,,"


@pytest.mark.parametrize("opened", ["{", "{a, plural, other {", r"{\pos(1"])
def test_braces_without_end_take_linear_time(opened: str, tmp_path: Path) -> None:
    path = save(tmp_path, "a.ass", f"{_DIALOGUE}{opened * 2 * DEPTH}deep\n")
    started_s = time.process_time()
    assert len(texts(path)) == 1
    assert time.process_time() - started_s < 2


def test_thousands_of_markers_are_checked_in_linear_time() -> None:
    protected = protect(("{a} word " * 2 * DEPTH,))
    started_s = time.process_time()
    assert find_faults(protected.text, protected) == ()
    assert find_faults(protected.text * 2, protected)
    assert time.process_time() - started_s < 2


def test_deep_yaml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        texts(save(tmp_path, "a.yaml", "[" * DEPTH))
    assert "levels in one another" in caught.value.cause


def test_half_a_character_in_json_comes_through(tmp_path: Path) -> None:
    path = save(
        tmp_path, "a.json", r'{"a": "one \ud83d two", "b": "smile \ud83d\ude00"}'
    )
    assert translate(path) == r'{"a": "ONE \ud83d TWO", "b": "SMILE \ud83d\ude00"}'


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "cp1252"])
@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.txt", "Über\r\nzwei\r\n", "ÜBER\r\nZWEI\r\n"),
        ("a.srt", "1\r\n00:00:01,000 --> 00:00:02,000\r\nÜber\r\n",
         "1\r\n00:00:01,000 --> 00:00:02,000\r\nÜBER\r\n"),
        ("a.strings", '"a" = "Über";\r\n', '"a" = "ÜBER";\r\n'),
        ("a.po", 'msgid "Über"\r\nmsgstr ""\r\n', 'msgid "Über"\r\nmsgstr "ÜBER"\r\n'),
        ("a.yaml", "a: Über\r\nb: c\r\n", "a: ÜBER\r\nb: C\r\n"),
        ("a.md", "# Über\r\n\r\nzwei\r\n", "# ÜBER\r\n\r\nZWEI\r\n"),
    ],
)  # fmt: skip
def test_mark_line_ends_and_encoding_stay(
    name: str, text: str, expected: str, encoding: str, tmp_path: Path
) -> None:
    path = save(tmp_path, name, text.encode(encoding))
    named = encoding if encoding == "cp1252" else None
    written = translate(path, encoding=named).encode("utf-8", "surrogateescape")
    assert written == expected.encode(encoding)


@pytest.mark.parametrize("name", ["a.txt", "a.po"])
@pytest.mark.parametrize(
    ("encoding", "named"),
    [("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16"),
     ("utf-8", "utf-8-sig"), ("utf-16-be", "utf-16-be"), ("shift_jis", "shift_jis")],
)  # fmt: skip
def test_a_named_encoding_stays(
    name: str, encoding: str, named: str, tmp_path: Path
) -> None:
    text = 'msgid "one"\nmsgstr ""\n\nmsgid "two"\nmsgstr ""\n'
    path = save(tmp_path, name, text.encode(encoding))
    output = io.BytesIO()
    document = open_document(path, ReadOptions(encoding=named), path.suffix)
    document.write(output, lambda segment: segment.content)
    expected = (
        text
        if name == "a.txt"
        else ('msgid "one"\nmsgstr "one"\n\nmsgid "two"\nmsgstr "two"\n')
    )
    assert output.getvalue() == expected.encode(encoding)


def test_an_encoding_with_states_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, "a.txt", "日本語 text".encode("iso2022_jp"))
    with pytest.raises(DocumentError) as caught:
        translate(path, encoding="iso2022_jp")
    assert "cannot be put together from pieces" in caught.value.cause


@pytest.mark.parametrize("name", ["a.txt", "a.md"])
def test_bytes_that_an_encoding_does_not_keep_are_refused(
    name: str, tmp_path: Path
) -> None:
    path = save(tmp_path, name, b"one \xee\xcf two \xfa\x54")
    with pytest.raises(DocumentError) as caught:
        translate(path, encoding="cp932")
    assert "are not kept" in caught.value.cause


def test_mixed_encodings_are_refused(tmp_path: Path) -> None:
    path = save(
        tmp_path, "a.txt", "Grüße aus Köln\n".encode() + "süß\n".encode("cp1252")
    )
    with pytest.raises(DocumentError) as caught:
        texts(path)
    assert "byte 19 is not valid UTF-8" in caught.value.cause


def test_an_old_encoding_is_guessed_and_told(tmp_path: Path) -> None:
    text = "Широкая электрификация южных губерний даст мощный толчок подъёму.\n" * 3
    path = save(tmp_path, "a.txt", text.encode("cp1251"))
    document = open_document(path)
    assert "a guess" in document.notes[0]
    assert [segment.text for segment in document.segments()] == [
        text.split("\n", maxsplit=1)[0]
    ] * 3


def test_a_character_that_the_encoding_lacks_is_an_error(tmp_path: Path) -> None:
    path = save(tmp_path, "a.txt", "caf\xe9".encode("latin-1"))
    with pytest.raises(DocumentError) as caught:
        translate(path, change=lambda _: "コーヒー", encoding="latin-1")
    assert "does not exist in" in caught.value.cause


def test_markup_names_a_character_that_the_encoding_lacks(tmp_path: Path) -> None:
    text = '<meta charset="iso-8859-1"><p>coffee</p>'
    path = save(tmp_path, "a.html", text)
    assert "<p>&#12467;</p>" in translate(path, change=lambda _: "コ")


def test_content_wins_over_a_wrong_extension(tmp_path: Path) -> None:
    text = (REAL / "po" / "sessions-ja.po").read_bytes()
    assert detect_format(save(tmp_path, "a.txt", text)).name == "po"


LONG = "A line of a long text that goes on and on. " * 50
ROW = {
    "txt": f"{LONG}\n",
    "srt": f"7\n00:00:01,000 --> 00:00:02,000\n{LONG}\nand more\n\n",
    "csv": f'12,"{LONG}, with a comma",another\n',
    "jsonl": f'{{"key": "{LONG}", "number": 12.5}}\n',
}


@pytest.mark.parametrize("name", sorted(ROW))
def test_a_large_file_is_read_in_constant_memory(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"large.{name}"
    row = ROW[name]
    with path.open("w") as stream:
        for _ in range((4 << 20) // len(row)):
            stream.write(row)
    document = open_document(path)
    with (tmp_path / "out").open("wb") as output:
        tracemalloc.start()
        try:
            document.write(output, lambda _: None)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 2 << 20
    assert (tmp_path / "out").read_bytes() == path.read_bytes()


def test_the_original_is_never_touched(kind: str, tmp_path: Path) -> None:
    source, _ = source_of(kind)
    copy = save(tmp_path, source.name, source.read_bytes())
    copy.chmod(0o400)
    translate(copy)
    assert copy.read_bytes() == source.read_bytes()
