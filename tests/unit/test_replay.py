from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.benchmarks.ladders import find_ladder, named_ladder
from polyspec.benchmarks.replay import Answer, Replay, replay_answers, replay_lines
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.interfaces import Draft
from polyspec.decoding.sampling import Chooser, Sampling
from polyspec.decoding.scheduler import Emitted, Request, Scheduler
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.chain import ChainDrafter
from polyspec.drafting.compose import make_drafter
from polyspec.drafting.history import HistoryDrafter
from polyspec.drafting.table import NAME, TableDrafter
from polyspec.engine.ladder import LadderCache
from polyspec.engine.target import ContextOptions, LlamaTarget
from polyspec.errors import UsageError
from polyspec.gguf_header import GgufHeader, read_gguf_header
from polyspec.paths import cache_dir
from polyspec.tables.automaton import assemble
from polyspec.tables.format import TableInfo
from polyspec.tables.reader import Table
from polyspec.tables.writer import write_table
from tests.fakes import FakeTarget
from tests.fakes_translator import FakeLlamaTarget
from tests.gguf_files import gguf

DEAR = StepCost.from_samples({1: 1.0, 2: 2.0, 9: 9.0})


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    path = tmp_path / "table.gguf"
    edges = {(): [(5, 0.01)], (1,): [(2, 0.9)], (2,): [(3, 0.9)]}
    write_table(path, TableInfo("deu", "f", 10, (), 0, "", "{}"), assemble(edges))
    with Table(path) as opened:
        yield opened


def replay_flat(table: Table, *lines: Sequence[int]) -> Replay:
    return replay_lines(TableDrafter(table), DraftPolicy(StepCost.flat()), lines)


def test_a_step_that_costs_nothing_more_accepts_what_agrees(table: Table) -> None:
    # 1 comes alone; then 2 and 3 are drafted and 4 is the bonus token.
    done = replay_flat(table, [1, 2, 3, 4])
    assert (done.num_steps, done.num_accepted, done.cost) == (2, 2, 2.0)
    assert (done.speed_up, done.mean_acceptance_length) == (2.0, 2.0)


def test_a_dear_step_is_plain_decoding(table: Table) -> None:
    done = replay_lines(TableDrafter(table), DraftPolicy(DEAR), [[1, 2, 3, 4]])
    assert done == Replay(4, 4, 4, 0, 0, 4.0, 4.0)
    assert (done.acceptance_rate, done.speed_up) == (0.0, 1.0)


def test_no_text_is_no_gain(table: Table) -> None:
    assert replay_flat(table, [], []) == Replay()
    assert Replay().speed_up == 1.0


def test_the_fields_of_a_replay_are_those_of_the_report() -> None:
    fields = Replay(8, 4, 4, 8, 4, 5.0, 8.0).as_fields()
    assert fields["acceptance_rate"] == 0.5
    assert fields["mean_acceptance_length"] == 2.0
    assert fields["speed_up"] == 1.6


def test_no_drafter_costs_a_step_a_token() -> None:
    done = replay_lines(None, DraftPolicy(named_ladder("cpu")), [[1, 2], [3]])
    assert (done.cost, done.plain_cost, done.num_steps) == (3.0, 3.0, 3)


def test_a_draft_beyond_the_end_is_paid_for_in_vain(table: Table) -> None:
    done = replay_flat(table, [1, 2])
    assert (done.num_drafted, done.num_accepted, done.num_tokens) == (2, 1, 2)


def test_a_draft_stops_where_the_answer_would_be_cut(table: Table) -> None:
    policy = DraftPolicy(StepCost.flat())
    answer = Answer([1, 2, 3], max_tokens=3)
    done = replay_answers(TableDrafter(table), policy, [answer])
    assert (done.num_drafted, done.num_accepted, done.num_steps) == (1, 1, 2)


