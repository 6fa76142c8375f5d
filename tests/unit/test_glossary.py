"""Terms: found in texts, looked for in translations, read from files."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspec.assets.glossary import Glossary, Term
from polyspec.assets.glossary_file import read_glossary
from polyspec.assets.language_pair import LanguagePair
from polyspec.errors import DocumentError, UsageError

ENG_DEU = LanguagePair("en", "de")


def find(text: str, *sources: str) -> list[str]:
    glossary = Glossary(Term(source, ("x",)) for source in sources)
    return [term.source for term in glossary.find(text)]


@pytest.mark.parametrize(
    ("text", "source", "is_found"),
    [
        ("The library opens.", "library", True),
        ("LIBRARY", "library", True),
        ("libraryish", "library", False),
        ("a sublibrary", "library", False),
        ("library_2", "library", False),
        ("the 'library'", "library", True),
        ("apple pie", "Apple", False),
        ("Apple pie", "Apple", True),
        ("APPLE PIE", "Apple", True),
        ("written in C++.", "C++", True),
        ("C++11", "C++", True),
        ("STRASSE", "straße", True),
        ("cafe\u0301 au lait", "café", True),
        ("cafe\u0301", "cafe", False),
        ("की किताब है", "किताब", True),
        ("किताबें", "किताब", False),
        ("図書館は九時に開きます", "図書館", True),
        ("ห้องสมุดเปิด", "ห้องสมุด", True),
        ("도서관은 아홉 시에", "도서관", True),
        ("구도서관", "도서관", False),
        ("", "library", False),
    ],
)
def test_a_term_is_found_as_a_word(text: str, source: str, is_found: bool) -> None:
    assert bool(find(text, source)) == is_found


def test_the_longest_of_terms_in_one_another_is_found() -> None:
    sources = ("system", "operating system", "operating")
    assert find("The operating system.", *sources) == ["operating system"]
    assert find("A system operating alone.", *sources) == ["system", "operating"]


def test_terms_come_once_and_in_their_order() -> None:
    assert find("b a B Ab a", "a", "b") == ["b", "a"]
    assert find("Zed a Zed", "a", "Zed") == ["Zed", "a"]


@pytest.mark.parametrize(
    ("target", "translation", "is_used"),
    [
        ("Bücherei", "Die BÜCHEREI öffnet.", True),
        ("Bücherei", "Die Büchereien öffnen.", True),
        ("Haus", "viele Häuser", True),
        ("öffentliche Bücherei", "der öffentlichen Bücherei", True),
        ("öffentliche Bücherei", "die Bücherei", False),
        ("Bücherei", "Die Bibliothek.", False),
        ("図書館", "この図書館は", True),
        ("библиотека", "в библиотеке", True),
    ],
)
def test_other_forms_of_a_word_are_accepted(
    target: str, translation: str, is_used: bool
) -> None:
    glossary = Glossary([Term("library", (target,))])
    unused = glossary.find_unused("The library.", translation)
    assert bool(unused) != is_used
    assert glossary.find_unused("Nothing.", translation) == ()


def test_any_allowed_translation_will_do() -> None:
    glossary = Glossary([Term("house", ("Haus",)), Term("house", ("Gebäude",))])
    assert glossary.terms == (Term("house", ("Haus", "Gebäude")),)
    assert glossary.find_unused("A house", "Ein Gebäude") == ()
    assert glossary.find_unused("A house", "Eine Hütte") == glossary.terms


@settings(max_examples=100)
@given(
    st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=5),
    st.text(max_size=30),
)
def test_what_is_found_stands_in_the_text(sources: list[str], text: str) -> None:
    import unicodedata

    plain = unicodedata.normalize("NFC", text)
    for source in find(text, *sources):
        assert (
            source in plain or source.upper() in plain
        ) or source.casefold() in plain.casefold()


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "house,Haus\ntree,Baum\n"),
        ("a.csv", "source;note;target\nhouse;;Haus\ntree;x;Baum\n"),
        ("a.csv", "de-DE,en-US\nHaus,house\nBaum,tree\n"),
        ("a.csv", "\ufefffr,en,de\nmaison,house,Haus\narbre,tree,Baum\n"),
        ("a.tsv", "house\tHaus\n\n tree \tBaum\tgrows\n"),
        ("a.csv", 'house,Haus\n"tree","Baum"\n'),
    ],
)
def test_tables_are_read(name: str, content: str, tmp_path: Path) -> None:
    glossary = read_glossary(write(tmp_path, name, content), ENG_DEU)
    assert glossary.terms == (Term("house", ("Haus",)), Term("tree", ("Baum",)))


def test_a_term_without_a_translation_stays_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "PolySpec,\nhouse,Haus\n")
    first, _ = read_glossary(path, ENG_DEU).terms
    assert first == Term("PolySpec", ("PolySpec",))


TBX_2 = """<?xml version="1.0"?><martif type="TBX"><text><body>
<termEntry id="1"><langSet xml:lang="en-US"><tig><term>house</term></tig>
<tig><term>shack</term><termNote type="administrativeStatus">deprecatedTerm-admn-sts
</termNote></tig></langSet><langSet xml:lang="de"><ntig><termGrp><term>Haus</term>
</termGrp></ntig><tig><term>Geb&#228;ude</term></tig></langSet></termEntry>
<termEntry><langSet xml:lang="en"><tig><term>lonely</term></tig></langSet></termEntry>
</body></text></martif>"""
TBX_3 = """<tbx xmlns="urn:iso:std:iso:30042:ed-2"><text><body><conceptEntry>
<langSec xml:lang="en"><termSec><term>house</term></termSec></langSec>
<langSec xml:lang="de"><termSec><term>Haus</term></termSec>
<termSec><term>Geb&#xE4;ude</term></termSec></langSec></conceptEntry></body></text></tbx>"""


