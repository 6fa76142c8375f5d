"""Texts in streams: which are there, and that nothing of what is written changes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.arrays import LogitsArray
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.interfaces import Chunk
from polyspec.decoding.scheduler import Request, Scheduler
from polyspec.decoding.step_cost import StepCost
from polyspec.engine import stream_target
from polyspec.engine.stream_target import MIN_STREAMS, STREAM_CELLS, StreamTarget
from polyspec.engine.target import ContextOptions, LlamaTarget
from polyspec.errors import EngineError
from tests.fakes import FakeTarget, RandomDrafter, run_all


@dataclass
class FakeContext(FakeTarget):
    """A fake whose sequences can be moved, and which checks what streams need."""

    options: ContextOptions = field(
        default_factory=lambda: ContextOptions(num_sequences=64, context_size=4096)
    )
    siblings: list["FakeContext"] = field(default_factory=list)
    has_memory: bool = True
    limit: int | None = None
    """How many sequences streams take before they refuse."""
    num_closed: int = 0
    tile: int = 1

    def make_sibling(self, options: ContextOptions) -> "FakeContext":
        if not self.has_memory:
            raise EngineError("no memory", cause="as asked", remedy="none")
        sibling = FakeContext(
            vocab_size=self.vocab_size,
            context_size=options.context_size,
            max_batch=options.max_batch,
            max_outputs=options.max_outputs,
            num_sequences=options.num_sequences,
            seed=self.seed,
            options=options,
            limit=self.limit,
        )
        self.siblings.append(sibling)
        return sibling

    def evaluate(self, chunks: Sequence[Chunk]) -> LogitsArray:
        if self.options.has_streams:
            ids = [chunk.sequence_id for chunk in chunks]
            assert ids == list(range(len(ids))), "llama.cpp would cut this step"
            assert all(len(chunk.token_ids) == 1 for chunk in chunks)
            assert set(self.cache) == set(ids), "a stream was left behind"
        return super().evaluate(chunks)

    def save(self, sequence_id: int) -> list[int]:
        return list(self.cache[sequence_id])

    def restore(self, sequence_id: int, state: list[int]) -> None:
        assert not self.cache.get(sequence_id), "restored over tokens"
        if self.options.has_streams and self.limit is not None:
            self.limit -= 1
            if self.limit < 0:
                raise EngineError("refused", cause="as asked", remedy="none")
        if self.options.has_streams:
            assert len(state) < stream_target.STREAM_CELLS
        self.cache[sequence_id] = list(state)
        self.cells[sequence_id] = [
            self._next_cell + place for place in range(len(state))
        ]
        self._next_cell += len(state)

    def close(self) -> None:
        self.num_closed += 1


def make_target(common: FakeContext, num_streams: int = 32) -> StreamTarget:
    return StreamTarget(cast(LlamaTarget, common), num_streams)


def feed(target: StreamTarget, num_texts: int, length: int) -> None:
    """Let texts 0 to `num_texts` have so many tokens, all the same but the first."""
    chunks = [
        Chunk(text, 0, [text % 5] + [1] * (length - 1), 1) for text in range(num_texts)
    ]
    target.evaluate(chunks)


def step(
    target: StreamTarget, sequence_ids: Sequence[int], position: int
) -> LogitsArray:
    return target.evaluate([Chunk(text, position, [2], 1) for text in sequence_ids])


@contextmanager
def small_streams(cells: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream_target, "MIN_STREAMS", 2)
        patch.setattr(stream_target, "STREAM_CELLS", cells)
        yield


def test_few_texts_stay_in_the_common_cache() -> None:
    common = FakeContext()
    target = make_target(common)
    feed(target, MIN_STREAMS - 1, 3)
    step(target, range(MIN_STREAMS - 1), 3)
    assert not common.siblings


def test_many_texts_have_streams_and_come_back_when_they_are_few() -> None:
    common = FakeContext()
    target = make_target(common)
    feed(target, 20, 3)
    step(target, range(20), 3)
    (streams,) = common.siblings
    assert len(streams.cache) == 20
    assert not any(common.cache.values())
    for text in range(10):
        target.release(text)
    step(target, range(10, 20), 4)
    assert not streams.cache
    assert [len(common.cache[text]) for text in range(10, 20)] == [5] * 10


def test_rows_come_in_the_order_of_the_chunks() -> None:
    common, plain = FakeContext(), FakeContext()
    target = make_target(common)
    feed(target, 20, 3)
    step(target, range(20), 3)
    for text in (0, 7):
        target.release(text)
    order = [*range(8, 20), *range(1, 7)]
    chunks = [Chunk(text, 4, [3], 1) for text in order]
    chunks.append(Chunk(21, 0, [4, 4], 2))
    rows = target.evaluate(chunks)
    expected = [plain.logits_after([text % 5, 1, 1, 2, 3]) for text in order]
    expected += [plain.logits_after([4]), plain.logits_after([4, 4])]
    assert np.array_equal(rows, np.stack(expected))


def test_texts_that_grow_long_go_back() -> None:
    common = FakeContext(context_size=2 * STREAM_CELLS * 20)
    target = make_target(common)
    for text in range(20):
        target.evaluate([Chunk(text, 0, [1] * (STREAM_CELLS - 1 - text // 18), 1)])
    last = [Chunk(text, STREAM_CELLS - 1 - text // 18, [1], 1) for text in range(20)]
    target.evaluate(last)
    (streams,) = common.siblings
    assert len(streams.cache) == 20
    target.evaluate([Chunk(c.sequence_id, c.position + 1, [1], 1) for c in last])
    assert not streams.cache
    assert [len(common.cache[text]) for text in (0, 19)] == [
        STREAM_CELLS + 1,
        STREAM_CELLS,
    ]


def test_without_memory_all_goes_on_in_the_common_cache() -> None:
    common = FakeContext(has_memory=False)
    target = make_target(common)
    feed(target, 20, 3)
    for position in (3, 4):
        assert len(step(target, range(20), position)) == 20
    assert [len(common.cache[text]) for text in range(20)] == [5] * 20


def test_if_streams_refuse_all_goes_on_in_the_common_cache() -> None:
    common = FakeContext(limit=5)
    target = make_target(common)
    feed(target, 20, 3)
    for position in (3, 4):
        assert len(step(target, range(20), position)) == 20
    assert [len(common.cache[text]) for text in range(20)] == [5] * 20
    assert [streams.cache for streams in common.siblings] == [{}]


def test_a_prefix_is_copied_from_where_it_is() -> None:
    common = FakeContext()
    target = make_target(common)
    feed(target, 20, 3)
    step(target, range(20), 3)
    target.copy_prefix(5, 30, 4)
    assert common.cache[30] == [0, 1, 1, 2]


def test_a_text_is_trimmed_where_it_is() -> None:
    common = FakeContext()
    target = make_target(common)
    feed(target, 20, 3)
    step(target, range(20), 3)
    target.trim(6, 2)
    feed_again = [Chunk(6, 2, [1, 2], 1)]
    row = target.evaluate(feed_again)[0]
    assert np.array_equal(row, common.logits_after([1, 1, 1, 2]))


def test_closing_frees_the_streams_and_nothing_else() -> None:
    common = FakeContext()
    target = make_target(common)
    feed(target, 20, 3)
    step(target, range(20), 3)
    target.close()
    assert [streams.num_closed for streams in common.siblings] == [1]
    assert common.num_closed == 0


@given(
    lengths=st.lists(
        st.tuples(st.integers(1, 12), st.integers(1, 14)), min_size=1, max_size=12
    ),
    max_sequences=st.integers(1, 7),
    max_ahead=st.integers(0, 3),
    num_streams=st.integers(1, 7),
    cells=st.integers(2, 30),
    drafts=st.booleans(),
    seed=st.integers(0, 5),
)
def test_streams_change_nothing_of_what_is_written(
    lengths: list[tuple[int, int]],
    max_sequences: int,
    max_ahead: int,
    num_streams: int,
    cells: int,
    drafts: bool,
    seed: int,
) -> None:
    requests = [
        Request(
            [place % 5] * prompt, answer, num_shared=0, is_end=lambda token: token == 0
        )
        for place, (prompt, answer) in enumerate(lengths)
    ]

    def write(target: FakeContext | StreamTarget) -> list[tuple[int, ...]]:
        scheduler = Scheduler(
            target,
            RandomDrafter(target=FakeTarget(seed=seed), random=Random(seed))
            if drafts
            else None,
            DraftPolicy(StepCost.flat()),
            max_sequences=max_sequences,
            max_ahead=max_ahead,
        )
        return [tuple(answer.token_ids) for answer in run_all(scheduler, requests)]

    with small_streams(cells):
        common = FakeContext(seed=seed)
        assert write(make_target(common, num_streams)) == write(FakeContext(seed=seed))
    assert not any(common.cache.values())
    assert not any(streams.cache for streams in common.siblings)