def test_the_token_that_ends_an_answer_is_not_drafted(table: Table) -> None:
    policy = DraftPolicy(StepCost.flat())
    answer = Answer([1, 2, 3], end_id=3)
    done = replay_answers(TableDrafter(table), policy, [answer])
    assert (done.num_drafted, done.num_accepted, done.num_steps) == (1, 1, 2)


def test_a_prompt_is_known_to_the_drafter() -> None:
    answer = Answer([7, 8, 9, 1], prompt_ids=[6, 7, 8, 9, 1] * 3)
    policy = DraftPolicy(StepCost.flat())
    done = replay_answers(HistoryDrafter(), policy, [answer])
    assert done.num_accepted > 0


def test_answers_side_by_side_share_their_steps(table: Table) -> None:
    lines = [[1, 2, 3, 4]] * 4
    policy = DraftPolicy(StepCost.from_samples({1: 1.0, 64: 1.0}))
    done = replay_lines(TableDrafter(table), policy, lines, num_parallel=2)
    assert (done.num_steps, done.num_turns, done.num_accepted) == (4, 8, 8)
    assert (done.cost, done.plain_cost) == (4.0, 8.0)


def test_promises_that_are_not_kept_end_the_drafting(table: Table) -> None:
    policy = DraftPolicy(StepCost.from_samples({1: 1.0, 2: 1.5}))
    drafter = ChainDrafter({NAME: TableDrafter(table)}, policy.feedback)
    lines = [[1, *range(start, start + 3)] for start in range(10, 610, 3)]
    done = replay_lines(drafter, policy, lines)
    assert done.num_accepted == 0
    assert 0 < done.num_drafted < 60


@dataclass
class Parrot:
    """Drafts the rest of a known text, with errors, at random lengths."""

    texts: Sequence[Sequence[int]]
    seed: int
    places: dict[int, tuple[int, int]] = field(default_factory=dict)
    weighed: dict[int, list[float | None]] = field(default_factory=dict)

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        self.places[sequence_id] = (prompt_ids[0], 0)

    def propose(
        self, sequence_ids: Sequence[int], limits: Sequence[int]
    ) -> list[Draft]:
        return [
            self._draft(*self.places[one], limit)
            for one, limit in zip(sequence_ids, limits, strict=True)
        ]

    def _draft(self, text: int, place: int, limit: int) -> Draft:
        rng = Random(f"{self.seed} {text} {place}")
        ids = [
            token_id if rng.random() < 0.8 else 3
            for token_id in self.texts[text][place : place + rng.randrange(6)]
        ][: max(0, limit)]
        chances = tuple(rng.random() for _ in ids)
        return Draft(tuple(ids), chances, ("parrot",) * len(ids))

    def weigh(self, sequence_id: int, chances: Sequence[float | None]) -> None:
        text, _ = self.places[sequence_id]
        self.weighed.setdefault(text, []).extend(chances)

    def observe(self, sequence_id: int, emitted_ids: Sequence[int]) -> None:
        text, place = self.places[sequence_id]
        self.places[sequence_id] = (text, place + len(emitted_ids))

    def end(self, sequence_id: int) -> None:
        del self.places[sequence_id]


@given(st.integers(0, 10_000), st.integers(1, 4), st.sampled_from((0.0, 1.0)))
def test_a_replay_takes_the_steps_of_the_scheduler(
    seed: int, parallel: int, temperature: float
) -> None:
    """Prompts of one token, so that the steps with a prompt are as wide, too."""
    costs = StepCost.from_samples({1: 1.0, 2: 1.3, 64: 9.0})
    prompts, num_tokens = [[0], [1], [2]], 12
    sampling = Sampling(temperature, seed=seed)
    plain = _run_real(None, costs, prompts, num_tokens, parallel, sampling)[0]
    texts = [plain[place] for place in range(len(prompts))]
    parrot = Parrot(texts, seed)
    real, widths = _run_real(parrot, costs, prompts, num_tokens, parallel, sampling)
    assert real == plain
    known = {
        text: [chance for chance in chances if chance is not None]
        for text, chances in parrot.weighed.items()
    }
    assert len(known) == (len(texts) if temperature else 0)
    assert all(len(known[text]) == len(texts[text]) for text in known)
    assert all(0.0 < chance <= 1.0 for each in known.values() for chance in each)
    answers = [
        Answer(
            text,
            prompt,
            num_tokens,
            draw=Chooser(sampling, stream).uniform if temperature else None,
            chances=known.get(stream, ()),
        )
        for stream, (text, prompt) in enumerate(zip(texts, prompts, strict=True))
    ]
    again = Parrot(texts, seed)
    done = replay_answers(again, DraftPolicy(costs), answers, parallel)
    assert again.weighed == parrot.weighed
    assert done.num_steps == len(widths)
    assert done.cost == pytest.approx(sum(map(costs.of, widths)))


