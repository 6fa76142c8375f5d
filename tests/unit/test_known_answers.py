"""What failed is not asked for again, and fails again in the same way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from polyspec.assets.database import Database
from polyspec.assets.failed_answers import FailedAnswer, FailedAnswers
from polyspec.assets.language_pair import LanguagePair
from polyspec.decoding.sampling import Sampling
from polyspec.documents.interfaces import InlineCode, Segment, SegmentNote
from polyspec.languages import find_language
from polyspec.prompting.profiles import QWEN_CHAT
from polyspec.translation.documents import translate_units
from polyspec.translation.job import NOTE_KNOWN
from polyspec.translation.known_answers import KeptAnswers
from polyspec.translation.pipeline import TranslatedSegment, translate_text
from polyspec.translation.plan import make_plan
from polyspec.translation.units import TranslatedUnit
from tests.fakes_completer import FakeCompleter

PAIR = LanguagePair("en", "de")
ENGLISH, GERMAN = find_language("en"), find_language("de")
TEXT = "The first line is long enough.\nThis one fails every time it is asked.\n"


@pytest.fixture(autouse=True)
def _answer_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.fakes_completer.own_text", lambda request: request.source
    )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "assets.sqlite3", pytest.fail) as opened:
        yield opened


def make_known(
    database: Database,
    *,
    is_reading: bool = True,
    is_writing: bool = True,
    model: str = "a model",
) -> KeptAnswers:
    return KeptAnswers(
        FailedAnswers(database),
        PAIR,
        lambda: model,
        pytest.fail,
        is_reading=is_reading,
        is_writing=is_writing,
    )


def answer(source: str) -> str:
    """Echo what is about failing, which no check lets pass."""
    return source if "fails" in source else "Eine Zeile, die lang genug ist."


def translate(
    known: KeptAnswers | None, text: str = TEXT, sampling: Sampling | None = None
) -> tuple[list[TranslatedSegment], FakeCompleter]:
    completer = FakeCompleter(answer)
    events = translate_text(
        completer,
        QWEN_CHAT,
        [text],
        source_language=ENGLISH,
        target_language=GERMAN,
        sampling=sampling,
        known=known,
    )
    return [one for one in events if isinstance(one, TranslatedSegment)], completer


def test_a_segment_that_failed_is_not_asked_for_again(database: Database) -> None:
    first, asked = translate(make_known(database))
    again, asked_again = translate(make_known(database))
    assert len(asked.requests) > 2
    assert [request.source for request in asked_again.requests] == [
        first[0].segment.text
    ]
    assert [one.text for one in again] == [one.text for one in first]
    assert first[1].note
    assert again[1].note == f"{first[1].note}; {NOTE_KNOWN}"
    assert not again[0].note


def test_a_text_of_nothing_but_failures_needs_no_model(database: Database) -> None:
    text = "\n".join(f"Line {number} fails whatever is asked." for number in range(9))
    translate(make_known(database), text)
    again, completer = translate(make_known(database), text)
    assert not completer.requests
    assert len(again) == 9
    assert all(NOTE_KNOWN in one.note for one in again)


def test_what_moved_in_its_text_is_known_as_well(database: Database) -> None:
    translate(make_known(database))
    _, completer = translate(make_known(database), f"Another line before it.\n{TEXT}")
    assert not any("fails" in request.source for request in completer.requests)


@pytest.mark.parametrize(
    "known",
    [
        {"is_reading": False},
        {"model": "another model"},
    ],
)
def test_it_is_asked_for_again_where_it_may_go_well(
    database: Database, known: dict[str, object]
) -> None:
    _, first = translate(make_known(database))
    segments, completer = translate(make_known(database, **known))  # type: ignore[arg-type]
    assert len(completer.requests) == len(first.requests)
    assert NOTE_KNOWN not in segments[1].note


def test_another_way_of_drawing_asks_again(database: Database) -> None:
    translate(make_known(database))
    drawn = Sampling(temperature=0.7, seed=1)
    _, completer = translate(make_known(database), sampling=drawn)
    assert any("fails" in request.source for request in completer.requests)


def test_nothing_is_kept_where_the_user_wants_nothing_kept(database: Database) -> None:
    translate(make_known(database, is_writing=False))
    assert FailedAnswers(database).count() == 0


def test_markup_that_was_lost_is_not_asked_for_again(database: Database) -> None:
    code = InlineCode("<br/>")
    content = ("The words before it", code, "and those after it fails.")

    def run() -> tuple[list[TranslatedUnit], FakeCompleter]:
        completer = FakeCompleter(answer)
        plan = make_plan(
            completer,
            QWEN_CHAT,
            source_language=ENGLISH,
            target_language=GERMAN,
            group_tokens=40,
            num_context_chars=0,
            keeps_source=True,
            known=make_known(database),
        )
        segment = Segment("1", content, SegmentNote())
        return list(translate_units(completer, plan, [segment])), completer

    first, _ = run()
    again, completer = run()
    assert not completer.requests
    assert again[0].content == first[0].content
    assert again[0].note == f"{first[0].note}; {NOTE_KNOWN}"


def test_a_user_may_forget_them(database: Database) -> None:
    failed = FailedAnswers(database)
    failed.keep(PAIR, [FailedAnswer(b"1", "text", is_cut=True)])
    failed.keep(LanguagePair("en", "fr"), [FailedAnswer(b"2", "\ud800", is_cut=False)])
    assert failed.find(b"1") == FailedAnswer(b"1", "text", is_cut=True)
    assert failed.clear(PAIR) == 1
    assert failed.find(b"1") is None
    assert failed.count() == 1
    assert failed.clear() == 1
