"""Translation memories of other programs, well made and hostile."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspec.assets.database import Database
from polyspec.assets.exchange import ImportCounts, import_file, read_units
from polyspec.assets.exports import write_segments_csv
from polyspec.assets.language_pair import LanguagePair
from polyspec.assets.segments import NewSegment, Origin, StoredSegment
from polyspec.assets.tmx_reader import read_tmx
from polyspec.assets.tmx_writer import write_tmx
from polyspec.assets.translation_memory import TranslationMemory
from polyspec.errors import DocumentError, UsageError

ENG_DEU = LanguagePair("en", "de")
TMX = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="en-US" datatype="plaintext"/><body>
<tu tuid="1" creationid="anna"><note>a note</note><prop type="x-domain">law</prop>
<tuv xml:lang="en-US"><seg>Press <bpt i="1">&lt;b&gt;</bpt>OK<ept i="1">&lt;/b&gt;</ept>
now<ph x="7"><sub>hidden</sub></ph>.</seg></tuv>
<tuv xml:lang="de-DE"><seg>Jetzt <bpt i="1">&lt;b&gt;</bpt>OK<ept i="1"/> dr&#252;cken<ph
 x="7"/>.</seg></tuv>
<tuv lang="fr"><seg>Rien &amp; rien</seg></tuv></tu>
<tu><tuv xml:lang="en-US"><seg>Lonely</seg></tuv></tu>
<tu srclang="de"><tuv xml:lang="en"><seg>Hello</seg></tuv>
<tuv xml:lang="de"><seg>Hallo</seg></tuv></tu>
</body></tmx>
"""


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[TranslationMemory]:
    with Database(tmp_path / "assets.sqlite3", pytest.fail) as database:
        yield TranslationMemory(database)


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def kept(memory: TranslationMemory) -> list[tuple[str, str, str, str]]:
    return [
        (one.pair.source, one.pair.target, one.source, one.translation)
        for one in memory.segments()
    ]


def test_the_units_of_a_tmx_file_are_kept(
    memory: TranslationMemory, tmp_path: Path
) -> None:
    counts = import_file(memory, write(tmp_path, "a.tmx", TMX))
    assert kept(memory) == [
        ("en", "de", "Press <1>OK</1>\nnow<2/>.", "Jetzt <1>OK</1> drücken<2/>."),
        ("de", "en", "Hallo", "Hello"),
    ]
    # French lacks the markup.
    assert counts == ImportCounts(2, 1)


def test_languages_may_be_chosen(memory: TranslationMemory, tmp_path: Path) -> None:
    path = write(tmp_path, "a.tmx", TMX)
    import_file(memory, path, ENG_DEU)
    assert [row[:3] for row in kept(memory)] == [
        ("en", "de", "Press <1>OK</1>\nnow<2/>."),
        ("en", "de", "Hello"),
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "iso-8859-1"])
def test_encodings_of_xml_are_understood(
    memory: TranslationMemory, tmp_path: Path, encoding: str
) -> None:
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    text = TMX.replace('encoding="UTF-8"', f'encoding="{declared}"')
    import_file(memory, write(tmp_path, "a.tmx", text.encode(encoding)))
    assert len(kept(memory)) == 2


