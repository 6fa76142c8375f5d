from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspec.drafting.history import HistoryDrafter, HitRates, find_band
from tests.reference import longest_match

TOKENS = st.integers(0, 2)

TEXTS = st.lists(st.integers(0, 2), max_size=40)


@settings(max_examples=300)
@given(TEXTS, TEXTS, st.integers(0, 20))
def test_drafts_continue_the_longest_latest_match(
    prompt: list[int], written: list[int], limit: int
) -> None:
    drafter = HistoryDrafter()
    drafter.begin(3, prompt)
    for token_id in written:
        drafter.observe(3, [token_id])
    (draft,) = drafter.propose([3], [limit])
    text = prompt + written
    order, end = longest_match(text, 8)
    if order == 0 or limit == 0:
        assert draft.token_ids == ()
        return
    expected = list(text)
    for place in range(limit):
        expected.append(expected[end + place])
    assert list(draft.token_ids) == expected[len(text) :]
    assert draft.probabilities == tuple(
        drafter.hit_rates.rate(order + place) for place in range(limit)
    )
    assert draft.sources == ("history",) * limit


def test_the_example_of_the_docstring() -> None:
    drafter = HistoryDrafter()
    a, b, c, x = range(4)
    drafter.begin(0, [a, b, c, x, a, b])
    (draft,) = drafter.propose([0], [3])
    assert draft.token_ids == (c, x, a)


def test_a_match_that_reaches_the_end_repeats_itself() -> None:
    drafter = HistoryDrafter()
    drafter.begin(0, [7, 1, 2, 1, 2])
    (draft,) = drafter.propose([0], [5])
    assert draft.token_ids == (1, 2, 1, 2, 1)


def test_a_draft_repeats_a_text_seen_before_to_its_end() -> None:
    drafter = HistoryDrafter()
    drafter.begin(0, [*range(10), 0, 1])
    (draft,) = drafter.propose([0], [8])
    assert draft.token_ids == tuple(range(2, 10))


@given(TEXTS, TEXTS, st.lists(st.integers(1, 5), max_size=20))
def test_it_does_not_matter_how_many_tokens_are_observed_at_once(
    prompt: list[int], written: list[int], sizes: list[int]
) -> None:
    whole, pieces = HistoryDrafter(), HistoryDrafter()
    for drafter in (whole, pieces):
        drafter.begin(0, prompt)
    whole.observe(0, written)
    rest = list(written)
    for size in sizes:
        pieces.observe(0, rest[:size])
        rest = rest[size:]
    pieces.observe(0, rest)
    assert whole.propose([0], [9]) == pieces.propose([0], [9])


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_rates_move_to_what_is_observed(share: float) -> None:
    rates, random = HitRates(), Random(1)
    for _ in range(4000):
        rates.record(3, random.random() < share)
    assert rates.rate(3) == pytest.approx(share, abs=0.08)


@given(st.lists(st.tuples(st.integers(1, 20), st.booleans()), max_size=60))
def test_rates_stay_between_0_and_1(outcomes: list[tuple[int, bool]]) -> None:
    rates = HitRates()
    for length, is_hit in outcomes:
        rates.record(length, is_hit)
    assert all(0.0 < rates.rate(length) < 1.0 for length in range(1, 30))


def test_a_longer_match_promises_more_before_anything_is_known() -> None:
    rates = HitRates()
    known = [rates.rate(length) for length in range(1, 9)]
    assert known == sorted(known)
    assert rates.rate(9) == rates.rate(8)


def test_old_outcomes_fade() -> None:
    rates = HitRates()
    for is_hit in [True] * 3000 + [False] * 1200:
        rates.record(1, is_hit)
    assert rates.rate(1) < 0.2


def test_predictions_count_whether_drafted_or_not() -> None:
    drafter = HistoryDrafter()
    before = drafter.hit_rates.rate(1)
    drafter.begin(0, [5])
    drafter.observe(0, [5] * 3)
    assert drafter.hit_rates.rate(1) > before


