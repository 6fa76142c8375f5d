"""What every drafter must do, whatever it drafts from."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspec.decoding.feedback import Feedback
from polyspec.decoding.interfaces import Draft, Drafter, Extender
from polyspec.decoding.step_cost import StepCost
from polyspec.decoding.stop_rule import StopRule
from polyspec.drafting.adapted_table import AdaptedTable
from polyspec.drafting.chain import ChainDrafter
from polyspec.drafting.hints import HintWord, SentenceHints
from polyspec.drafting.history import HistoryDrafter
from polyspec.drafting.match import MatchDrafter, Reference
from polyspec.drafting.memory import MemoryDrafter
from polyspec.drafting.model import ModelDrafter
from polyspec.drafting.source import SourceDrafter
from polyspec.drafting.table import TableDrafter
from polyspec.tables.automaton import assemble
from polyspec.tables.format import TableInfo
from polyspec.tables.reader import Table
from polyspec.tables.writer import write_table
from tests.fakes import FakeTarget, RandomDrafter


def make_model_drafter(*, is_careful: bool) -> ModelDrafter:
    """One whose model is small and has little room."""
    model = FakeTarget(context_size=60, max_batch=7, max_outputs=3)
    free = StepCost.from_samples({1: 1e-9, 64: 1e-9})
    rule = StopRule(StepCost.flat(), free)
    return ModelDrafter(model, rule, is_careful=is_careful)


@cache
def make_table() -> Table:
    """A table of five tokens, mapped for as long as the tests run."""
    edges = {
        (): [(1, 0.3)],
        (1,): [(2, 0.9), (3, 0.1)],
        (2,): [(3, 0.6)],
        (1, 2): [(4, 0.5)],
        (4, 1, 2): [(0, 1.0)],
    }
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "table.gguf"
        write_table(path, TableInfo("deu", "f", 5, (), 0, "", "{}"), assemble(edges))
        return Table(path)


def make_source_drafter() -> SourceDrafter:
    """One for a source of two words; every other prompt has no hints."""
    words = (HintWord(0, 0.9, (1, 3), (0, 3)), HintWord(1, 0.5, (4,), (2, 2, 4)))
    hints = SentenceHints(2, 4.0, words)
    return SourceDrafter(
        lambda prompt_ids: (lambda: hints) if sum(prompt_ids) % 2 else None,
        AdaptedTable(make_table()),
    )


def make_match_drafter() -> MatchDrafter:
    """One for a translation of six tokens; every other prompt has no reference."""
    reference = Reference(((1, 2, 3, 1, 2, 4), (0, 2, 3, 1, 2, 4)), 0.9)
    return MatchDrafter(lambda prompt_ids: reference if sum(prompt_ids) % 2 else None)


def make_chain() -> ChainDrafter:
    """One of drafters that go on behind each other and of one that does not."""
    return ChainDrafter(
        {
            "table": TableDrafter(make_table()),
            "history": HistoryDrafter(),
            "memory": MemoryDrafter(),
            "match": make_match_drafter(),
            "random": RandomDrafter(target=FakeTarget(), random=Random(1)),
        },
        Feedback(),
    )


DRAFTERS: dict[str, Callable[[], Drafter]] = {
    "history": HistoryDrafter,
    "model": lambda: make_model_drafter(is_careful=True),
    "model that drafts always": lambda: make_model_drafter(is_careful=False),
    "table": lambda: TableDrafter(make_table()),
    "table without a table": TableDrafter,
    "source": make_source_drafter,
    "chain": make_chain,
    "memory": MemoryDrafter,
    "match": make_match_drafter,
    "random": lambda: RandomDrafter(target=FakeTarget(), random=Random(1)),
}

TEXTS = st.lists(st.integers(0, 4), min_size=1, max_size=12)
CALLS = st.lists(
    st.tuples(
        st.sampled_from(("begin", "propose", "observe", "end")), st.integers(0, 3)
    ),
    max_size=40,
)


@pytest.fixture(params=list(DRAFTERS.values()), ids=list(DRAFTERS))
def make_drafter(request: pytest.FixtureRequest) -> Callable[[], Drafter]:
    make: Callable[[], Drafter] = request.param
    return make


def check_propose(drafter: Drafter, ids: list[int], limits: list[int]) -> None:
    check_drafts(drafter.propose(ids, limits), limits)


def check_drafts(drafts: list[Draft], limits: list[int]) -> None:
    assert len(drafts) == len(limits)
    for draft, limit in zip(drafts, limits, strict=True):
        size = len(draft.token_ids)
        assert size <= limit
        assert len(draft.probabilities) == len(draft.sources) == size
        assert all(0.0 <= chance <= 1.0 for chance in draft.probabilities)
        assert all(draft.sources)


@pytest.mark.parametrize("name", DRAFTERS)
@settings(max_examples=60)
@given(calls=CALLS, texts=st.lists(TEXTS, min_size=40, max_size=40))
def test_any_order_that_may_occur_is_fine(
    name: str, calls: list[tuple[str, int]], texts: list[list[int]]
) -> None:
    drafter = DRAFTERS[name]()
    live: list[int] = []
    for (call, sequence_id), text in zip(calls, texts, strict=False):
        if call == "begin" and sequence_id not in live:
            drafter.begin(sequence_id, text)
            live.append(sequence_id)
        elif call == "observe" and sequence_id in live:
            drafter.observe(sequence_id, text)
        elif call == "end" and sequence_id in live:
            drafter.end(sequence_id)
            live.remove(sequence_id)
        elif call == "propose":
            check_propose(drafter, live, [text[0]] * len(live))
    for limit in (0, 1, 50):
        check_propose(drafter, live, [limit] * len(live))


def test_a_limit_of_0_gives_an_empty_draft(make_drafter: Callable[[], Drafter]) -> None:
    drafter = make_drafter()
    drafter.begin(0, [1, 2, 1, 2])
    (draft,) = drafter.propose([0], [0])
    assert draft.token_ids == ()


def test_no_sequences_are_no_drafts(make_drafter: Callable[[], Drafter]) -> None:
    assert make_drafter().propose([], []) == []


def test_drafts_come_in_the_order_asked_for() -> None:
    drafter = HistoryDrafter()
    drafter.begin(0, [1, 2, 1])
    drafter.begin(1, [3, 4, 3])
    drafts = drafter.propose([1, 0], [1, 1])
    assert [draft.token_ids for draft in drafts] == [(4,), (2,)]


def test_an_id_that_is_used_again_remembers_nothing() -> None:
    fresh, used = HistoryDrafter(), HistoryDrafter()
    used.begin(0, [1, 2, 3, 4])
    used.observe(0, [1, 2, 3])
    used.end(0)
    for drafter in (fresh, used):
        drafter.begin(0, [4, 1, 2])
    assert used.propose([0], [4])[0].token_ids == fresh.propose([0], [4])[0].token_ids


def test_beginning_again_without_an_end_forgets() -> None:
    drafter = HistoryDrafter()
    drafter.begin(0, [1, 2, 3, 1])
    drafter.begin(0, [1])
    assert drafter.propose([0], [3])[0].token_ids == ()


def test_the_prompt_is_neither_changed_nor_kept() -> None:
    for drafter in (HistoryDrafter(), DRAFTERS["random"]()):
        prompt = [1, 2, 1]
        drafter.begin(0, prompt)
        drafter.observe(0, [3])
        assert prompt == [1, 2, 1]


@pytest.mark.parametrize("name", DRAFTERS)
@settings(max_examples=60)
@given(texts=st.lists(TEXTS, min_size=1, max_size=3), prefix=TEXTS)
def test_going_on_behind_a_prefix_teaches_nothing(
    name: str, texts: list[list[int]], prefix: list[int]
) -> None:
    drafter, untouched = DRAFTERS[name](), DRAFTERS[name]()
    if not isinstance(drafter, Extender):
        return
    ids = list(range(len(texts)))
    for sequence_id, text in enumerate(texts):
        drafter.begin(sequence_id, text)
        untouched.begin(sequence_id, text)
    for limit in (0, 1, 9):
        limits = [limit] * len(ids)
        check_drafts(drafter.extend(ids, [prefix] * len(ids), limits), limits)
    assert drafter.extend([], [], []) == []
    assert drafter.propose(ids, [5] * len(ids)) == untouched.propose(
        ids, [5] * len(ids)
    )
