from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.decoding.interfaces import EMPTY_DRAFT, Extender
from polyspec.drafting.adapted_table import AdaptedTable
from polyspec.drafting.hints import (
    HintBoard,
    HintMaker,
    HintWord,
    SentenceHints,
)
from polyspec.drafting.source import NAME, SourceDrafter
from polyspec.drafting.source_choice import SourceChoice
from polyspec.drafting.source_fit import fit_weights
from polyspec.drafting.source_scores import (
    DEFAULT_WEIGHTS,
    NUM_WEIGHTS,
    Scorer,
    find_candidates,
)
from polyspec.drafting.source_state import Progress, Sentence
from polyspec.errors import TableError
from polyspec.tables.automaton import assemble
from polyspec.tables.format import Corpus, TableInfo
from polyspec.tables.lexicon import LexiconInfo, make_lexicon, write_lexicon
from polyspec.tables.lexicon_store import own_lexicon_path
from polyspec.tables.reader import Table
from polyspec.tables.writer import write_table

HOUSE = HintWord(0, 0.8, (20, 21, 22), (30, 21, 22))
WATER = HintWord(1, 0.7, (40, 41), (50, 41))
HINTS = SentenceHints(2, 8.0, (HOUSE, WATER))
INFO = LexiconInfo("eng", "deu", (Corpus("x", "y"),), 10, 1.0, "{}")
LEXICON = make_lexicon(INFO, {"house": [("Haus", 0.8)], "water": [("Wasser", 0.7)]})
EDGES = {(): [(1, 0.05)], (1,): [(2, 0.9)], (2,): [(3, 0.3)], (20,): [(7, 0.3)]}


def spell(texts: Sequence[str]) -> list[list[int]]:
    """A tokenizer whose tokens are characters."""
    return [[ord(char) % 97 for char in text] for text in texts]


@pytest.fixture
def bare_table(tmp_path: Path) -> Iterator[Table]:
    path = tmp_path / "table.gguf"
    write_table(path, TableInfo("deu", "f", 100, (), 0, "", "{}"), assemble(EDGES))
    with Table(path) as opened:
        yield opened


@pytest.fixture
def table(bare_table: Table) -> AdaptedTable:
    return AdaptedTable(bare_table)


@pytest.fixture
def drafter(table: AdaptedTable) -> SourceDrafter:
    return SourceDrafter(lambda _: lambda: HINTS, table)


def test_a_begun_word_goes_on_as_the_source_says(drafter: SourceDrafter) -> None:
    drafter.begin(0, [9])
    drafter.observe(0, [5, 20])
    (draft,) = drafter.propose([0], [2])
    assert draft.token_ids == (21, 22)
    assert draft.sources == (NAME, NAME)
    assert all(chance > 0.5 for chance in draft.probabilities)


def test_the_first_word_may_stand_without_a_space(drafter: SourceDrafter) -> None:
    drafter.begin(0, [9])
    drafter.observe(0, [50])
    assert drafter.propose([0], [1])[0].token_ids == (41,)


def test_a_likely_token_of_the_table_is_kept(drafter: SourceDrafter) -> None:
    drafter.begin(0, [9])
    drafter.observe(0, [5, 1])
    (draft,) = drafter.propose([0], [1])
    assert draft.token_ids == (2,)
    assert draft.probabilities[0] > 0.6


def test_without_hints_or_table_nothing_is_drafted(table: AdaptedTable) -> None:
    silent = SourceDrafter(lambda _: None, table)
    ignorant = SourceDrafter(lambda _: lambda: None, table)
    bare = SourceDrafter(lambda _: lambda: HINTS)
    for drafter in (silent, ignorant, bare):
        drafter.begin(0, [1])
        drafter.observe(0, [1])
        assert drafter.propose([0], [4]) == [EMPTY_DRAFT]
        drafter.end(0)


def test_hints_are_made_when_a_draft_is_wanted(table: AdaptedTable) -> None:
    made: list[int] = []

    def make() -> SentenceHints:
        made.append(1)
        return HINTS

    drafter = SourceDrafter(lambda _: make, table)
    drafter.begin(0, [9])
    drafter.observe(0, [5])
    assert drafter.propose([0], [0]) == [EMPTY_DRAFT]
    drafter.observe(0, [20, 21])
    assert made == []
    # What was written before counts, too.
    assert drafter.propose([0], [1])[0].token_ids == (22,)
    drafter.observe(0, [22])
    drafter.propose([0], [1])
    assert made == [1]


def test_going_on_behind_a_prefix(drafter: SourceDrafter) -> None:
    assert isinstance(drafter, Extender)
    drafter.begin(0, [9])
    drafter.observe(0, [5])
    assert drafter.extend([0], [[40]], [1])[0].token_ids == (41,)
    ahead = drafter.propose([0], [3])
    assert ahead == drafter.propose([0], [3])


def test_a_word_that_was_written_counts_less() -> None:
    progress = Progress(Sentence(HINTS))
    before, _ = progress.starts()
    for token_id in (20, 21, 22, 5):
        progress.push(token_id)
    (house, water), best = progress.starts()
    assert house < 0.3 * before[0]
    assert best == [1, 0]
    assert water > 0.5 * before[1]


def test_a_copy_goes_on_apart() -> None:
    progress = Progress(Sentence(HINTS))
    progress.push(20)
    other = progress.copy()
    other.push(21)
    assert progress.continuations()[0].keys() == {21}
    assert other.continuations()[0].keys() == {22}


