"""A target, drafters and a tokenizer without a model behind them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import count
from random import Random
from typing import cast

import numpy as np

from polyspec.arrays import LogitsArray
from polyspec.decoding.interfaces import EMPTY_DRAFT, Chunk, Draft
from polyspec.decoding.scheduler import Emitted, Finished, Request, Scheduler
from polyspec.engine.tokenizer import Tokenizer
from polyspec.errors import EngineError

_NUM_ROWS = 4096
_MASK = (1 << 61) - 1


@lru_cache(maxsize=64)
def _table(seed: int, vocab_size: int) -> LogitsArray:
    rng = np.random.default_rng([seed, vocab_size])
    return (2.0 * rng.standard_normal((_NUM_ROWS, vocab_size))).astype(np.float32)


def fake_logits(ids: Sequence[int], seed: int, vocab_size: int) -> LogitsArray:
    """Logits after `ids`: a function of all of them, shape `(V,)`."""
    state = 1469598103934665603
    for token_id in ids:
        state = ((state ^ (token_id + 1)) * 1099511628211 + 12345) & _MASK
    row: LogitsArray = _table(seed, vocab_size)[(state >> 17) % _NUM_ROWS]
    return row


@dataclass
class FakeTarget:
    """A target of few tokens that checks everything which is asked of it.

    Cells of a copied prefix are counted once, as a unified KV cache does.
    """

    vocab_size: int = 5
    context_size: int = 4096
    max_batch: int = 512
    max_outputs: int = 128
    num_sequences: int = 64
    can_trim: bool = True
    seed: int = 0
    logits_of: Callable[[Sequence[int]], LogitsArray] | None = None
    fail_at: int | None = None
    """Number of the evaluation that raises, from 0."""
    cache: dict[int, list[int]] = field(default_factory=dict)
    cells: dict[int, list[int]] = field(default_factory=dict)
    """For each sequence the number of the cell of each token."""
    steps: list[list[Chunk]] = field(default_factory=list)
    releases: list[tuple[int, int]] = field(default_factory=list)
    """Evaluations before each release, and the sequence released."""
    num_rows: int = 0
    cells_after: list[int] = field(default_factory=list)
    """Cells in use after each evaluation."""
    _next_cell: int = 0
    _last: LogitsArray | None = None

    @property
    def num_evaluations(self) -> int:
        return len(self.steps)

    @property
    def widths(self) -> list[int]:
        """Tokens of each evaluation."""
        return [sum(len(chunk.token_ids) for chunk in step) for step in self.steps]

    @property
    def num_cells(self) -> int:
        return len({cell for cells in self.cells.values() for cell in cells})

    def evaluate(self, chunks: Sequence[Chunk]) -> LogitsArray:
        if self._last is not None:
            self._last.fill(np.nan)  # a view that the next call overwrites
        chunks = [
            Chunk(c.sequence_id, c.position, tuple(c.token_ids), c.num_outputs)
            for c in chunks
        ]
        if self.fail_at == len(self.steps):
            self.fail_at = None
            raise EngineError("the fake failed", cause="as asked", remedy="none")
        self.steps.append(chunks)
        width = sum(len(chunk.token_ids) for chunk in chunks)
        num_outputs = sum(chunk.num_outputs for chunk in chunks)
        assert 0 < width <= self.max_batch
        assert num_outputs <= self.max_outputs
        ids = [chunk.sequence_id for chunk in chunks]
        assert len(set(ids)) == len(ids), "a sequence twice in a step"
        rows = [row for chunk in chunks for row in self._append(chunk)]
        self.cells_after.append(self.num_cells)
        assert self.num_cells <= self.context_size, "the KV cache overflowed"
        self.num_rows += len(rows)
        self._last = (
            np.stack(rows) if rows else np.empty((0, self.vocab_size), dtype=np.float32)
        )
        return self._last

    def _append(self, chunk: Chunk) -> Iterator[LogitsArray]:
        assert 0 <= chunk.sequence_id < self.num_sequences
        assert chunk.token_ids, "an empty chunk"
        assert 0 <= chunk.num_outputs <= len(chunk.token_ids)
        assert all(0 <= token < self.vocab_size for token in chunk.token_ids)
        cached = self.cache.setdefault(chunk.sequence_id, [])
        assert chunk.position == len(cached), "positions have a gap or overlap"
        first_output = len(chunk.token_ids) - chunk.num_outputs
        cells = self.cells.setdefault(chunk.sequence_id, [])
        for place, token_id in enumerate(chunk.token_ids):
            cached.append(token_id)
            cells.append(self._next_cell)
            self._next_cell += 1
            if place >= first_output:
                yield self.logits_after(cached)

    def logits_after(self, ids: Sequence[int]) -> LogitsArray:
        if self.logits_of is not None:
            return self.logits_of(ids)
        return fake_logits(ids, self.seed, self.vocab_size)

    def copy_prefix(self, from_id: int, to_id: int, num_tokens: int) -> None:
        assert not self.cache.get(to_id), "a prefix was copied over tokens"
        assert 0 < num_tokens <= len(self.cache[from_id])
        self.cache[to_id] = self.cache[from_id][:num_tokens]
        self.cells[to_id] = self.cells[from_id][:num_tokens]

    def trim(self, sequence_id: int, num_tokens: int) -> None:
        assert self.can_trim, "trimmed what cannot be trimmed"
        assert 0 < num_tokens <= len(self.cache[sequence_id])
        del self.cache[sequence_id][num_tokens:]
        del self.cells[sequence_id][num_tokens:]

    def release(self, sequence_id: int) -> None:
        self.releases.append((len(self.steps), sequence_id))
        self.cache.pop(sequence_id, None)
        self.cells.pop(sequence_id, None)


@dataclass
class WatchedDrafter:
    """Checks the order of calls; drafts come from `draft_for`."""

    texts: dict[int, list[int]] = field(default_factory=dict)
    num_begun: int = 0
    num_ended: int = 0

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        assert sequence_id not in self.texts, "begun twice"
        self.num_begun += 1
        self.texts[sequence_id] = list(prompt_ids)

    def propose(
        self, sequence_ids: Sequence[int], limits: Sequence[int]
    ) -> list[Draft]:
        assert len(set(sequence_ids)) == len(sequence_ids)
        assert all(limit >= 0 for limit in limits)
        return [
            self.draft_for(self.texts[sequence_id], limit) if limit else EMPTY_DRAFT
            for sequence_id, limit in zip(sequence_ids, limits, strict=True)
        ]

    def draft_for(self, text_ids: Sequence[int], limit: int) -> Draft:
        return EMPTY_DRAFT

    def observe(self, sequence_id: int, emitted_ids: Sequence[int]) -> None:
        assert emitted_ids
        self.texts[sequence_id] += emitted_ids

    def end(self, sequence_id: int) -> None:
        self.num_ended += 1
        del self.texts[sequence_id]


@dataclass
class ScriptedDrafter(WatchedDrafter):
    """Proposes what a script says would follow the text so far."""

    script: Mapping[tuple[int, ...], Sequence[int]] = field(default_factory=dict)
    probability: float = 0.9

    def draft_for(self, text_ids: Sequence[int], limit: int) -> Draft:
        ids = tuple(self.script.get(tuple(text_ids), ())[:limit])
        return Draft(ids, (self.probability,) * len(ids), ("script",) * len(ids))


@dataclass
class RandomDrafter(WatchedDrafter):
    """Proposes at random, or what the target will choose, and claims any chance.

    `knowledge` is the share of tokens that are the target's greedy choice.
    """

    target: FakeTarget = field(default_factory=FakeTarget)
    random: Random = field(default_factory=Random)
    knowledge: float = 0.7

    def draft_for(self, text_ids: Sequence[int], limit: int) -> Draft:
        ids: list[int] = []
        for _ in range(self.random.randint(0, limit)):
            if self.random.random() < self.knowledge:
                logits = self.target.logits_after([*text_ids, *ids])
                ids.append(int(logits.argmax()))
            else:
                ids.append(self.random.randrange(self.target.vocab_size))
        chances = tuple(self.random.choice((0.0, 0.3, 0.9, 1.0)) for _ in ids)
        return Draft(tuple(ids), chances, ("random",) * len(ids))


class ByteTokenizer:
    """One token a byte; then a beginning, an end and the control text `<turn>`."""

    vocab_size = 259
    bos_id = 256
    end_id = 257
    turn_id = 258
    control_text = "<turn>"

    def __init__(self, *, adds_bos: bool = True) -> None:
        self.adds_bos = adds_bos
        self.encoded: list[tuple[str, bool]] = []

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        return [self.encode(text) for text in texts]

    def encode(self, text: str, *, parse_control: bool = False) -> list[int]:
        self.encoded.append((text, parse_control))
        parts = text.split(self.control_text) if parse_control else [text]
        ids = list(parts[0].encode())
        for part in parts[1:]:
            ids += [self.turn_id, *part.encode()]
        return ids

    def piece(self, token_id: int) -> bytes:
        return bytes([token_id]) if token_id < 256 else b""

    def is_end(self, token_id: int) -> bool:
        return token_id == self.end_id

    def as_tokenizer(self) -> Tokenizer:
        """Itself, for what is typed to take a model's tokenizer."""
        return cast(Tokenizer, self)


@dataclass
class Answer:
    """What one request got."""

    token_ids: list[int] = field(default_factory=list)
    events: list[Emitted] = field(default_factory=list)
    is_cut: bool | None = None


def make_clock() -> Callable[[], float]:
    """Return a clock that moves on by a second whenever it is read."""
    return partial(next, count(0.0))


def collect(events: Iterable[Emitted | Finished]) -> dict[int, Answer]:
    """Sort events by request; each is finished once and silent afterwards."""
    answers: dict[int, Answer] = {}
    for event in events:
        answer = answers.setdefault(event.index, Answer())
        assert answer.is_cut is None, "an event after the end"
        if isinstance(event, Finished):
            answer.is_cut = event.is_cut
        else:
            assert event.token_ids
            answer.token_ids += event.token_ids
            answer.events.append(event)
    assert all(answer.is_cut is not None for answer in answers.values())
    return answers


def run_all(scheduler: Scheduler, requests: Iterable[Request]) -> list[Answer]:
    """Answers in the order of the requests."""
    answers = collect(scheduler.run(requests))
    assert sorted(answers) == list(range(len(answers)))
    return [answers[index] for index in range(len(answers))]
