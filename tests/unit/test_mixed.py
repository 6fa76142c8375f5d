"""Texts in several languages, and the language of a text that named none."""

from itertools import repeat

import pytest

from polyspec.detection import choose_source, read_ahead
from polyspec.languages import find_language
from polyspec.prompting.profiles import QWEN_CHAT
from polyspec.translation.mixed import MixedText
from polyspec.translation.pipeline import TranslatedSegment, translate_text
from tests.fakes_completer import FakeCompleter, own_text

ENGLISH, FRENCH, GERMAN = map(find_language, ("eng", "fra", "deu"))
IN_ENGLISH = "The weather has been fine since the beginning of the week."
IN_FRENCH = "Il fait beau depuis le début de la semaine, et nous sommes contents."
IN_GERMAN = "Seit Anfang der Woche ist das Wetter schön, und wir freuen uns."


def test_only_long_and_sure_segments_are_told_apart() -> None:
    mixed = MixedText(QWEN_CHAT, ENGLISH, FRENCH)
    assert mixed.find_other(IN_GERMAN) == GERMAN
    assert mixed.find_other(IN_ENGLISH) is None
    assert mixed.find_other("Guten Tag") is None
    assert mixed.is_translated(IN_FRENCH)
    assert not mixed.is_translated(IN_GERMAN)
    assert not mixed.is_translated("Bonjour")
    assert mixed.find_other(f"{IN_GERMAN} " * 40) is None


@pytest.mark.parametrize(
    ("target", "text"),
    [("fr-CA", IN_FRENCH), ("zh", "图书馆九点开门，阅览室里很安静，大家都在看书。")],
)
def test_a_language_is_translated_into_another_form_of_itself(
    target: str, text: str
) -> None:
    assert not MixedText(QWEN_CHAT, ENGLISH, find_language(target)).is_translated(text)


def test_segments_are_asked_for_in_their_own_language_or_left_alone() -> None:
    completer = FakeCompleter()
    events = translate_text(
        completer,
        QWEN_CHAT,
        [f"{IN_ENGLISH}\n{IN_FRENCH}\n{IN_GERMAN}\n"],
        source_language=ENGLISH,
        target_language=FRENCH,
        is_streaming=False,
        is_mixed=True,
    )
    found = [event for event in events if isinstance(event, TranslatedSegment)]
    prompts = [
        "".join(part.text for part in (*request.prompt.shared, *request.prompt.own))
        for request in completer.requests
    ]
    assert any("from English into French" in prompt for prompt in prompts)
    (german,) = [prompt for prompt in prompts if IN_GERMAN in prompt][:1]
    assert "from German into French" in german
    assert not any(IN_FRENCH in own_text(request) for request in completer.requests)
    kept = next(each for each in found if each.segment.text == IN_FRENCH)
    assert kept.text == IN_FRENCH
    assert "French already" in kept.note


def test_a_sure_language_is_told_in_two_words() -> None:
    choice = choose_source(IN_GERMAN)
    assert choice.language == GERMAN
    assert choice.note == "detected: German"


def test_an_unsure_language_names_what_else_it_may_be() -> None:
    choice = choose_source("casa para", is_wide=False)
    assert choice.language.script == "Latn"
    assert not choice.is_sure
    assert "is possible" in choice.note
    assert "--from" in choice.note


@pytest.mark.parametrize("text", ["", "12 - 34", "\udc80"])
def test_a_text_without_words_is_read_as_english(text: str) -> None:
    choice = choose_source(text)
    assert choice.language == ENGLISH
    assert "read as English" in choice.note


def test_a_guess_in_latin_letters_gives_way_to_english() -> None:
    choice = choose_source("Contact", is_wide=False)
    assert choice.language == ENGLISH
    assert not choice.is_sure


def test_no_more_is_read_ahead_than_a_line() -> None:
    chunks = iter(["\n \n", "Bon", "jour\nTout", " le monde\n"])
    sample, again = read_ahead(chunks)
    assert sample == "\n \nBonjour\nTout"
    assert next(chunks) == " le monde\n"
    assert "".join(again) == "\n \nBonjour\nTout"


def test_an_endless_line_is_not_read_to_its_end() -> None:
    sample, again = read_ahead(repeat("word "))
    assert len(sample) < 10_000
    assert next(again) == "word "


def test_an_empty_text_has_no_beginning() -> None:
    sample, again = read_ahead([])
    assert (sample, list(again)) == ("", [])
