"""Tokenizing word by word gives what tokenizing whole lines gives."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.tables import bulk_encoder
from polyspec.tables.bulk_encoder import BulkEncoder, JoinedLines, Joints

LINES = st.lists(
    st.text("ab> </\u2581\t", max_size=12) | st.text(max_size=12), max_size=8
)


class Recorder:
    """Cuts text before spaces, but keeps `> <` together."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        self.asked += lines
        return [
            [len(part) + 1000 * ord(part[-1]) for part in cut_before_spaces(line)]
            for line in lines
        ]


def cut_before_spaces(line: str) -> list[str]:
    whole = line.replace("> <", "\0").replace(" ", "\n ")
    return [part.replace("\0", "> <") for part in whole.split("\n") if part]


@given(lines=LINES, num_first=st.integers(0, 4))
def test_lines_have_the_tokens_of_the_encoder(lines: list[str], num_first: int) -> None:
    bulk = BulkEncoder(Recorder(), Joints(" ", ("> <",)))
    for some in (lines[:num_first], lines[num_first:]):
        found = bulk.encode(some)
        wanted = JoinedLines.of(Recorder().encode(some))
        assert found.ids.tolist() == wanted.ids.tolist()
        assert found.lengths.tolist() == wanted.lengths.tolist()


def test_a_word_is_encoded_once_inside_lines_and_once_before_them() -> None:
    recorder = Recorder()
    bulk = BulkEncoder(recorder, Joints(" ", ()))
    bulk.encode(["a b a b", "b a"])
    bulk.encode(["a b"])
    assert recorder.asked == ["a", " b", " a", "b"]


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_encoder, "_MAX_UNITS", 2)
    recorder = Recorder()
    bulk = BulkEncoder(recorder, Joints(" ", ()))
    for _ in range(2):
        assert bulk.encode(["a b c"]).ids.size == 3
    assert recorder.asked == ["a", " b", " c"] * 2


def test_nothing_is_remembered_where_texts_cannot_be_divided() -> None:
    recorder = Recorder()
    bulk = BulkEncoder(recorder, None)
    for _ in range(2):
        bulk.encode(["a b"])
    assert recorder.asked == ["a b"] * 2


def test_lines_can_be_chosen() -> None:
    lines = JoinedLines.of([[1, 2], [], [3]])
    assert list(lines.lines()) == [[1, 2], [], [3]]
    kept = lines.where(np.array([False, True, True]))
    assert (kept.ids.tolist(), kept.lengths.tolist()) == ([3], [0, 1])