@pytest.mark.parametrize("content", [TBX_2, TBX_3], ids=["2008", "2019"])
def test_tbx_files_are_read(content: str, tmp_path: Path) -> None:
    glossary = read_glossary(write(tmp_path, "a.tbx", content), ENG_DEU)
    assert glossary.terms == (Term("house", ("Haus", "Gebäude")),)
    with pytest.raises(DocumentError, match="no terms"):
        read_glossary(tmp_path / "a.tbx", LanguagePair("en", "fr"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", ""),
        ("a.csv", "alone\n"),
        ("a.csv", ",Haus\n"),
        ("a.csv", 'house,"Haus\n'),
        ("a.csv", "house,\0\n"),
        ("a.csv", b"\xff\xfe\x00"),
        ("a.csv", f"house,{'x' * 201}\n"),
        ("a.csv", "fr,es\nmaison,casa\n"),
        ("a.tbx", ""),
        ("a.tbx", TBX_2[:-30]),
        ("a.tbx", TBX_2.replace("<martif", '<!DOCTYPE m [<!ENTITY a "b"><!ENTITY b "&a;">]><martif', 1)),
    ],
    ids=range(11),
)  # fmt: skip
def test_a_hostile_file_is_refused(
    name: str, content: str | bytes, tmp_path: Path
) -> None:
    with pytest.raises(DocumentError):
        read_glossary(write(tmp_path, name, content), ENG_DEU)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read_glossary(write(tmp_path, "a.doc", "house,Haus"), ENG_DEU)
    with pytest.raises(DocumentError):
        read_glossary(tmp_path / "missing.csv", ENG_DEU)


@settings(max_examples=150)
@given(st.text(max_size=80) | st.binary(max_size=80), st.sampled_from((".csv", ".tbx")))
def test_any_file_gives_terms_or_an_error(content: str | bytes, kind: str) -> None:
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    with TemporaryDirectory() as folder:
        try:
            glossary = read_glossary(write(Path(folder), f"a{kind}", data), ENG_DEU)
        except DocumentError:
            return
    assert glossary.terms
    glossary.find("any text at all")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A card, a CARD", ["card", "CARD"]),
        ("STRASSE und straße", ["STRASSE", "straße"]),
        ("ẞ: un cafe\u0301 noir", ["cafe\u0301"]),
        ("the operating system", ["operating system"]),
    ],
)
def test_terms_are_located_in_the_text_as_it_is_written(
    text: str, found: list[str]
) -> None:
    sources = ("card", "straße", "café", "system", "operating system")
    glossary = Glossary(Term(source, ("x",)) for source in sources)
    assert [text[start:end] for start, end, _ in glossary.locate(text)] == found