@given(
    st.lists(st.sampled_from([1, 5, 20, 21, 22, 30, 40, 41, 50])),
    st.integers(0, 99),
    st.floats(0, 1),
    st.lists(st.floats(-50, 50), min_size=NUM_WEIGHTS, max_size=NUM_WEIGHTS),
)
def test_probabilities_are_probabilities(
    written: list[int], token_id: int, probability: float, weights: list[float]
) -> None:
    progress = Progress(Sentence(HINTS))
    for token in written:
        progress.push(token)
    candidates = find_candidates(progress, token_id, probability)
    assert len({token for token, _, _ in candidates}) == len(candidates)
    for scorer in (Scorer(), Scorer(weights)):
        best, chance = scorer.best(candidates)
        assert best in {token for token, _, _ in candidates}
        assert 0.0 <= chance <= 1.0


def test_weights_of_another_number_are_not_used() -> None:
    candidates = find_candidates(Progress(Sentence(HINTS)), 3, 0.5)
    assert Scorer((1.0,)).best(candidates) == Scorer().best(candidates)


def test_fitting_learns_whom_to_believe(bare_table: Table) -> None:
    # The table says 7 after 20; what was written follows the source.
    line = (HINTS, [5, 20, 21, 22, 6, 40, 41, 6] * 3)
    fitted = fit_weights(bare_table, [line] * 60)
    progress = Progress(Sentence(HINTS))
    progress.push(20)
    candidates = find_candidates(progress, 7, 0.3)
    assert len(fitted) == NUM_WEIGHTS
    assert Scorer(fitted).best(candidates)[0] == 21
    assert Scorer(fitted).best(candidates)[1] > Scorer().best(candidates)[1]


def test_few_lines_leave_the_usual_weights(bare_table: Table) -> None:
    assert fit_weights(bare_table, []) == DEFAULT_WEIGHTS
    assert fit_weights(bare_table, [(HINTS, [5, 20])]) == DEFAULT_WEIGHTS


def test_hints_are_made_of_words_of_the_source() -> None:
    hints = HintMaker(LEXICON, spell).make("House and Water 7!")
    assert hints is not None
    assert hints.num_places == 4
    tokens = {(word.place, word.token_ids) for word in hints.words}
    assert (0, tuple(spell([" Haus"])[0])) in tokens
    assert (2, tuple(spell([" Wasser"])[0])) in tokens
    # What the lexicon does not know may be copied.
    assert (3, tuple(spell([" 7"])[0])) in tokens


def test_a_text_without_words_has_no_hints() -> None:
    assert HintMaker(LEXICON, spell).make(" ... !") is None


def test_a_tokenizer_that_gives_nothing_is_borne(table: AdaptedTable) -> None:
    maker = HintMaker(LEXICON, lambda texts: [[] for _ in texts])
    drafter = SourceDrafter(lambda _: lambda: maker.make("house"), table)
    drafter.begin(0, [1])
    drafter.observe(0, [1])
    assert drafter.propose([0], [1]) == [EMPTY_DRAFT]


def test_hints_wait_for_their_prompt_once() -> None:
    board: HintBoard[SentenceHints] = HintBoard()
    board.put([1, 2], HINTS)
    assert board.take([1]) is None
    assert board.take((1, 2)) is HINTS
    assert board.take([1, 2]) is None
    for number in range(1000):
        board.put([number], HINTS)
    assert board.take([0]) is None
    assert board.take([999]) is HINTS


def make_choice(*, is_required: bool = False) -> tuple[SourceChoice, list[str]]:
    told: list[str] = []
    return SourceChoice(spell, told.append, is_required=is_required), told


def draft_of_house(choice: SourceChoice) -> tuple[int, ...]:
    choice.announce([1, 2, 3], "the house")
    first, second, *_ = spell([" Haus"])[0]
    choice.drafter.begin(0, [1, 2, 3])
    choice.drafter.observe(0, [77, first])
    token_ids = choice.drafter.propose([0], [1])[0].token_ids
    assert token_ids in {(), (second,)}
    return token_ids


def test_the_lexicon_of_the_languages_is_taken(table: AdaptedTable) -> None:
    write_lexicon(own_lexicon_path("eng", "deu"), INFO, {"house": [("Haus", 0.9)]})
    choice, told = make_choice()
    choice.use("eng", "deu", table)
    assert choice.lexicon_name == "eng-deu"
    assert draft_of_house(choice)
    for source, target, beside in (
        ("eng", "haw", table),
        ("eng", "deu", None),
        ("", "deu", table),
    ):
        choice.use(source, target, beside)
        assert choice.lexicon_name == ""
        assert not draft_of_house(choice)
    assert told == []


def test_a_lexicon_that_does_not_pay_is_left_alone(table: AdaptedTable) -> None:
    poor = LexiconInfo("eng", "deu", (), 10, 1.0, "{}", gain=1.001)
    write_lexicon(own_lexicon_path("eng", "deu"), poor, {"house": [("Haus", 0.9)]})
    choice, _ = make_choice()
    choice.use("eng", "deu", table)
    assert not draft_of_house(choice)
    asked_for, _ = make_choice(is_required=True)
    asked_for.use("eng", "deu", table)
    assert draft_of_house(asked_for)


def test_a_damaged_lexicon_is_told_of_and_not_used(table: AdaptedTable) -> None:
    path = own_lexicon_path("eng", "deu")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"GGUF")
    choice, told = make_choice()
    choice.use("eng", "deu", table)
    assert choice.lexicon_name == ""
    assert len(told) == 1
    required, _ = make_choice(is_required=True)
    with pytest.raises(TableError):
        required.use("eng", "deu", table)


def test_a_lexicon_that_was_asked_for_must_be_there(table: AdaptedTable) -> None:
    choice, _ = make_choice(is_required=True)
    with pytest.raises(TableError) as caught:
        choice.use("eng", "haw", table)
    assert "polyspec tables lexicon" in caught.value.remedy