def test_what_the_target_was_sure_of_is_promised_more_than_a_rare_draw() -> None:
    drafter = HistoryDrafter()
    drafter.begin(0, [7])
    drafter.weigh(0, [0.99, 0.99, 0.05, 0.99, None])
    drafter.observe(0, [1, 2, 3])
    drafter.observe(0, [4, 5])
    drafter.observe(0, [1, 2])  # without what the target thought of them
    (draft,) = drafter.propose([0], [3])
    assert draft.token_ids == (3, 4, 5)
    rates = drafter.hit_rates
    assert draft.probabilities == (rates.rate(2, 1), rates.rate(3, 5), rates.rate(4, 0))
    assert draft.probabilities[0] < draft.probabilities[1]


def test_what_was_sure_is_judged_apart_from_what_was_not() -> None:
    drafter = HistoryDrafter()
    before = [drafter.hit_rates.rate(1, band) for band in range(6)]
    drafter.begin(0, [])
    drafter.weigh(0, [0.5, 0.9, 0.9, 0.9, 0.9])
    drafter.observe(0, [1, 2, 1, 2])
    after = [drafter.hit_rates.rate(1, band) for band in range(6)]
    changed = [band for band in range(6) if after[band] != before[band]]
    # The second `1` is followed by a copy of the first `2`.
    assert changed == [find_band(0.9)]


@pytest.mark.parametrize("length", range(1, 9))
def test_a_likelier_token_promises_more_before_anything_is_known(length: int) -> None:
    bands = [find_band(chance) for chance in (0.0, 0.2, 0.5, 0.8, 0.95, 1.0)]
    assert bands == [1, 2, 3, 4, 5, 5]
    known = [HitRates().rate(length, band) for band in bands]
    assert known == sorted(known)
    assert find_band(None) == 0


def test_sequences_do_not_see_each_other() -> None:
    drafter = HistoryDrafter()
    drafter.begin(0, [1, 2, 3, 1])
    drafter.begin(1, [9])
    first, second = drafter.propose([0, 1], [2, 2])
    assert first.token_ids == (2, 3)
    assert second.token_ids == ()


@pytest.mark.parametrize(
    ("text", "prefix", "expected"),
    [
        ([1, 2, 3, 4, 1, 2], [3], (4, 1, 2)),
        ([1, 2, 3, 4, 5], [2, 3], (4, 5, 2)),
        ([1, 2, 1], [2], (1, 2, 1)),
        ([1, 2], [9], ()),
        ([1, 2, 9, 1, 7], [9, 9], (1, 7, 9)),
    ],
)
def test_it_goes_on_behind_what_others_proposed(
    text: list[int], prefix: list[int], expected: tuple[int, ...]
) -> None:
    drafter = HistoryDrafter()
    drafter.begin(0, text)
    before = drafter.propose([0], [3])
    (draft,) = drafter.extend([0], [prefix], [3])
    assert draft.token_ids == expected
    assert drafter.propose([0], [3]) == drafter.extend([0], [()], [3]) == before


@given(
    st.lists(TOKENS, min_size=1, max_size=30), st.lists(TOKENS, min_size=1, max_size=5)
)
def test_behind_a_prefix_the_longest_match_in_the_text_counts(
    text: list[int], prefix: list[int]
) -> None:
    drafter = HistoryDrafter()
    drafter.begin(0, text)
    (draft,) = drafter.extend([0], [prefix], [1])
    whole = [*text, *prefix]
    matches = [
        size
        for size in range(1, min(8, len(whole)) + 1)
        for start in range(len(text) - size + 1)
        if text[start : start + size] == whole[-size:]
    ]
    assert bool(draft.token_ids) is bool(matches)
    if matches:
        assert draft.probabilities == (HitRates().rate(max(matches)),)
