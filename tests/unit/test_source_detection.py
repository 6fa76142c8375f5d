"""A translator that finds out in which language its texts are."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from polyspec.documents.interfaces import ReadOptions
from polyspec.documents.registry import find_format
from polyspec.settings import Settings
from polyspec.translation.pipeline import TranslatedSegment
from polyspec.translator import Translator
from tests.fakes_completer import FakeCompleter
from tests.fakes_translator import FakeOpening

GERMAN = "Seit Anfang der Woche ist das Wetter schön, und wir freuen uns.\n"
FRENCH = "Il fait beau depuis le début de la semaine, et nous sommes contents.\n"
MORE_GERMAN = (
    "Die Kinder spielen jeden Nachmittag im Garten hinter dem Haus. Am Abend kochen "
    "wir gemeinsam eine Suppe. Danach lesen wir einander aus einem alten Buch vor.\n"
)


@contextmanager
def translator(
    notes: list[str], completer: FakeCompleter | None = None, **chosen: object
) -> Iterator[Translator]:
    opening = FakeOpening(completer or FakeCompleter())
    with opening(Settings.model_validate({"to": "en", **chosen})) as it:
        it.report = notes.append
        yield it


def test_the_language_is_told_once_and_asked_from() -> None:
    notes: list[str] = []
    completer = FakeCompleter()
    with translator(notes, completer) as it:
        list(it.translate([GERMAN * 2]))
        list(it.translate([GERMAN]))
        assert it.source_language().code == "deu"
    prompt = "".join(part.text for part in completer.requests[0].prompt.shared)
    assert "German" in prompt
    assert notes == ["detected: German"]


def test_a_line_that_could_be_anything_goes_on_with_those_before() -> None:
    notes: list[str] = []
    with translator(notes) as it:
        list(it.translate([FRENCH]))
        list(it.translate(["Contact\n"]))
        assert it.source_language().code == "fra"
        list(it.translate([GERMAN]))
    assert notes == ["detected: French", "detected: German"]


@pytest.mark.parametrize("by", ["settings", "argument"])
def test_a_named_language_is_not_doubted(by: str) -> None:
    notes: list[str] = []
    chosen = "fr" if by == "settings" else "auto"
    with translator(notes, None, **{"from": chosen}) as it:
        named = None if by == "settings" else "fr"
        list(it.translate([GERMAN], from_=named))
        assert it.source_language(named).code == "fra"
        assert it.detected is None
    assert notes == []


def test_what_is_asked_for_quietly_is_not_told() -> None:
    notes: list[str] = []
    with translator(notes) as it:
        list(it.translate([GERMAN], from_="auto"))
        assert it.source_language("auto").code == "deu"
    assert notes == []


def test_a_text_in_the_target_language_stays_as_it_is() -> None:
    notes: list[str] = []
    completer = FakeCompleter()
    with translator(notes, completer, to="de") as it:
        events = list(it.translate([GERMAN]))
    assert notes == ["detected: German; what is surely so stays as it is"]
    (done,) = [event for event in events if isinstance(event, TranslatedSegment)]
    assert done.output == GERMAN
    assert completer.requests == []


def test_a_segment_in_another_language_says_so() -> None:
    with translator([]) as it:
        events = list(it.translate([GERMAN + MORE_GERMAN + FRENCH]))
    done = [event for event in events if isinstance(event, TranslatedSegment)]
    languages = [each.other_language for each in done]
    assert languages[:-1] == [None] * 4
    assert languages[-1] is not None
    assert languages[-1].code == "fra"


def test_a_pipe_is_read_no_further_than_its_first_line() -> None:
    lines = iter([FRENCH, GERMAN])
    with translator([]) as it:
        it.translate(lines)
        assert next(lines) == GERMAN


def test_each_document_speaks_for_itself(tmp_path: Path) -> None:
    notes: list[str] = []
    with translator(notes) as it:
        for text in (FRENCH, GERMAN, "12\n"):
            path = tmp_path / "page.md"
            path.write_text(text, encoding="utf-8")
            document = find_format("markdown").open(path, ReadOptions())
            it.translate_document(document, io.BytesIO(), lambda _: None)
    assert notes[:2] == ["detected: French", "detected: German"]
    assert "read as English" in notes[2]
