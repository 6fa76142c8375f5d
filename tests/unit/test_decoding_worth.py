from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.interfaces import Draft
from polyspec.decoding.step_cost import StepCost
from polyspec.decoding.worth import expected_tokens, runs_by_source, token_worths

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


def test_each_drafter_is_corrected_where_it_goes_on() -> None:
    draft = Draft((1, 2, 3), (0.8, 0.5, 0.5), ("one", "half", "half"))
    worths = token_worths(draft, TRUST.__getitem__)
    assert worths == pytest.approx([0.8, 0.2, 0.1])


@given(DRAFTS)
def test_no_token_is_worth_more_than_those_before_it(draft: Draft) -> None:
    worths = token_worths(draft, TRUST.__getitem__)
    assert len(worths) == len(draft.token_ids)
    assert all(0.0 <= worth <= 1.0 for worth in worths)
    assert worths == sorted(worths, reverse=True)


@given(DRAFTS)
def test_stretches_of_one_drafter_make_up_the_draft(draft: Draft) -> None:
    runs = list(runs_by_source(draft))
    sources = [name for name, first, end in runs for _ in range(first, end)]
    assert tuple(sources) == draft.sources
    assert all(a[0] != b[0] for a, b in pairwise(runs))


@given(DRAFTS, st.integers(0, 9))
def test_a_cut_draft_is_its_beginning(draft: Draft, length: int) -> None:
    cut = draft.cut(length)
    assert cut.token_ids == draft.token_ids[:length]
    assert len(cut.probabilities) == len(cut.sources) == len(cut.token_ids)


def test_a_drafter_is_not_blamed_for_what_was_wrong_before_it() -> None:
    policy = DraftPolicy(StepCost.flat())
    draft = Draft((1, 2), (0.9, 0.9), ("one", "two"))
    for _ in range(50):
        policy.observe_step(3, 1.0, [draft], [0])
    assert policy.feedback.trust("one") < 0.5
    assert policy.feedback.trust("two") == 1.0
    for _ in range(50):
        policy.observe_step(3, 1.0, [draft], [1])
    assert policy.feedback.trust("two") < 0.5


@given(DRAFTS, st.sampled_from(("one", "half")))
def test_what_is_expected_is_the_sum_of_what_tokens_are_worth(
    draft: Draft, name: str
) -> None:
    size = len(draft.token_ids)
    alone = Draft(draft.token_ids, draft.probabilities, (name,) * size)
    for each in (draft, alone):
        assert expected_tokens(each, TRUST.__getitem__) == pytest.approx(
            sum(token_worths(each, TRUST.__getitem__)), rel=0.1 + 1e-9
        )