BOMB = (
    '<!DOCTYPE tmx [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><tmx><body><tu>'
    '<tuv xml:lang="en"><seg>&b;</seg></tuv></tu></body></tmx>'
)
OUTSIDE = (
    '<!DOCTYPE tmx [<!ENTITY a SYSTEM "file:///etc/passwd">]><tmx><body><tu>'
    '<tuv xml:lang="en"><seg>&a;</seg></tuv></tu></body></tmx>'
)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "no xml",
        "<html/>",
        TMX[:-20],
        TMX.replace("</tuv>", "</tvu>", 1),
        TMX.replace('encoding="UTF-8"', 'encoding="no-such"'),
        TMX.replace("Lonely", "&undeclared;"),
        BOMB,
        OUTSIDE,
        "<tmx>" + "<x>" * 100,
        TMX.replace("Lonely", "x" * 200_000),
        TMX.encode().replace(b"Lonely", b"\xff\xfe"),
        TMX.replace("Lonely", "\0"),
    ],
    ids=range(13),
)
def test_a_hostile_tmx_file_is_refused_and_changes_nothing(
    memory: TranslationMemory, tmp_path: Path, content: str | bytes
) -> None:
    path = write(tmp_path, "a.tmx", content)
    with pytest.raises(DocumentError):
        import_file(memory, path)
    assert kept(memory) == []


@settings(max_examples=150)
@given(
    st.lists(
        st.sampled_from(
            ("<tu>", "</tu>", '<tuv xml:lang="en">', '<tuv xml:lang="de">', "</tuv>",
             "<seg>", "</seg>", "text", "<bpt i='1'>", "</bpt>", "<ph/>", "<hi>",
             "</hi>", "<prop type='x-origin'>user", "</prop>", "&amp;", "&#0;", "<!--",
             "-->", "<![CDATA[", "]]>", "<1>", "\x0b", '<ept i="1"/>')
        ),
        max_size=24,
    )
)  # fmt: skip
def test_any_tmx_file_gives_units_or_an_error(pieces: list[str]) -> None:
    with TemporaryDirectory() as folder:
        text = f"<tmx><header/><body>{''.join(pieces)}</body></tmx>"
        path = write(Path(folder), "a.tmx", text)
        try:
            units = list(read_units(path))
        except DocumentError:
            return
    for unit in units:
        assert unit.segment is None or unit.segment.source


@settings(max_examples=150)
@given(st.binary(max_size=200), st.sampled_from((".tmx", ".csv", ".tsv")))
def test_any_bytes_give_units_or_an_error(content: bytes, kind: str) -> None:
    with TemporaryDirectory() as folder:
        path = write(Path(folder), f"a{kind}", content)
        try:
            list(read_units(path, ENG_DEU))
        except (DocumentError, UsageError):
            return


def test_a_table_with_a_header_says_which_languages_it_has(
    memory: TranslationMemory, tmp_path: Path
) -> None:
    table = (
        "target_language;source;translation;source_language;origin\n"
        'de-DE;"One; two";Eins;en;user\n'
        "fr;One;Un;English;model\n"
        "klingon?;One;wa';en;\n"
    )
    path = write(tmp_path, "a.csv", table)
    assert import_file(memory, path) == ImportCounts(2, 1)
    assert sorted(kept(memory)) == [
        ("en", "de", "One; two", "Eins"),
        ("en", "fr", "One", "Un"),
    ]
    memory.clear()
    assert import_file(memory, path, ENG_DEU) == ImportCounts(1, 2)


def test_a_table_without_a_header_needs_languages(
    memory: TranslationMemory, tmp_path: Path
) -> None:
    path = write(tmp_path, "a.tsv", "One\tEins\nTwo\tZwei\n\n")
    with pytest.raises(UsageError, match="languages"):
        import_file(memory, path)
    assert import_file(memory, path, ENG_DEU) == ImportCounts(2, 0)


@pytest.mark.parametrize("content", ['"open', "One\n", "One,Eins\nTwo\n", "a\0b,c\n"])
def test_a_malformed_table_is_refused(tmp_path: Path, content: str) -> None:
    path = write(tmp_path, "a.csv", content)
    with pytest.raises(DocumentError):
        list(read_units(path, ENG_DEU))


TEXTS = st.text(
    st.characters(
        codec="utf-8",
        exclude_categories=["Cc", "Cs"],
        exclude_characters="\ufffe\uffff",
    ),
    min_size=1,
    max_size=30,
).filter(lambda text: text == text.strip() and "<" not in text)


