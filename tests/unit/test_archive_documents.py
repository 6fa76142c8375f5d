"""What is read from the parts of Word, OpenDocument and EPUB files, and how it is put back."""

import io
import zipfile
from pathlib import Path

import pytest

from polyspec.documents.interfaces import Content, Segment
from polyspec.documents.protection import protect, restore
from polyspec.documents.registry import open_document
from polyspec.errors import DocumentError

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
TEXT = '<w:t xml:space="preserve">'


def pack(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def make_docx(folder: Path, body: str) -> Path:
    document = f"<w:document {W}><w:body>{body}</w:body></w:document>"
    return pack(folder / "a.docx", {"word/document.xml": document, "word/x.bin": "x"})


def make_odt(folder: Path, body: str) -> Path:
    content = (
        '<office:document-content xmlns:office="o" xmlns:text="t" xmlns:dc="d">'
        f"<office:body><office:text>{body}</office:text></office:body>"
        "</office:document-content>"
    )
    return pack(folder / "a.odt", {"content.xml": content})


def read(path: Path) -> list[str]:
    return [protect(segment.content).text for segment in open_document(path).segments()]


def write(path: Path, member: str) -> str:
    """A member of the document with all its texts in capitals."""

    def answer(segment: Segment) -> Content:
        protected = protect(segment.content)
        return restore(protected.text.upper(), protected)

    output = io.BytesIO()
    open_document(path).write(output, answer)
    with zipfile.ZipFile(output) as archive:
        return archive.read(member).decode()


def run(text: str, look: str = "") -> str:
    look = f"<w:rPr>{look}</w:rPr>" if look else ""
    return f"<w:r>{look}<w:t>{text}</w:t></w:r>"


def test_runs_that_look_alike_are_one_text(tmp_path: Path) -> None:
    body = (
        "<w:p>"
        + run("Hel")
        + '<w:proofErr w:type="spellStart"/>'
        + run("lo", '<w:lang w:val="en"/>')
        + f"<w:r>{TEXT} big </w:t></w:r>"
        + run("bold", "<w:b/>")
        + run(" &amp; more")
        + "</w:p>"
    )
    path = make_docx(tmp_path, body)
    assert read(path) == ["Hello big <1>bold</1> & more"]
    written = write(path, "word/document.xml")
    assert (
        f"<w:p><w:r>{TEXT}HELLO BIG </w:t></w:r><w:r><w:rPr><w:b/></w:rPr>{TEXT}BOLD"
        f"</w:t></w:r><w:r>{TEXT} &amp; MORE</w:t></w:r></w:p>"
    ) in written


def test_links_notes_breaks_and_fields_are_codes(tmp_path: Path) -> None:
    body = (
        '<w:p><w:pPr><w:pStyle w:val="x"/></w:pPr><w:bookmarkStart w:id="0"/>'
        + run("See") + '<w:hyperlink r:id="r1">' + run("this", '<w:rStyle w:val="L"/>')
        + "</w:hyperlink><w:r><w:br/></w:r>" + run("page")
        + '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>PAGE</w:instrText>'
        + '</w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>' + run("now")
        + "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
    )  # fmt: skip
    path = make_docx(tmp_path, body)
    assert read(path) == ["See<1>this</1><2/>page<3/>now"]
    written = write(path, "word/document.xml")
    assert '<w:hyperlink r:id="r1"><w:r><w:rPr><w:rStyle w:val="L"/></w:rPr>' in written
    assert "<w:instrText>PAGE</w:instrText>" in written
    assert "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>" in written


def test_text_boxes_are_texts_of_their_own(tmp_path: Path) -> None:
    box = f"<w:pict><w:txbxContent><w:p>{run('inside')}</w:p></w:txbxContent></w:pict>"
    body = f"<w:p>{run('before')}<w:r>{box}</w:r>{run('after')}</w:p>"
    path = make_docx(tmp_path, body)
    assert read(path) == ["before<1/>after", "inside"]
    written = write(path, "word/document.xml")
    assert f"<w:p><w:r>{TEXT}INSIDE</w:t></w:r></w:p></w:txbxContent>" in written
    alone = make_docx(tmp_path, f"<w:p><w:r>{box}</w:r></w:p>")
    assert read(alone) == ["inside"]


def test_a_note_does_not_split_its_sentence(tmp_path: Path) -> None:
    body = (
        "<text:p>One<text:note><text:note-citation>1</text:note-citation>"
        "<text:note-body><text:p>a note</text:p></text:note-body></text:note> "
        "<text:span>two</text:span> on page <text:page-number>3</text:page-number></text:p>"
        "<text:tracked-changes><text:p>gone</text:p></text:tracked-changes>"
    )
    path = make_odt(tmp_path, body)
    assert read(path) == ["One<1/> <2>two</2> on page <3/>", "a note"]
    written = write(path, "content.xml")
    assert "<text:p>ONE<text:note>" in written
    assert "<text:p>A NOTE</text:p>" in written
    assert "<text:p>gone</text:p>" in written


PACKAGE = (
    '<package><manifest><item id="b" href="b%20c.xhtml" media-type="application/xhtml+xml"/>'
    '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>'
    '<item id="n" href="toc.ncx" media-type="application/x-dtbncx+xml"/></manifest>'
    '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>'
)
BOOK = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": '<container><rootfile full-path="O/p.opf"/></container>',
    "O/p.opf": PACKAGE,
    "O/b c.xhtml": "<html><p>second<br>not closed</html>",
    "O/a.xhtml": "<html><p>first <em>one</em></p></html>",
    "O/toc.ncx": "<ncx><head><meta/></head><navLabel><text>title</text></navLabel></ncx>",
}


def test_a_book_is_read_in_the_order_of_its_spine(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.epub", BOOK)
    assert read(path) == ["first <1>one</1>", "second<1/>not closed", "title"]
    assert write(path, "O/a.xhtml") == "<html><p>FIRST <em>ONE</em></p></html>"
    assert write(path, "O/b c.xhtml") == "<html><p>SECOND<br>NOT CLOSED</html>"


@pytest.mark.parametrize("missing", ["META-INF/container.xml", "O/p.opf", "O/a.xhtml"])
def test_an_incomplete_book_is_refused_or_read_as_far_as_it_goes(
    missing: str, tmp_path: Path
) -> None:
    members = {name: text for name, text in BOOK.items() if name != missing}
    path = pack(tmp_path / "a.epub", members)
    if missing == "O/a.xhtml":
        assert read(path) == ["second<1/>not closed", "title"]
    else:
        with pytest.raises(DocumentError) as caught:
            read(path)
        assert "missing" in caught.value.cause
