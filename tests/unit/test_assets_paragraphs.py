import pytest

from polyspec.assets.language_pair import LanguagePair
from polyspec.assets.paragraphs import pair_sentences

PAIR = LanguagePair("en", "de")


def test_sentences_stand_beside_their_translations() -> None:
    found = pair_sentences(
        PAIR,
        "Press the red button. Then wait for a minute.\nIt is done.",
        "Drücken Sie den roten Knopf. Warten Sie dann eine Minute.\nFertig ist es.",
    )
    assert found == [
        ("Press the red button.", "Drücken Sie den roten Knopf."),
        ("Then wait for a minute.", "Warten Sie dann eine Minute."),
        ("It is done.", "Fertig ist es."),
    ]


@pytest.mark.parametrize(
    ("source", "translation"),
    [
        ("One sentence only.", "Ein Satz nur."),
        ("One. And two.", "Eins und zwei zusammen."),
        (
            "Yes. This is a sentence that goes on for quite a while before it ends.",
            "Dies ist ein Satz, der eine ganze Weile geht, bevor er endet. Ja.",
        ),
        ("", ""),
    ],
)
def test_what_does_not_fit_is_not_cut(source: str, translation: str) -> None:
    assert pair_sentences(PAIR, source, translation) == []