@settings(max_examples=80)
@given(st.dictionaries(TEXTS, TEXTS, max_size=4), st.sampled_from(Origin))
def test_what_is_written_is_read_back(texts: dict[str, str], origin: Origin) -> None:
    segments = [
        StoredSegment(i, ENG_DEU, source, target, origin, 0, 0, 0)
        for i, (source, target) in enumerate(texts.items())
    ]
    wanted = [(NewSegment(ENG_DEU, *pair), origin) for pair in texts.items()]
    tmx: list[str] = []
    table: list[str] = []
    assert write_tmx(segments, tmx.append) == len(texts)
    assert write_segments_csv(segments, table.append) == len(texts)
    with TemporaryDirectory() as folder:
        for path in (
            write(Path(folder), "a.tmx", "".join(tmx)),
            write(Path(folder), "a.csv", "".join(table)),
        ):
            found = [(unit.segment, unit.origin) for unit in read_units(path)]
            assert found == wanted


def test_markers_go_out_as_inline_codes(tmp_path: Path) -> None:
    source, target = "A <1>b</1> <2/>", "<2/> <1>B</1> a"
    segment = StoredSegment(1, ENG_DEU, source, target, Origin.USER, 0, 0, 3)
    pieces: list[str] = []
    write_tmx([segment], pieces.append)
    text = "".join(pieces)
    assert '<bpt i="1" x="1"/>' in text
    (unit,) = read_tmx(write(tmp_path, "a.tmx", text))
    assert [variant.text for variant in unit.variants] == [source, target]
    assert unit.properties == {"x-origin": "user"}


def test_the_table_has_a_column_for_each_fact() -> None:
    segment = StoredSegment(1, ENG_DEU, "A", "B", Origin.MODEL, 0, 60, 3)
    pieces: list[str] = []
    write_segments_csv([segment], pieces.append, "\t")
    (row,) = csv.DictReader(io.StringIO("".join(pieces)), delimiter="\t")
    assert row["changed"] == "1970-01-01T00:01:00Z"
    assert (row["origin"], row["uses"]) == ("model", "3")


def test_people_keep_what_they_wrote_when_a_file_comes_in(
    memory: TranslationMemory, tmp_path: Path
) -> None:
    memory.store([NewSegment(ENG_DEU, "One", "Mine")], Origin.USER)
    path = write(tmp_path, "a.tsv", "One\tEins\n")
    assert import_file(memory, path, ENG_DEU) == ImportCounts(0, 1)
    assert kept(memory) == [("en", "de", "One", "Mine")]


def test_progress_is_told(memory: TranslationMemory, tmp_path: Path) -> None:
    rows = "".join(f"source {i}\ttarget {i}\n" for i in range(1201))
    told: list[tuple[int, int]] = []
    path = write(tmp_path, "a.tsv", rows)
    import_file(memory, path, ENG_DEU, lambda done, total: told.append((done, total)))
    assert told == [(500, 1201), (1000, 1201), (1201, 1201)]


@pytest.mark.parametrize("name", ["memory.tmx", "memory.csv"])
def test_the_sentences_of_a_paragraph_are_found_as_well(
    memory: TranslationMemory, tmp_path: Path, name: str
) -> None:
    source = "Press the red button. Then wait."
    translation = "Drücken Sie den roten Knopf. Warten Sie dann."
    content = f"source,translation\n{source},{translation}\n"
    if name.endswith(".tmx"):
        content = (
            '<tmx version="1.4"><header srclang="en"/><body><tu>'
            f'<tuv xml:lang="en"><seg>{source}</seg></tuv>'
            f'<tuv xml:lang="de"><seg>{translation}</seg></tuv></tu></body></tmx>'
        )
    import_file(memory, write(tmp_path, name, content), ENG_DEU)
    for text in (source, "Press the red button.", "Then wait."):
        assert memory.find_exact(ENG_DEU, text) is not None
