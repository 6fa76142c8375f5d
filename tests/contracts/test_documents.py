"""What every document format keeps, on real files and on broken ones."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polyspec.documents.interfaces import Content, Document, ReadOptions, Segment
from polyspec.documents.protection import find_faults, protect, restore
from polyspec.documents.registry import (
    all_formats,
    detect_format,
    format_names,
    open_document,
)
from polyspec.errors import DocumentError, PolySpecError

FOLDER = Path(__file__).parent.parent / "documents"
FILES = sorted(path for path in FOLDER.glob("*/*") if path.is_file())
OPTIONS = ReadOptions(source_tag="en", target_tag="fr", has_redo=True)
BILINGUAL = {"po", "xliff", "tmx"}
MIN_FILES = 5

each_file = pytest.mark.parametrize(
    "path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}"
)
each_format = pytest.mark.parametrize("name", format_names())


def open_real(path: Path, name: str = "") -> Document:
    return open_document(path, OPTIONS, name or path.parent.name)


def write(document: Document, translate: Callable[[Segment], Content | None]) -> bytes:
    output = io.BytesIO()
    document.write(output, translate)
    return output.getvalue()


def parts(data: bytes) -> object:
    """A document's bytes, or the members of an archive with their order and kind."""
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [
            (info.filename, info.compress_type, info.date_time, archive.read(info))
            for info in archive.infolist()
        ]


def shout(segment: Segment) -> Content:
    """Translate into capitals, through markers, as a model would."""
    protected = protect(segment.content)
    text = protected.text.upper()
    assert find_faults(text, protected) == ()
    return restore(text, protected)


def blank(segment: Segment) -> Content:
    """Keep codes only, so that texts of different translations look the same."""
    return ("x", *(piece for piece in segment.content if not isinstance(piece, str)))


def squeeze(text: str) -> str:
    return " ".join(text.split())


def test_each_format_has_real_files() -> None:
    counts = {name: len(list((FOLDER / name).glob("*"))) for name in format_names()}
    assert {name: n for name, n in counts.items() if n < MIN_FILES} == {}


@each_file
def test_nothing_translated_gives_the_same_bytes(path: Path) -> None:
    document = open_real(path)
    assert parts(write(document, lambda _: None)) == parts(path.read_bytes())


@each_file
def test_the_text_as_it_was_gives_the_same_bytes(path: Path) -> None:
    if path.parent.name not in BILINGUAL:
        written = write(open_real(path), lambda segment: segment.content)
        assert parts(written) == parts(path.read_bytes())


@each_file
def test_each_segment_has_an_id_that_stays(path: Path) -> None:
    document = open_real(path)
    ids = [segment.id for segment in document.segments()]
    assert len(ids) == len(set(ids))
    # Its author says of each of its texts that it is not to be translated.
    assert ids or path.name == "react-devsupport.xml"
    assert ids == [segment.id for segment in open_real(path).segments()]
    asked: list[str] = []

    def note(segment: Segment) -> None:
        asked.append(segment.id)

    write(document, note)
    assert asked == ids


@each_file
def test_all_text_is_translated_and_nothing_else(path: Path, tmp_path: Path) -> None:
    document = open_real(path)
    copy = tmp_path / path.name
    copy.write_bytes(write(document, shout))
    again = open_real(copy, path.parent.name)
    is_bilingual = path.parent.name in BILINGUAL
    for before, after in zip(document.segments(), again.segments(), strict=True):
        new = (after.old or ()) if is_bilingual else after.content
        expected = Segment("", shout(before)).text
        assert squeeze(Segment("", new).text) == squeeze(expected)
        assert before.note.comment == after.note.comment
    assert parts(write(document, blank)) == parts(write(again, blank))


@each_file
def test_the_format_is_detected(path: Path) -> None:
    assert detect_format(path).name == path.parent.name


def survive(path: Path, name: str) -> None:
    """Read and write a broken file; only an error for the user may come."""
    try:
        document = open_real(path, name)
        kept = write(document, lambda _: None)
        list(document.segments())
        write(document, shout)
    except PolySpecError as error:
        refusal = error
    else:
        assert parts(kept) == parts(path.read_bytes())
        return
    assert refusal.cause


@each_format
@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_kept(
    name: str, data: st.DataObject, tmp_path: Path
) -> None:
    path = data.draw(st.sampled_from([p for p in FILES if p.parent.name == name]))
    content = path.read_bytes()
    places = st.integers(0, len(content))
    start, end = sorted((data.draw(places), data.draw(places)))
    size = data.draw(st.sampled_from([0, 1, 5, end - start]))
    new = data.draw(st.binary(max_size=4) | st.just(content[start:end][:200]))
    copy = tmp_path / path.name
    copy.write_bytes(content[:start] + new + content[start + size :])
    survive(copy, name)


SIGNS = st.sampled_from(
    [*"\n\r\t \"'<>&;:=#-|\\,{}[]()*_`.%~!@a1é", "\r\n", "<a>", "</a>", "-->", "\ufeff"]
)


@each_format
@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(text=st.lists(SIGNS, max_size=40).map("".join), start=st.booleans())
def test_any_text_is_refused_or_kept(
    name: str, text: str, start: bool, tmp_path: Path
) -> None:
    head = {
        "vtt": "WEBVTT\n\n00:01.000 --> 00:02.000\n",
        "srt": "1\n00:00:01,000 --> 00:00:02,000\n",
        "ass": "[Events]\nDialogue: 0,0,0,,,0,0,0,,",
        "po": 'msgid "a"\nmsgstr ""\n',
    }.get(name, "")
    copy = tmp_path / "x"
    copy.write_bytes(f"{head if start else ''}{text}".encode())
    survive(copy, name)


@each_format
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_file_is_refused_or_stays_empty(
    name: str, mark: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "empty"
    path.write_bytes(mark)
    survive(path, name)


@each_format
def test_a_missing_file_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentError):
        open_real(tmp_path / "none", name)


def test_every_format_says_what_it_does_not_do() -> None:
    for known in all_formats():
        assert known.limits.endswith(".")
        assert all(extension.startswith(".") for extension in known.extensions)
