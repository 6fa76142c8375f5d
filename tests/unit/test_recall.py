"""What the pipeline takes from the translation memory, and what it keeps in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from polyspec.assets.database import Database
from polyspec.assets.glossary import Glossary, Term
from polyspec.assets.language_pair import LanguagePair
from polyspec.assets.segments import NewSegment, Origin
from polyspec.assets.translation_memory import TranslationMemory
from polyspec.documents.interfaces import CodeKind, InlineCode, Segment, SegmentNote
from polyspec.languages import find_language
from polyspec.prompting.profiles import GEMMA_BASE, QWEN_CHAT, Profile
from polyspec.translation.documents import translate_units
from polyspec.translation.guidance import Guidance
from polyspec.translation.pipeline import TranslatedSegment, translate_text
from polyspec.translation.plan import make_plan
from polyspec.translation.recall import MemoryRecall
from tests.fakes_completer import FakeCompleter

PAIR = LanguagePair("en", "de")
ENGLISH, GERMAN = find_language("en"), find_language("de")


@pytest.fixture(autouse=True)
def _answer_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the completer answer what is translated, whatever stands around it."""
    monkeypatch.setattr(
        "tests.fakes_completer.own_text", lambda request: request.source
    )


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[TranslationMemory]:
    with Database(tmp_path / "assets.sqlite3", pytest.fail) as database:
        yield TranslationMemory(database)


def make_recall(
    memory: TranslationMemory, *, reuses_exact: bool = False, is_writing: bool = True
) -> MemoryRecall:
    return MemoryRecall(
        memory,
        PAIR,
        pytest.fail,
        threshold=0.75,
        reuses_exact=reuses_exact,
        is_writing=is_writing,
    )


def keep(memory: TranslationMemory, source: str, translation: str) -> None:
    memory.store([NewSegment(PAIR, source, translation)], Origin.USER)


def translate(
    completer: FakeCompleter,
    text: str,
    recall: MemoryRecall | None = None,
    guidance: Guidance | None = None,
    profile: Profile = GEMMA_BASE,
) -> list[TranslatedSegment]:
    events = translate_text(
        completer,
        profile,
        [text],
        source_language=ENGLISH,
        target_language=GERMAN,
        group_tokens=0,
        recall=recall,
        guidance=guidance or Guidance(),
    )
    return [event for event in events if isinstance(event, TranslatedSegment)]


def kept(memory: TranslationMemory) -> dict[str, str]:
    return {one.source: one.translation for one in memory.segments()}


def test_sound_translations_are_kept(memory: TranslationMemory) -> None:
    translate(FakeCompleter(), "One house. A tree.\n123", make_recall(memory))
    assert kept(memory) == {"One house.": "ONE HOUSE.", "A tree.": "A TREE."}


def test_flagged_translations_are_not(memory: TranslationMemory) -> None:
    completer = FakeCompleter(answer=str)  # an echo
    (segment,) = translate(completer, "This is one house.", make_recall(memory))
    assert segment.note
    assert kept(memory) == {}


def test_nothing_is_kept_where_that_is_not_wanted(memory: TranslationMemory) -> None:
    keep(memory, "One house.", "Ein Haus.")
    translate(
        FakeCompleter(), "A tree. One house.", make_recall(memory, is_writing=False)
    )
    assert kept(memory) == {"One house.": "Ein Haus."}
    assert [counts.num_uses for counts in memory.count()] == [0]


def test_what_is_known_is_taken_when_that_is_asked_for(
    memory: TranslationMemory,
) -> None:
    keep(memory, "One house.", "Ein Haus.")
    completer = FakeCompleter()
    first, second = translate(
        completer, "One house. A tree.", make_recall(memory, reuses_exact=True)
    )
    assert (first.text, first.is_recalled, first.num_tokens) == ("Ein Haus.", True, 0)
    assert (second.text, second.is_recalled) == ("A TREE.", False)
    assert [request.source for request in completer.requests] == ["A tree."]
    assert kept(memory)["One house."] == "Ein Haus."
    assert [counts.num_uses for counts in memory.count()] == [1]


def test_otherwise_the_model_is_asked_and_may_follow_it(
    memory: TranslationMemory,
) -> None:
    keep(memory, "The library opens at nine.", "Die Bücherei öffnet um neun.")
    completer = FakeCompleter()
    (segment,) = translate(completer, "The library opens at ten.", make_recall(memory))
    assert segment.text == "THE LIBRARY OPENS AT TEN."
    assert not segment.is_recalled
    (request,) = completer.requests
    assert request.precedent is not None
    assert request.precedent.translation == "Die Bücherei öffnet um neun."
    assert 0.75 <= request.precedent.similarity < 1.0
    assert request.precedent.adapted == request.precedent.translation


def test_names_and_numbers_of_the_text_are_put_into_the_draft(
    memory: TranslationMemory,
) -> None:
    keep(memory, "The library opens at 9.", "Die Bücherei öffnet um 9.")
    found = make_recall(memory).find_similar("The library opens at 10.")
    assert found is not None
    assert found.adapted == "Die Bücherei öffnet um 10."
    assert found.translation == "Die Bücherei öffnet um 9."


def test_an_answer_that_was_wrong_is_asked_for_without_a_precedent(
    memory: TranslationMemory,
) -> None:
    keep(memory, "The library opens at nine.", "x")
    completer = FakeCompleter(answer=str)
    translate(completer, "The library opens at nine.", make_recall(memory))
    first, *others = completer.requests
    assert first.precedent is not None
    assert others
    assert {request.precedent for request in others} == {None}


