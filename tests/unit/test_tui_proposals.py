"""Who proposed what is found in the text that is shown."""

from polyspec.prompting.interfaces import TracedToken
from polyspec.tui.proposals import Proposal, locate_proposals

TOKENS = [
    TracedToken("Die"),
    TracedToken(" Bibliothek", "table"),
    TracedToken(" öffnet", "history"),
    TracedToken("."),
    TracedToken("\n", "table"),
]


def test_proposals_stand_where_their_tokens_are() -> None:
    assert list(locate_proposals("Die Bibliothek öffnet.", TOKENS, 10)) == [
        Proposal(14, 24, "table"),
        Proposal(25, 31, "history"),
    ]


def test_what_was_tidied_away_is_left_out() -> None:
    assert list(locate_proposals("Die öffnet.", TOKENS)) == [Proposal(4, 10, "history")]
    assert list(locate_proposals("", TOKENS)) == []


def test_text_around_the_answer_is_passed_over() -> None:
    assert list(locate_proposals("\n\n  Die Bibliothek", TOKENS)) == [
        Proposal(8, 18, "table")
    ]