def _run_real(
    drafter: Parrot | None,
    costs: StepCost,
    prompts: Sequence[list[int]],
    num_tokens: int,
    parallel: int,
    sampling: Sampling,
) -> tuple[dict[int, list[int]], list[int]]:
    """What the scheduler writes, and how wide its steps are."""
    target = FakeTarget(seed=sampling.seed)
    scheduler = Scheduler(
        target, drafter, DraftPolicy(costs), max_sequences=parallel, clock=lambda: 0.0
    )
    written: dict[int, list[int]] = {}
    requests = [
        Request(prompt, num_tokens, sampling=sampling, stream=stream)
        for stream, prompt in enumerate(prompts)
    ]
    for event in scheduler.run(requests):
        if isinstance(event, Emitted):
            written.setdefault(event.index, []).extend(event.token_ids)
    widths = [sum(len(chunk.token_ids) for chunk in step) for step in target.steps]
    return written, widths


def test_the_drafters_of_real_runs_can_be_replayed_together(table: Table) -> None:
    policy = DraftPolicy(StepCost.flat())
    drafting = make_drafter(
        "auto",
        policy.feedback,
        fingerprint=lambda: "f" * 64,
        model="tiny",
        only_table=table,
    )
    assert drafting.drafter is not None
    done = replay_lines(
        drafting.drafter, policy, [[1, 2, 3, 4, 7, 1, 2, 3, 4, 7, 1, 2, 3, 4]]
    )
    assert done.num_accepted > 5


@pytest.fixture
def header(tmp_path: Path) -> GgufHeader:
    (tmp_path / "tiny.gguf").write_bytes(gguf())
    return read_gguf_header(tmp_path / "tiny.gguf")


def test_pairs_are_costs_relative_to_one_token(header: GgufHeader) -> None:
    assert find_ladder("3=1.5", header).span(1, 3).tolist() == [1.0, 1.25, 1.5]
    assert find_ladder("cuda", header).of(9) == 3.88


def test_the_ladder_measured_last_for_a_model_is_found(
    header: GgufHeader, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="was never measured") as caught:
        find_ladder("measured", header)
    assert caught.value.remedy.endswith("polyspec bench ladder --model tiny")
    target = FakeLlamaTarget()
    model = SimpleNamespace(
        header=header,
        path=header.path,
        files=(header.path,),
        description="",
        gpu_layers=0,
        is_repacked=False,
    )
    monkeypatch.setattr(FakeLlamaTarget, "model", model, raising=False)
    monkeypatch.setattr(
        FakeLlamaTarget, "options", ContextOptions(1, 64), raising=False
    )
    cache = LadderCache(cache_dir() / "ladders")
    cache.put(cast(LlamaTarget, target), {1: 0.01, 2: 0.011}, None)
    with pytest.raises(UsageError, match="was never measured"):
        find_ladder("measured", header)  # that one is for many texts side by side
    model.is_repacked = True
    cache.put(cast(LlamaTarget, target), {1: 0.01, 2: 0.015}, None)
    assert find_ladder("measured", header).relative(2) == pytest.approx(1.5)