def test_markers_are_numbered_anew(memory: TranslationMemory) -> None:
    recall = make_recall(memory, reuses_exact=True)
    recall.remember("Press <3>OK</3> or <7/>.", "<7/> oder <3>OK</3>.")
    assert kept(memory) == {"Press <1>OK</1> or <2/>.": "<2/> oder <1>OK</1>."}
    assert recall.find_exact("Press <5>OK</5> or <9/>.") == "<9/> oder <5>OK</5>."
    found = recall.find_similar("Press <5>OK</5> or <9/>!")
    assert found is not None
    assert found.translation == "<9/> oder <5>OK</5>."


@pytest.mark.parametrize("wrong", ["OK.", "<1>OK", "<1>OK</1><1>x</1>", "<2>OK</2>"])
def test_a_translation_with_other_markers_is_neither_kept_nor_taken(
    memory: TranslationMemory, wrong: str
) -> None:
    recall = make_recall(memory, reuses_exact=True)
    recall.remember("<1>OK</1>.", wrong)
    assert kept(memory) == {}
    keep(memory, "<1>OK</1>.", wrong)
    assert recall.find_exact("<1>OK</1>.") is None


def test_documents_are_recalled_and_kept_with_their_codes(
    memory: TranslationMemory,
) -> None:
    bold = InlineCode("<b>", CodeKind.OPEN), InlineCode("</b>", CodeKind.CLOSE)
    content = ("Press ", bold[0], "this", bold[1], " now.")
    segments = [Segment(str(i), content, SegmentNote()) for i in range(2)]
    completer = FakeCompleter(answer=lambda text: text.replace("Press", "Drücke"))
    recall = make_recall(memory, reuses_exact=True)
    plan = make_plan(
        completer,
        QWEN_CHAT,
        source_language=ENGLISH,
        target_language=GERMAN,
        group_tokens=0,
        num_context_chars=0,
        recall=recall,
    )
    (first,) = translate_units(completer, plan, segments[:1])
    assert not first.is_recalled
    assert kept(memory) == {"Press <1>this</1> now.": "Drücke <1>this</1> now."}
    (second,) = translate_units(completer, plan, segments[1:])
    assert second.is_recalled
    assert second.content == first.content == ("Drücke ", *content[1:])
    assert len(completer.requests) == 1


def test_a_memory_that_fails_is_told_of_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    told: list[str] = []
    with Database(tmp_path / "file" / "assets.sqlite3", pytest.fail) as database:
        memory = TranslationMemory(database)
        recall = MemoryRecall(
            memory, PAIR, told.append, threshold=0.75, reuses_exact=True
        )
        segments = translate(FakeCompleter(), "One house. A tree.", recall)
    assert [segment.text for segment in segments] == ["ONE HOUSE.", "A TREE."]
    assert len(told) == 1
    assert told[0].startswith("the work goes on without the translation memory")


TERMS = Glossary([Term("house", ("Haus", "Gebäude")), Term("tree", ("Baum",))])


def prompts(completer: FakeCompleter) -> list[str]:
    return [
        "".join(part.text for part in (*request.prompt.shared, *request.prompt.own))
        for request in completer.requests
    ]


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        (QWEN_CHAT, "house = Haus.\n\nText to translate: One house."),
        (GEMMA_BASE, "English: house\nGerman: Haus\n\nEnglish: One house.\nGerman:"),
    ],
)
def test_a_prompt_has_the_terms_of_its_text_only(profile: Profile, said: str) -> None:
    completer = FakeCompleter()
    translate(completer, "One house.", guidance=Guidance(TERMS), profile=profile)
    (prompt,) = prompts(completer)
    assert said in prompt
    assert "Baum" not in prompt


def test_a_term_that_was_not_used_is_told(memory: TranslationMemory) -> None:
    completer = FakeCompleter(answer=lambda text: text.replace("Tree", "Baum"))
    house, tree = translate(
        completer, "House here. Tree there.", make_recall(memory), Guidance(TERMS)
    )
    assert house.note == "terms not used: house -> Haus or Gebäude"
    assert tree.note == ""
    assert list(kept(memory)) == ["Tree there."]


def test_what_is_recalled_is_looked_through_for_terms_as_well(
    memory: TranslationMemory,
) -> None:
    keep(memory, "House here.", "Hütte hier.")
    recall = make_recall(memory, reuses_exact=True)
    (segment,) = translate(FakeCompleter(), "House here.", recall, Guidance(TERMS))
    assert segment.text == "Hütte hier."
    assert segment.note.startswith("terms not used")


@pytest.mark.parametrize("profile", [QWEN_CHAT, GEMMA_BASE])
def test_a_similar_text_may_be_shown_as_an_example(
    memory: TranslationMemory, profile: Profile
) -> None:
    keep(memory, "The library opens at nine.", "Die Bücherei öffnet um neun.")
    recall, completer = make_recall(memory), FakeCompleter()
    guidance = Guidance(find_precedent=recall.find_similar)
    translate(completer, "The library opens at ten.", recall, guidance, profile)
    translate(completer, "Nothing like it.", recall, guidance, profile)
    first, second = prompts(completer)
    assert "The library opens at nine." in first
    assert "Die Bücherei öffnet um neun." in first
    assert "Bücherei" not in second


def test_guidance_stays_within_its_size() -> None:
    many = Glossary(Term(f"word{i}", (f"Wort{i}" * 9,)) for i in range(99))
    text = " ".join(f"word{i}" for i in range(99))
    guidance = Guidance(many)
    assert 0 < len(guidance.instruct(text)) <= guidance.max_chars + 60
    assert Guidance().max_chars == 0
