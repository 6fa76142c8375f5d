from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspec.decoding.text_stream import TextStream

STOPS = st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=3).map(tuple)
BYTES = st.one_of(
    st.binary(max_size=20),
    st.text("ab\nß语😀", max_size=20).map(str.encode),
)


def stream(pieces: list[bytes], stop: tuple[str, ...] = ()) -> tuple[str, bool]:
    texts = TextStream(stop)
    written = []
    for piece in pieces:
        texts.feed(piece)
        written.append(texts.take())
    texts.finish()
    written.append(texts.take())
    assert texts.take() == ""
    return "".join(written), texts.is_stopped


def reference(text: str, stop: tuple[str, ...]) -> tuple[str, bool]:
    """Cut before the stop text that is complete first."""
    for end in range(1, len(text) + 1):
        found = [s for s in stop if text[:end].endswith(s)]
        if found:
            return text[: end - max(map(len, found))], True
    return text, False


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(places)]


@settings(max_examples=400)
@given(BYTES, st.lists(st.integers(0, 100), max_size=8), STOPS)
def test_any_split_gives_the_text_of_all_bytes_at_once(
    data: bytes, cuts: list[int], stop: tuple[str, ...]
) -> None:
    expected = reference(data.decode("utf-8", "replace"), stop)
    assert stream([data], stop) == expected
    assert stream(split(data, cuts), stop) == expected
    assert stream([data[i : i + 1] for i in range(len(data))], stop) == expected


@given(BYTES, STOPS)
def test_no_text_leaves_that_could_still_change(
    data: bytes, stop: tuple[str, ...]
) -> None:
    texts = TextStream(stop)
    final = reference(data.decode("utf-8", "replace"), stop)[0]
    written = ""
    for place in range(len(data)):
        texts.feed(data[place : place + 1])
        written += texts.take()
        assert final.startswith(written)


def test_half_a_character_waits_for_its_other_bytes() -> None:
    texts = TextStream()
    texts.feed("語".encode()[:2])
    assert texts.take() == ""
    texts.feed("語".encode()[2:])
    assert texts.take() == "語"


def test_half_a_character_at_the_end_becomes_a_replacement() -> None:
    assert stream([b"a\xe8\xaa"]) == ("a\ufffd", False)


def test_the_beginning_of_a_stop_text_waits() -> None:
    texts = TextStream(("\n\n",))
    texts.feed(b"one\n")
    assert texts.take() == "one"
    texts.feed(b"two")
    assert texts.take() == "\ntwo"


def test_nothing_follows_a_stop_text() -> None:
    texts = TextStream(("###",))
    texts.feed(b"one##")
    texts.feed(b"#two")
    assert texts.is_stopped
    texts.feed(b"three")
    texts.finish()
    assert texts.take() == "one"


def test_an_empty_stop_text_stops_nothing() -> None:
    assert stream([b"one"], ("",)) == ("one", False)


@pytest.mark.parametrize("pieces", [[b"abcd"], [b"ab", b"cd"], [b"abc", b"d"]])
def test_of_overlapping_stop_texts_the_first_to_be_complete_counts(
    pieces: list[bytes],
) -> None:
    assert stream(pieces, ("abcd", "bc")) == ("a", True)
