import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.errors import DocumentError
from polyspec.languages import find_language
from polyspec.translation.cutting import cut_text, find_cut, find_middle
from polyspec.translation.segmentation import (
    Segment,
    SegmentLimits,
    adapt_separators,
    split_segments,
)

PIECES = [
    "Hello Dr. Smith. ", "How are you?", "One, two; three: four – five.", "\n", "\r\n",
    "\r", "\t", " ", "   ", "\u00a0", "\u200b", "\u2028", "\ufeff", "你好。我很好！",
    "「はい」と言った。", "मेरा नाम राम है। ठीक?", "ሰላም። እንዴት ነህ፧", "مرحبا، كيف حالك؟ ",
    "ᎣᏏᏲ.", "ⴰⵣⵓⵍ.", "สวัสดีครับ", "https://example.org/a?b=c ", "3.14", "…", "e\u0301",
    "👩\u200d👩\u200d👧\U0001f3fd", "🇫🇷🇩🇪", "((\"'", "a" * 90, "\x1c", "\x85", "ß",
]  # fmt: skip
texts = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES)).map("".join))
languages = st.sampled_from(["en", "fr", "zh", "ja", "hi", "am", "ar", "th", "chr"])


def limits(**options: int) -> SegmentLimits:
    return SegmentLimits(count_tokens=len, **{"max_tokens": 50, **options})


def split(text: str, language: str = "en", **options: int) -> list[Segment]:
    return list(split_segments([text], find_language(language), limits(**options)))


@given(
    chunks=st.lists(texts, max_size=4),
    language=languages,
    max_tokens=st.integers(1, 60),
    group_tokens=st.integers(0, 40),
    num_context_chars=st.integers(0, 30),
)
def test_joined_segments_are_the_text(
    chunks: list[str],
    language: str,
    max_tokens: int,
    group_tokens: int,
    num_context_chars: int,
) -> None:
    segments = list(
        split_segments(
            chunks,
            find_language(language),
            SegmentLimits(len, max_tokens, group_tokens, num_context_chars),
        )
    )
    assert "".join(segment.source for segment in segments) == "".join(chunks)
    for segment in segments:
        assert segment.text == segment.text.strip()
        assert len(segment.text.splitlines()) <= 1
        assert len(segment.text) <= max(max_tokens, group_tokens)
        assert len(segment.context) <= num_context_chars
        assert segment.text or not segment.is_translatable


def test_sentences_of_a_line_become_segments() -> None:
    segments = split("  One is here. Two, too!\n\nThree.\n")
    assert [(s.prefix, s.text, s.suffix, s.is_line_end) for s in segments] == [
        ("  ", "One is here.", " ", False),
        ("", "Two, too!", "\n", True),
        ("\n", "", "", True),
        ("", "Three.", "\n", True),
    ]


def test_short_neighbours_are_grouped_up_to_the_budget() -> None:
    segments = split("Yes. No. Maybe so. Never.", group_tokens=10)
    assert [s.text for s in segments] == ["Yes. No.", "Maybe so.", "Never."]


@pytest.mark.parametrize(
    "text",
    ["", " ", "3.14", "— * * * —", "https://a.org/b", "me@a.org", "👍", "2024年"],
)
def test_only_prose_is_translated(text: str) -> None:
    is_prose = text == "2024年"
    assert any(s.is_translatable for s in split(text)) is is_prose


def test_context_is_what_stands_before_in_the_paragraph() -> None:
    segments = split("One is here. Two, too!\nThree.\n\nFour.", num_context_chars=14)
    by_text = {s.text: s.context for s in segments}
    assert by_text["One is here."] == ""
    assert by_text["Two, too!"] == "One is here."
    assert by_text["Three."].endswith("Two, too!")
    assert by_text["Four."] == ""


def test_gaps_follow_the_target_language() -> None:
    chinese, english = find_language("zh"), find_language("en")
    segments = split("你好。我很好。\n", "zh")
    adapted = adapt_separators(segments, chinese, english)
    assert [s.suffix for s in adapted] == [" ", "\n"]
    segments = split("One. Two.\n")
    assert [s.suffix for s in adapt_separators(segments, english, chinese)] == [
        "",
        "\n",
    ]
    assert list(adapt_separators(segments, english, english)) == segments


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(DocumentError, match="cannot be translated") as caught:
        split("fine\n bad \udcff")
    assert "'\\udcff'" in caught.value.cause


def test_segments_come_before_the_last_chunk_is_read() -> None:
    read = []

    def lines() -> Iterator[str]:
        for number in range(5):
            read.append(number)
            yield f"Line {number}.\n"

    segments = split_segments(lines(), None, limits())
    assert next(segments).text == "Line 0."
    assert read == [0]


@given(text=texts, max_tokens=st.integers(1, 40))
def test_cut_pieces_are_small_and_join_to_the_text(text: str, max_tokens: int) -> None:
    pieces = list(cut_text(text, max_tokens, len))
    assert "".join(pieces) == text
    assert all(pieces)
    assert all(len(piece) <= max_tokens for piece in pieces)


@given(text=st.text(min_size=2, max_size=200), limit=st.integers(1, 300))
def test_a_cut_is_inside_and_within_the_limit(text: str, limit: int) -> None:
    assert 1 <= find_cut(text, limit) <= min(limit, len(text) - 1)


@pytest.mark.parametrize(
    ("text", "limit", "first"),
    [
        ("One two three. Four five six", 20, "One two three. "),
        ("One two three, four five six", 20, "One two three, "),
        ("One two three four five six", 12, "One two "),
        ("一二三，四五六七八", 6, "一二三，"),
        ("abcdefghe\u0301jk", 9, "abcdefgh"),
        ("ab👩\u200d👧cd", 4, "ab"),
    ],
)
def test_the_best_place_is_cut_at(text: str, limit: int, first: str) -> None:
    assert text[: find_cut(text, limit)] == first


def test_a_middle_is_between_clauses_only() -> None:
    text = "One. Two, three. Four."
    assert text[: find_middle(text)] == "One. "
    assert find_middle("One, two, three, four") == len("One, two, ")
    assert find_middle("no clause here") is None
    assert find_middle("The end.") is None


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["word ", "字", "One more sentence. ", "a" * 77 + ","])
def test_a_long_line_takes_linear_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    counted = 0

    def count(piece: str) -> int:
        nonlocal counted
        counted += len(piece)
        return len(piece) // 3 + 1

    start = time.perf_counter()
    chunks = (text[at : at + 65536] for at in range(0, len(text), 65536))
    segments = split_segments(chunks, None, SegmentLimits(count, 200, 40))
    assert "".join(segment.source for segment in segments) == text
    assert counted < 6 * len(text)
    assert time.perf_counter() - start < 20
