"""The drafter that follows the translation of a similar text."""

from hypothesis import given
from hypothesis import strategies as st

from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.scheduler import Request, Scheduler
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.follower import Follower
from polyspec.drafting.match import MatchChoice, MatchDrafter, MatchRates, Reference
from tests.fakes import ByteTokenizer, FakeTarget, run_all

OLD = tuple(b"the library opens at nine on Mondays")


def begin(text: bytes = b"", similarity: float = 0.9) -> MatchDrafter:
    drafter = MatchDrafter(lambda _: Reference((OLD, OLD), similarity))
    drafter.begin(0, [1])
    if text:
        drafter.observe(0, list(text))
    return drafter


def propose(drafter: MatchDrafter, limit: int = 99) -> bytes:
    (draft,) = drafter.propose([0], [limit])
    assert set(draft.sources) <= {"match"}
    return bytes(draft.token_ids)


def test_the_older_translation_is_proposed_from_its_beginning() -> None:
    assert bytes(OLD).startswith(propose(begin()))
    assert propose(begin(), 3) == b"the"


def test_it_goes_on_where_the_text_stands() -> None:
    assert propose(begin(b"the library "), 5) == b"opens"


def test_a_token_in_the_place_of_another_is_passed_by() -> None:
    assert propose(begin(b"the librarx"), 1) == b" "


def test_it_finds_its_way_back_after_other_words() -> None:
    assert propose(begin(b"the museum in town opens a"), 6) == b"t nine"
    assert propose(begin(b"opens at"), 5) == b" nine"


def test_the_longest_agreement_wins_over_the_nearest() -> None:
    drafter = MatchDrafter(lambda _: Reference((tuple(b"a-b ab-c"),) * 2, 1.0))
    drafter.begin(0, [1])
    drafter.observe(0, list(b"xxab"))
    assert propose(drafter, 2) == b"-c"


def test_the_end_of_answers_is_learned() -> None:
    drafter = begin(bytes(OLD))
    assert propose(drafter) == b""
    drafter.observe(0, [255])
    drafter.end(0)
    drafter.begin(0, [1])
    drafter.observe(0, list(OLD[:-2]))
    assert propose(drafter) == bytes([*OLD[-2:], 255])


def test_the_way_that_answers_begin_is_learned() -> None:
    variants = (tuple(b" one"), tuple(b"one"))
    drafter = MatchDrafter(lambda _: Reference(variants, 1.0))
    drafter.begin(0, [1])
    assert propose(drafter, 2) == b" o"
    drafter.observe(0, list(b"o"))
    assert propose(drafter, 2) == b"ne"
    drafter.begin(1, [1])
    (draft,) = drafter.propose([1], [2])
    assert bytes(draft.token_ids) == b"on"


def test_chances_are_learned_by_similarity() -> None:
    rates = MatchRates()
    before = rates.rate(0.8, 3), rates.rate(1.0, 3)
    for _ in range(50):
        rates.record(0.8, 3, False)
    assert rates.rate(0.8, 3) < 0.5 * before[0]
    assert rates.rate(1.0, 3) == before[1]
    other = MatchRates()
    other.restore(rates.numbers())
    assert other.rate(0.8, 3) == rates.rate(0.8, 3)
    other.restore({"hits": [1.0], "trials": [1.0]})
    other.restore({"hits": [2.0] * 40, "trials": [1.0] * 40})
    assert other.rate(0.8, 3) == rates.rate(0.8, 3)


def test_labels_are_kept_apart_and_restored() -> None:
    drafter = begin()
    drafter.switch("deu translate")
    drafter.observe(0, [0, 0, 0])
    known = drafter.numbers()
    assert known["deu translate"] != known[""]
    other = begin()
    other.restore(known)
    assert other.numbers() == known


def test_a_choice_leaves_a_reference_for_one_prompt() -> None:
    choice = MatchChoice(ByteTokenizer().encode_all)
    choice.announce([7], "eins", 0.9)
    choice.announce([8], "", 0.9)
    choice.drafter.begin(0, [7])
    choice.drafter.begin(1, [7])
    choice.drafter.begin(2, [8])
    first, second, third = choice.drafter.propose([0, 1, 2], [5, 5, 5])
    assert bytes(first.token_ids) == b" eins"
    assert second.token_ids == ()
    assert third.token_ids in {(), (32,)}
    choice.announce([9], "zwei", 0.9)
    choice.clear()
    choice.drafter.begin(0, [9])
    assert choice.drafter.propose([0], [5])[0].token_ids == ()


TOKENS = st.lists(st.integers(0, 4), max_size=30).map(tuple)


@given(reference=TOKENS, text=TOKENS)
def test_a_follower_stays_within_its_reference(
    reference: tuple[int, ...], text: tuple[int, ...]
) -> None:
    follower = Follower((reference, reference))
    for token_id in text:
        was_foreseen = follower.foreseen == token_id
        follower.push(token_id)
        assert 0 <= follower.place <= len(reference)
        if was_foreseen or follower.run:
            assert reference[follower.place - 1] == token_id
    copied = follower.copy()
    copied.push(0)
    assert follower.copy().place == follower.place


@given(
    references=st.lists(TOKENS, min_size=1, max_size=4),
    prompts=st.lists(
        st.lists(st.integers(0, 4), min_size=1, max_size=4), min_size=1, max_size=4
    ),
    seed=st.integers(0, 9),
)
def test_no_reference_changes_what_the_target_chooses(
    references: list[tuple[int, ...]], prompts: list[list[int]], seed: int
) -> None:
    requests = [Request(prompt, 20) for prompt in prompts]
    waiting = iter(references * len(prompts))
    drafter = MatchDrafter(lambda _: Reference((next(waiting), (1, 2)), 0.9))
    free = DraftPolicy(StepCost.flat())
    plain = Scheduler(FakeTarget(seed=seed), None, free, max_sequences=3)
    drafted = Scheduler(
        FakeTarget(seed=seed), drafter, DraftPolicy(StepCost.flat()), max_sequences=3
    )
    expected = [answer.token_ids for answer in run_all(plain, requests)]
    assert [answer.token_ids for answer in run_all(drafted, requests)] == expected
