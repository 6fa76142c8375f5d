import re
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from polyspec.errors import TableError, TableFormatError
from polyspec.tables.corpus import read_pairs
from polyspec.tables.format import Corpus
from polyspec.tables.lexicon import (
    Entries,
    LexiconInfo,
    make_lexicon,
    read_lexicon,
    read_lexicon_header,
    to_bytes,
    write_lexicon,
)
from polyspec.tables.lexicon_builder import (
    LexiconRequest,
    SentencePair,
    build_lexicon,
    hold_out,
)
from polyspec.tables.lexicon_store import find_lexicon, own_lexicon_path
from polyspec.tables.words import find_cased_words, find_words, fold_source

ENTRIES: Entries = {
    "house": [("Haus", 0.64), ("Hause", 0.18)],
    "water": [("Wasser", 0.78)],
}
INFO = LexiconInfo("eng", "deu", (Corpus("tatoeba", "CC-BY"),), 12, 1.25, "{}")
WORD = st.text(
    st.characters(categories=["L", "M", "N"], exclude_characters="\n"), min_size=1
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "eng-deu.lexicon"


def make_pairs(num: int = 40) -> list[SentencePair]:
    nouns = [("house", "Haus"), ("book", "Buch"), ("dog", "Hund"), ("tree", "Baum")]
    articles = [("the", "das"), ("a", "ein"), ("my", "mein")]
    return [
        (
            f"{articles[n % 3][0].title()} {nouns[n % 4][0]}!",
            f"{articles[n % 3][1].title()} {nouns[n % 4][1]}!",
        )
        for n in range(num)
    ]


def test_a_lexicon_is_read_as_it_was_written(path: Path) -> None:
    info = write_lexicon(path, replace(INFO, weights=(0.5, -2.0), gain=1.1), ENTRIES)
    lexicon = read_lexicon(path)
    assert lexicon.info == info
    assert (info.num_words, info.num_entries) == (2, 3)
    assert info.weights == (0.5, -2.0)
    assert info.gain == pytest.approx(1.1)
    assert lexicon.look_up("house") == [("Haus", 0.64), ("Hause", 0.18)]
    assert lexicon.look_up("stone") == []


@given(st.dictionaries(WORD, st.lists(st.tuples(WORD, st.floats(0.01, 1)), min_size=1)))
def test_any_words_come_back(entries: dict[str, list[tuple[str, float]]]) -> None:
    lexicon = make_lexicon(INFO, entries)
    for word, translations in entries.items():
        found = lexicon.look_up(word)
        assert [target for target, _ in found] == [target for target, _ in translations]
        for (_, rate), (_, wanted) in zip(found, translations, strict=True):
            assert rate == pytest.approx(wanted, abs=0.0051)


def test_the_same_pairs_give_the_same_bytes() -> None:
    request = LexiconRequest("eng", "deu", [])
    first, second = (build_lexicon(request, make_pairs()) for _ in range(2))
    assert to_bytes(first.info, first.entries) == to_bytes(second.info, second.entries)


def test_translations_are_learned_in_their_usual_case() -> None:
    built = build_lexicon(LexiconRequest("eng", "deu", []), make_pairs())
    best = {word: entries[0][0] for word, entries in built.entries.items()}
    assert best["house"] == "Haus"
    assert best["dog"] == "Hund"
    assert built.info.words_per_word == 1.0


def test_a_lexicon_keeps_to_its_size() -> None:
    pairs = [(f"word{n % 700} x", f"wort{n % 700} y") for n in range(2800)]
    request = LexiconRequest("eng", "deu", [], max_bytes=4096)
    built = build_lexicon(request, pairs)
    assert len(to_bytes(built.info, built.entries)) <= 4096
    assert len(built.entries) > 50


def test_a_cut_file_is_refused(path: Path) -> None:
    write_lexicon(path, INFO, ENTRIES)
    content = path.read_bytes()
    for size in {0, 3, 40, len(content) // 2, len(content) - 40}:
        path.write_bytes(content[:size])
        with pytest.raises(TableFormatError, match="lexicon"):
            read_lexicon(path)


def test_a_changed_byte_is_noticed(path: Path) -> None:
    write_lexicon(path, INFO, ENTRIES)
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)
    with pytest.raises(TableFormatError) as caught:
        read_lexicon(path)
    assert "SHA-256" in caught.value.cause


@pytest.mark.parametrize("announced", [0, 5, 1 << 40])
def test_entries_of_another_size_than_announced_are_refused(
    path: Path, announced: int
) -> None:
    content = to_bytes(INFO, ENTRIES)
    place = content.index(b"lexicon.text_bytes") + len(b"lexicon.text_bytes") + 4
    changed = content[:place] + announced.to_bytes(8, "little") + content[place + 8 :]
    path.write_bytes(changed)
    with pytest.raises(TableFormatError):
        read_lexicon(path)


def test_entries_that_are_no_zstandard_are_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Sham:
        def __init__(self, level: int) -> None: ...

        def compress(self, raw: bytes) -> bytes:
            return b"x" * 50

    monkeypatch.setattr(zstandard, "ZstdCompressor", Sham)
    path.write_bytes(to_bytes(INFO, ENTRIES))
    with pytest.raises(TableFormatError):
        read_lexicon(path)


def test_a_newer_version_and_another_kind_are_refused(path: Path) -> None:
    content = to_bytes(INFO, ENTRIES)
    key = b"lexicon.version"
    place = content.index(key) + len(key) + 4
    path.write_bytes(content[:place] + b"\x02" + content[place + 1 :])
    with pytest.raises(TableFormatError) as caught:
        read_lexicon_header(path)
    assert "newer" in caught.value.cause
    path.write_bytes(content.replace(b"bilingual-lexicon", b"bilingual-sausage"))
    with pytest.raises(TableFormatError):
        read_lexicon_header(path)


def test_lines_of_nonsense_give_no_translations(path: Path) -> None:
    write_lexicon(path, INFO, {"a": [("x\ty\tz", 0.5)], "b": [("", 0.5)]})
    lexicon = read_lexicon(path)
    assert lexicon.look_up("b") == []
    assert all(0 <= rate <= 1 for _, rate in lexicon.look_up("a"))


def test_ones_own_lexicon_is_found() -> None:
    shipped = find_lexicon("eng", "deu")
    path = own_lexicon_path("eng", "deu")
    assert path != shipped
    write_lexicon(path, INFO, ENTRIES)
    assert find_lexicon("eng", "deu") == path
    assert find_lexicon("eng", "haw") is None


def test_words_of_several_scripts() -> None:
    assert find_words("Don't panic, R2-D2! 12.5") == [
        "Don't",
        "panic",
        "R2-D2",
        "12",
        "5",
    ]
    assert find_words("पानी, ਪਾਣੀ") == ["पानी", "ਪਾਣੀ"]
    assert find_words("e\u0301te\u0301") == ["été"]
    assert find_words("x" * 100) == []
    assert fold_source("Don’t") == "don't"


def test_the_first_word_of_a_sentence_takes_its_usual_case() -> None:
    lines = find_cased_words(["Der Hund", "Hund und der Baum", "Berlin"])
    assert lines == [["der", "Hund"], ["Hund", "und", "der", "Baum"], ["Berlin"]]


def test_pairs_are_the_first_and_the_last_column(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("one\tx\teins\n\ntwo\tzwei\n three \t\n", encoding="utf-8")
    assert list(read_pairs(path)) == [("one", "eins"), ("two", "zwei")]
    path.write_text("one\teins\ntwo\n", encoding="utf-8")
    with pytest.raises(TableError, match=re.escape("pairs.tsv")) as caught:
        list(read_pairs(path))
    assert "line 2" in caught.value.cause


def test_what_is_held_out_is_spread_evenly() -> None:
    pairs = [(str(n), str(n)) for n in range(100)]
    kept, held_out = hold_out(pairs)
    assert [source for source, _ in held_out][:2] == ["9", "19"]
    assert sorted(kept + held_out) == sorted(pairs)
