"""Names and numbers put in the place of others in a stored translation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.assets.adaptation import adapt

ROOM = "Room 12 is free, says Anna."
ZIMMER = "Zimmer 12 ist frei, sagt Anna."


@pytest.mark.parametrize(
    ("known", "translation", "asked", "adapted"),
    [
        (ROOM, ZIMMER, "Room 14 is free, says Anna.", "Zimmer 14 ist frei, sagt Anna."),
        (ROOM, ZIMMER, "Room 12 is free, says Ben.", "Zimmer 12 ist frei, sagt Ben."),
        (ROOM, ZIMMER, "Room Anna is free, says 12.", "Zimmer Anna ist frei, sagt 12."),
        (ROOM, ZIMMER, "Room 12 is taken, says Anna.", ZIMMER),
        (ROOM, ZIMMER, ROOM, ZIMMER),
        (ROOM, "12 und 12", "Room 14 is free, says Anna.", "12 und 12"),
        ("From 5 to 5.", "Von 5 bis 6.", "From 5 to 7.", "Von 5 bis 6."),
        ("Room 12", "Zimmer 121", "Room 14", "Zimmer 121"),
        ("It is in.", "Es ist in.", "It is at.", "Es ist in."),
        ("", "x", "Anna", "x"),
    ],
)
def test_only_what_is_beyond_doubt_is_changed(
    known: str, translation: str, asked: str, adapted: str
) -> None:
    assert adapt(known, translation, asked) == adapted


@given(st.text(max_size=30), st.text(max_size=30))
def test_an_identical_text_changes_nothing(source: str, translation: str) -> None:
    assert adapt(source, translation, source) == translation


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_any_texts_may_come(known: str, translation: str, asked: str) -> None:
    adapt(known, translation, asked)
