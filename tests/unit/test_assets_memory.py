"""The translation memory: what is kept, found again, and found where texts are alike."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Indel

from polyspec.assets.database import Database
from polyspec.assets.language_pair import LanguagePair, shorten_tag
from polyspec.assets.markers import number_markers, renumber
from polyspec.assets.segments import NewSegment, Origin
from polyspec.assets.translation_memory import TranslationMemory
from polyspec.languages import find_language
from tests.fakes import make_clock

ENG_DEU = LanguagePair("en", "de")
ENG_FRA = LanguagePair("en", "fr")


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[TranslationMemory]:
    with Database(tmp_path / "assets.sqlite3", pytest.fail) as database:
        yield TranslationMemory(database, make_clock())


def keep(
    memory: TranslationMemory,
    source: str,
    translation: str,
    origin: Origin = Origin.MODEL,
    pair: LanguagePair = ENG_DEU,
) -> int:
    return memory.store([NewSegment(pair, source, translation)], origin)


def test_what_is_kept_is_found_by_its_exact_text(memory: TranslationMemory) -> None:
    assert keep(memory, "Hello.", "Hallo.") == 1
    found = memory.find_exact(ENG_DEU, "Hello.")
    assert found is not None
    assert (found.translation, found.origin) == ("Hallo.", Origin.MODEL)
    assert memory.find_exact(ENG_DEU, "hello.") is None
    assert memory.find_exact(ENG_FRA, "Hello.") is None


def test_a_later_translation_replaces_an_earlier_one(memory: TranslationMemory) -> None:
    keep(memory, "Hello.", "Hallo.")
    assert keep(memory, "Hello.", "Guten Tag.") == 1
    found = memory.find_exact(ENG_DEU, "Hello.")
    assert found is not None
    assert found.translation == "Guten Tag."
    assert found.changed_s > found.created_s
    assert [counts.num_segments for counts in memory.count()] == [1]


@pytest.mark.parametrize(
    ("first", "second", "is_replaced"),
    [
        (Origin.USER, Origin.MODEL, False),
        (Origin.USER, Origin.IMPORT, False),
        (Origin.IMPORT, Origin.MODEL, False),
        (Origin.MODEL, Origin.IMPORT, True),
        (Origin.IMPORT, Origin.USER, True),
    ],
)
def test_what_people_wrote_gives_way_to_people_only(
    memory: TranslationMemory, first: Origin, second: Origin, is_replaced: bool
) -> None:
    keep(memory, "Hello.", "one", first)
    assert keep(memory, "Hello.", "two", second) == is_replaced
    found = memory.find_exact(ENG_DEU, "Hello.")
    assert found is not None
    assert found.translation == ("two" if is_replaced else "one")


@pytest.mark.parametrize("text", ["", "  ", "\udc80", "x" * 10_001])
def test_what_is_no_segment_is_passed_over(
    memory: TranslationMemory, text: str
) -> None:
    assert keep(memory, text, "x") == keep(memory, "x", text) == 0
    assert memory.find_exact(ENG_DEU, text) is None
    assert memory.find_similar(ENG_DEU, text) == []
    assert memory.count() == []


def test_the_most_similar_segment_comes_first(memory: TranslationMemory) -> None:
    keep(memory, "The library opens at nine.", "neun")
    keep(memory, "The library opens at ten.", "zehn")
    keep(memory, "The museum is shut on Mondays.", "Museum")
    found = memory.find_similar(ENG_DEU, "The library opens at one.", limit=5)
    assert [one.segment.translation for one in found] == ["neun", "zehn"]
    assert 0.75 <= found[1].similarity <= found[0].similarity < 1.0
    (same,) = memory.find_similar(ENG_DEU, "The library opens at ten.")
    assert (same.similarity, same.segment.translation) == (1.0, "zehn")
    assert memory.find_similar(ENG_FRA, "The library opens at ten.") == []


def test_a_sentence_without_spaces_is_found(memory: TranslationMemory) -> None:
    pair = LanguagePair("ja", "de")
    keep(memory, "図書館は九時に開きます。", "neun", pair=pair)
    (found,) = memory.find_similar(pair, "図書館は十時に開きます。")
    assert found.segment.translation == "neun"


WORDS = [
    "the",
    "a",
    "library",
    "museum",
    "opens",
    "closes",
    "at",
    "nine",
    "ten",
    "Monday",
]


def test_what_was_changed_a_little_is_found_among_many(
    memory: TranslationMemory,
) -> None:
    random = Random(4)
    texts = {" ".join(random.choices(WORDS, k=12)) for _ in range(300)}
    memory.store(
        [NewSegment(ENG_DEU, text, text.upper()) for text in texts], Origin.IMPORT
    )
    for text in sorted(texts)[:60]:
        words = text.split()
        words[random.randrange(12)] = "otherwise"
        changed = " ".join(words)
        (found,) = memory.find_similar(ENG_DEU, changed)
        assert found.similarity >= Indel.normalized_similarity(changed, text)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    source=st.text(min_size=1, max_size=40),
    asked=st.text(max_size=40),
    threshold=st.floats(0.1, 1.0),
)
def test_similarities_are_what_they_are_said_to_be(
    memory: TranslationMemory, source: str, asked: str, threshold: float
) -> None:
    keep(memory, source, "x")  # beside those of earlier examples
    for found in memory.find_similar(ENG_DEU, asked, threshold=threshold):
        true = Indel.normalized_similarity(found.segment.source, asked)
        assert found.similarity == true >= threshold


def test_uses_are_counted(memory: TranslationMemory) -> None:
    keep(memory, "Hello.", "Hallo.")
    found = memory.find_exact(ENG_DEU, "Hello.")
    assert found is not None
    memory.count_use(found.id)
    (counts,) = memory.count()
    assert (counts.num_uses, counts.num_segments, counts.num_by_user) == (1, 1, 0)


def test_both_languages_are_searched_in_any_case(memory: TranslationMemory) -> None:
    keep(memory, "The library", "Die Bücherei")
    keep(memory, "A museum", "Ein Museum", pair=ENG_FRA)
    assert [one.source for one in memory.search("BÜCH")] == ["The library"]
    assert [one.source for one in memory.search("MUSEUM")] == ["A museum"]
    assert [one.source for one in memory.search()] == ["A museum", "The library"]
    assert [one.source for one in memory.search(pair=ENG_DEU)] == ["The library"]
    assert [one.source for one in memory.search(limit=1, offset=1)] == ["The library"]
    assert memory.search("\udc80") == []
    assert memory.search("100%") == []


def test_segments_can_be_forgotten(memory: TranslationMemory) -> None:
    for number in range(3):
        keep(memory, f"Sentence number {number}.", f"Satz {number}.")
    keep(memory, "Sentence", "Phrase", pair=ENG_FRA)
    first, *_ = memory.segments()
    assert memory.delete([first.id, 999]) == 1
    assert memory.delete([]) == 0
    assert len(memory.find_similar(ENG_DEU, "Sentence number 9.", limit=9)) == 2
    assert memory.clear(ENG_DEU) == 2
    assert memory.find_similar(ENG_DEU, "Sentence number 9.") == []
    assert memory.clear() == 1
    assert list(memory.segments()) == []


def test_pages_of_segments_leave_none_out(memory: TranslationMemory) -> None:
    texts = [f"{number}" for number in range(1234)]
    memory.store([NewSegment(ENG_DEU, text, text) for text in texts], Origin.IMPORT)
    assert [one.source for one in memory.segments()] == texts
    assert list(memory.segments(ENG_FRA)) == []


@pytest.mark.parametrize(
    ("tag", "shorter"),
    [
        ("de", "de"),
        ("de-DE", "de"),
        ("en-US", "en"),
        ("en-GB", "en-GB"),
        ("zh-Hans-CN", "zh"),
        ("zh-TW", "zh-Hant"),
        ("pt-PT", "pt-PT"),
        ("sr-Latn", "sr-Latn"),
    ],
)
def test_a_tag_says_no_more_than_it_has_to(tag: str, shorter: str) -> None:
    assert shorten_tag(tag) == shorter


def test_a_pair_is_made_of_languages() -> None:
    pair = LanguagePair.of(find_language("en-US"), find_language("German"))
    assert pair == LanguagePair("en", "de")


def test_markers_are_numbered_from_the_left() -> None:
    numbers = number_markers("Press <3>OK</3> or <7/>")
    assert renumber("<7/> oder <3>OK</3>", numbers) == "<2/> oder <1>OK</1>"
    back = {new: old for old, new in numbers.items()}
    assert renumber("<2/> oder <1>OK</1>", back) == "<7/> oder <3>OK</3>"
    assert renumber("<9/>", {}) == "<9/>"
