from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.decoding.interfaces import Draft
from polyspec.decoding.worth import expected_tokens, token_worths

TRUST = {"one": 1.0, "half": 0.5, "more": 1.1}
DRAFTS = st.lists(
    st.tuples(st.floats(0.0, 1.0), st.sampled_from(sorted(TRUST))), max_size=8
).map(
    lambda pairs: Draft(
        tuple(range(len(pairs))),
        tuple(chance for chance, _ in pairs),
        tuple(name for _, name in pairs),
    )
)


def trust(source: str, *, is_first: bool) -> float:
    return TRUST[source]


def test_what_each_drafter_promises_is_corrected() -> None:
    draft = Draft((1, 2, 3), (0.8, 0.5, 0.5), ("one", "half", "half"))
    worths = token_worths(draft, trust)
    assert worths == pytest.approx([0.8, 0.2, 0.05])


def test_the_token_with_which_a_drafter_begins_is_corrected_apart() -> None:
    draft = Draft((1,) * 4, (0.8,) * 4, ("one", "one", "two", "two"))
    worths = token_worths(draft, lambda _, *, is_first: 0.5 if is_first else 1.0)
    assert worths == pytest.approx([0.4, 0.4 * 0.8, 0.4 * 0.8 * 0.4, 0.4 * 0.8 * 0.32])


@given(DRAFTS)
def test_no_token_is_worth_more_than_those_before_it(draft: Draft) -> None:
    worths = token_worths(draft, trust)
    assert len(worths) == len(draft.token_ids)
    assert all(0.0 <= worth <= 1.0 for worth in worths)
    assert worths == sorted(worths, reverse=True)


@given(DRAFTS, st.lists(st.floats(0.0, 1.0), min_size=8, max_size=8))
def test_a_token_is_worth_less_where_the_target_draws_with_a_larger_number(
    draft: Draft, draws: list[float]
) -> None:
    worths = token_worths(draft, trust, draws)
    smaller = token_worths(draft, trust, [draw / 2 for draw in draws])
    assert all(0.0 <= worth <= 1.0 + 1e-9 for worth in smaller)
    assert all(one >= other - 1e-9 for one, other in zip(smaller, worths, strict=True))
    usual = token_worths(draft, trust)
    for small in (0.0, 0.5):
        assert token_worths(draft, trust, [small] * 8) == pytest.approx(usual)


@given(DRAFTS, st.integers(0, 9))
def test_a_cut_draft_is_its_beginning(draft: Draft, length: int) -> None:
    cut = draft.cut(length)
    assert cut.token_ids == draft.token_ids[:length]
    assert len(cut.probabilities) == len(cut.sources) == len(cut.token_ids)


@given(DRAFTS, st.sampled_from(("one", "half")))
def test_what_is_expected_is_the_sum_of_what_tokens_are_worth(
    draft: Draft, name: str
) -> None:
    size = len(draft.token_ids)
    alone = Draft(draft.token_ids, draft.probabilities, (name,) * size)
    for each in (draft, alone):
        pairs = zip(each.probabilities, each.sources, strict=True)
        corrected = [min(1.0, chance * TRUST[source]) for chance, source in pairs]
        assert expected_tokens(each, trust) == pytest.approx(
            sum(prod(corrected[: place + 1]) for place in range(size)), rel=1e-9
        )
