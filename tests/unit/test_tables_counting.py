"""Smoothed probabilities equal those of a plain calculation."""

import errno
import tempfile
from collections import Counter
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspec.errors import TableError
from polyspec.tables.bulk_encoder import JoinedLines
from polyspec.tables.counting import NgramCounter, RankedContexts
from polyspec.tables.file_scoring import FileScorer
from polyspec.tables.smoothing import PAD, Shared, share_root
from polyspec.tables.window_files import WindowFiles, Windows

MEMORY = 64 << 20
LINES = st.lists(st.lists(st.integers(0, 3), max_size=8), min_size=1, max_size=6)


def rank(
    lines: list[list[int]],
    *,
    min_count: int = 1,
    start_id: int | None = None,
) -> RankedContexts:
    with tempfile.TemporaryDirectory() as folder:
        counter = NgramCounter(Path(folder), 2, MEMORY)
        for line in lines:
            assert counter.add(JoinedLines.of([line]), start_id) == len(line)
        return counter.rank(10_000, min_count)


def smoothed(lines: list[list[int]], context: tuple[int, ...], token: int) -> float:
    """Interpolated absolute discounting, straight from its definition."""
    size = len(context)
    follow = Counter(
        line[place]
        for line in lines
        for place in range(size, len(line))
        if tuple(line[place - size : place]) == context
    )
    total = sum(follow.values())
    if not size:
        return follow[token] / total
    below = smoothed(lines, context[1:], token)
    own = max(0.0, follow[token] - 0.75) / total
    return own + 0.75 * len(follow) / total * below


@settings(max_examples=8)
@given(lines=LINES.filter(any))
def test_every_context_has_the_likeliest_token(lines: list[list[int]]) -> None:
    ranked = rank(lines)
    known: set[tuple[int, ...]] = set()
    for row, token, probability in zip(
        ranked.contexts.tolist(), ranked.token_ids, ranked.probabilities, strict=True
    ):
        context = tuple(id_ for id_ in row if id_ >= 0)
        assert context == () or context[1:] in known
        known.add(context)
        chances = [smoothed(lines, context, other) for other in range(4)]
        assert probability == pytest.approx(max(chances))
        assert chances[token] == pytest.approx(max(chances))
    assert () in known


def test_the_start_of_a_line_is_context_and_never_predicted() -> None:
    ranked = rank([[1, 2]] * 5 + [[3, 1, 3]] * 6, start_id=9)
    rows = dict(
        zip(map(tuple, ranked.contexts.tolist()), ranked.token_ids, strict=True)
    )
    assert rows[-1, 9] == 3
    assert rows[-1, 1] == 3
    assert rows[9, 1] == 2
    assert 9 not in ranked.token_ids


def test_a_rare_context_is_left_out() -> None:
    lines = [[1, 2]] * 5 + [[3, 1]]
    contexts = rank(lines, min_count=2).contexts.tolist()
    assert [-1, 1] in contexts
    assert [-1, 3] not in contexts


def test_lines_of_one_token_have_no_contexts() -> None:
    assert rank([[3]]).contexts.tolist() == [[-1, -1]]


def test_an_empty_text_counts_nothing(tmp_path: Path) -> None:
    counter = NgramCounter(tmp_path, 4, MEMORY)
    assert counter.add(JoinedLines.of([])) == 0
    assert counter.add(JoinedLines.of([[], []])) == 0


@settings(max_examples=8)
@given(lines=LINES.filter(any), order=st.integers(1, 3))
def test_files_larger_than_memory_give_the_same(
    lines: list[list[int]], order: int
) -> None:
    every = np.array(
        [
            [*[PAD] * max(0, order - place), *line[max(0, place - order) : place + 1]]
            for line in lines
            for place in range(len(line))
        ],
        np.int32,
    )
    shared = share_root(np.bincount(every[:, -1]))
    for min_count in (1, 2):
        found = [
            score_file(every, shared, FileScorer(order, most, 1000, min_count))
            for most in (4, 6, 9, 1000)
        ]
        assert found[0] == found[1] == found[2] == found[3]


def score_file(
    windows: Windows, shared: Shared, scorer: FileScorer
) -> list[tuple[object, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "0"
        windows.tofile(path)
        found = scorer.score(path, shared)
        assert not path.exists()
    columns = (getattr(found, field.name).tolist() for field in fields(found))
    rows = zip(*columns, strict=True)
    return sorted((tuple(context), *rest) for context, *rest in rows)


def test_a_full_disk_is_an_error_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    counter = NgramCounter(tmp_path, 2, MEMORY)
    monkeypatch.setattr(WindowFiles, "add", refuse)
    with pytest.raises(TableError, match="cannot be counted") as raised:
        counter.add(JoinedLines.of([[1, 2]]))
    assert raised.value.cause == "no space left on device"
    assert "TMPDIR" in raised.value.remedy


def test_contexts_are_token_ids(tmp_path: Path) -> None:
    assert rank([[262_143, 0, 262_143]]).contexts.dtype == np.int32
