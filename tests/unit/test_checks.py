"""Which answers are accepted, and what becomes of the others."""

import re
from collections.abc import Callable

import pytest

from polyspec.decoding.sampling import Sampling
from polyspec.documents.interfaces import CodeKind, Content, InlineCode, Segment
from polyspec.languages import find_language
from polyspec.prompting.interfaces import CompletionRequest, FinishReason
from polyspec.prompting.profiles import EUROLLM, QWEN_CHAT, Profile
from polyspec.translation.checks import NOTE_CHATTER, AnswerChecks, Fault
from polyspec.translation.documents import translate_units
from polyspec.translation.plan import make_plan
from polyspec.translation.units import TranslatedUnit
from polyspec.translation.wrong_language import make_language_check
from tests.fakes_completer import FakeCompleter, own_text

SOURCE = "The library on the hill opens at nine in the morning."
FRENCH = "La bibliothèque sur la colline ouvre à neuf heures."


def review(
    source: str, answer: str, to: str = "fr", from_: str = "en"
) -> tuple[str, str, Fault | None]:
    checks = AnswerChecks(find_language(from_), find_language(to))
    verdict = checks.review(source, answer, FinishReason.STOP)
    return verdict.text, verdict.note, verdict.fault


@pytest.mark.parametrize(
    "answer",
    [
        f"Here is the translation:\n\n{FRENCH}",
        f"Sure! Here's the French translation of the text:\n{FRENCH}",
        f"Sure!\n{FRENCH}",
        f"Translation: {FRENCH}",
        f"French: {FRENCH}",
        f"**French (Français):** {FRENCH}",
        f"Voici la traduction : {FRENCH}",
        f"{FRENCH}\n\nNote: the word hill was translated literally.",
        f"{FRENCH}\n(Note: formal.)",
        f'Here is the translation: "{FRENCH}"',
    ],
)
def test_words_around_a_translation_are_removed(answer: str) -> None:
    assert review(SOURCE, answer) == (FRENCH, NOTE_CHATTER, None)


@pytest.mark.parametrize("marks", ['"{}"', "“{}”", "« {} »", "「{}」", "**{}**"])
def test_quotation_marks_that_the_source_lacks_are_removed(marks: str) -> None:
    assert review(SOURCE, marks.format(FRENCH)) == (FRENCH, "", None)
    quoted = f'"{SOURCE}"'
    assert review(quoted, marks.format(FRENCH))[0] == marks.format(FRENCH)


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("Note: it is late.", "Note : il est tard."),
        ("French: a language", "Français : une langue"),
        ("Translation: see below.", "Traduction : voir plus bas."),
        ("OK", "OK"),
        ("Sure!", "Bien sûr !"),
        ("Paris", "Paris"),
        ("Read the API docs", "Lire la documentation de l’API"),
        ("Yes", "Oui"),
    ],
)
def test_sound_answers_stay_as_they_are(source: str, answer: str) -> None:
    assert review(source, answer) == (answer, "", None)


@pytest.mark.parametrize(
    ("answer", "to", "fault"),
    [
        (SOURCE, "fr", Fault.ECHO),
        ("Библиотека на холме открывается в девять.", "fr", Fault.SCRIPT),
        ("La bibliothèque ouvre à neuf heures du matin.", "ru", Fault.SCRIPT),
        ("The library on the hill is open.", "ja", Fault.SCRIPT),
        ("Un.", "fr", Fault.LENGTH),
        (f"{FRENCH} Elle est belle et grande, dit-on, depuis toujours. " * 5, "fr",
         Fault.LOOP),
        (" ".join(f"mot{number}" for number in range(60)), "fr", Fault.LENGTH),
        ("Un.\nDeux.", "fr", Fault.LINES),
        ("  \n", "fr", Fault.EMPTY),
    ],
)  # fmt: skip
def test_faults_are_found(answer: str, to: str, fault: Fault) -> None:
    text, note, found = review(SOURCE, answer, to)
    assert found is fault
    assert note == fault.value
    assert text


@pytest.mark.parametrize(
    ("source", "answer", "to"),
    [
        ("NASA, ESA and JAXA", "NASA、ESA、JAXA", "ja"),
        ("It runs Windows Server 2019.", "它运行 Windows Server 2019。", "zh"),
        ("Hello Ivan", "Zdravo Ivane, kako si", "sr"),
        ("ok", "да", "ru"),
    ],
)
def test_names_and_other_scripts_of_a_language_are_no_fault(
    source: str, answer: str, to: str
) -> None:
    assert review(source, answer, to)[2] is None


def test_an_echo_without_its_markers_is_one() -> None:
    assert review("That would <1/> be it.", "That would be it.")[2] is Fault.ECHO


def test_between_variants_of_a_language_an_echo_is_right() -> None:
    assert review(SOURCE, SOURCE, "en-GB", "en-US")[2] is None


def test_unspaced_languages_have_echoes_and_lengths_of_their_own() -> None:
    source = "图书馆每天早上九点开门，晚上八点关门。"
    assert review(source, source, "ja", "zh")[2] is Fault.ECHO
    answer = "The library opens at nine every morning and closes at eight at night."
    assert review(source, answer, "en", "zh")[2] is None


def translate(
    answer: Callable[[str], str],
    *contents: Content,
    to: str = "fr",
    profile: Profile = QWEN_CHAT,
    num_places: int = 4,
    sampling: Sampling | None = None,
    num_parallel: int = 1,
) -> tuple[list[TranslatedUnit], list[CompletionRequest]]:
    """The units of a document, and what was asked."""
    completer = FakeCompleter(answer, num_places=num_places)
    plan = make_plan(
        completer,
        profile,
        source_language=find_language("en"),
        target_language=find_language(to),
        group_tokens=0,
        num_context_chars=0,
        keeps_source=True,
    )
    segments = [Segment(f"{at}", content) for at, content in enumerate(contents)]
    return list(
        translate_units(completer, plan, segments, sampling, num_parallel)
    ), completer.requests


def shared_text(request: CompletionRequest) -> str:
    return "".join(part.text for part in request.prompt.shared)


def test_what_has_markup_is_asked_for_before_what_is_longer() -> None:
    marked = ("Press ", InlineCode("<kbd>S</kbd>", CodeKind.PLACEHOLDER), " to save.")
    plain = ("The library opens at nine.",)
    units, requests = translate(str.upper, plain, marked, num_places=1, num_parallel=16)
    assert [own_text(request) for request in requests[:2]] == [
        "Press <1/> to save.",
        "The library opens at nine.",
    ]
    assert [unit.segment.content for unit in units] == [plain, marked]


def test_a_bad_answer_is_asked_for_strictly_then_drawn() -> None:
    (unit,), requests = translate(str, (SOURCE,))
    assert unit.content == (SOURCE,)
    assert unit.is_kept
    assert unit.note == "the answer repeats the source text; the source text was kept"
    assert [request.sampling.is_greedy for request in requests] == [True, True, False]
    assert "Do not repeat the original" in shared_text(requests[1])
    assert len({request.stream for request in requests}) == 3


def test_models_of_one_prompt_are_asked_again_with_another_seed_only() -> None:
    _, requests = translate(str, (SOURCE,), profile=EUROLLM)
    assert [request.sampling.is_greedy for request in requests] == [True, False]
    assert len({shared_text(request) for request in requests}) == 1


def test_a_retry_that_passes_leaves_no_note() -> None:
    asked: list[str] = []

    def answer(text: str) -> str:
        asked.append(text)
        return text if len(asked) == 1 else FRENCH

    (unit,), _ = translate(answer, (SOURCE,))
    assert (unit.content, unit.note, unit.is_kept) == ((FRENCH,), "", False)
    assert unit.num_tokens == len(SOURCE) + len(FRENCH)
    assert len(unit.counts) == 2


def test_a_clause_that_fails_keeps_its_source_alone() -> None:
    text = "One sentence is here. Another one is there."
    (unit,), _ = translate(
        lambda text: text if "Another" in text else text.upper(), (text,)
    )
    assert unit.content == ("ONE SENTENCE IS HERE. Another one is there.",)
    assert unit.is_kept


def test_retries_are_bounded() -> None:
    text = ", ".join(f"clause number {number} of many" for number in range(10))
    (unit,), requests = translate(lambda _: "no way, " * 99, (text,))
    assert unit.is_kept
    assert len(requests) <= 13


BOLD = (
    "The ",
    InlineCode("<b>", CodeKind.OPEN),
    "library",
    InlineCode("</b>", CodeKind.CLOSE),
    " opens at nine.",
)


def test_prompts_speak_of_markers_where_there_are_some() -> None:
    _, requests = translate(str.upper, BOLD, ("Nothing of that here.",), num_places=1)
    assert "<1>, </1>" in shared_text(requests[0])
    assert "<1>" not in shared_text(requests[1])


def test_lost_markers_are_asked_for_strictly_before_piecewise() -> None:
    asked: list[str] = []

    def answer(text: str) -> str:
        asked.append(text)
        return text.upper() if len(asked) > 1 else "THE LIBRARY OPENS AT NINE."

    (unit,), _ = translate(answer, BOLD)
    assert asked == ["The <1>library</1> opens at nine."] * 2
    assert unit.note == ""
    assert unit.content[0] == "THE "


def test_one_that_is_asked_again_holds_up_no_other() -> None:
    texts = [(f"Sentence number {number} is here.",) for number in range(40)]

    def answer(text: str) -> str:
        return text if "number 3 " in text else text.upper()

    units, requests = translate(answer, *texts, num_places=2)
    assert [unit.segment.id for unit in units] == [f"{at}" for at in range(40)]
    assert [unit.is_kept for unit in units].count(True) == 1
    places = [
        at for at, request in enumerate(requests) if "number 3 is" in own_text(request)
    ]
    assert max(places) < 20


def test_an_answer_in_a_language_nobody_asked_for_is_found() -> None:
    languages = find_language("en"), find_language("fr")
    check = make_language_check(*languages)
    checks = AnswerChecks(*languages, check)
    answer = "Die Bibliothek auf dem Hügel öffnet morgens um neun Uhr ihre Türen."
    assert checks.review(SOURCE, answer, FinishReason.STOP).fault is Fault.LANGUAGE
    english = "At nine in the morning the library on the hill opens its doors."
    assert checks.review(SOURCE, english, FinishReason.STOP).fault is Fault.LANGUAGE
    assert checks.review(SOURCE, FRENCH, FinishReason.STOP).fault is None
    assert checks.review("It is OK.", "Es ist gut.", FinishReason.STOP).fault is None


def test_of_a_language_that_is_not_known_well_only_the_source_is_told_apart() -> None:
    check = make_language_check(find_language("en"), find_language("sv"))
    swedish = "Biblioteket på kullen öppnar klockan nio på morgonen varje dag."
    assert not check(swedish)
    assert check(SOURCE)


def test_the_same_text_twice_is_drawn_twice_where_every_answer_is_drawn() -> None:
    text = ("This is drawn again and again.",)
    drawn = Sampling(temperature=0.8)
    _, requests = translate(str, text, text, sampling=drawn)
    assert len({request.stream for request in requests}) == len(requests)


def test_the_same_text_fails_alike_wherever_it_stands() -> None:
    text = ("This is drawn again and again.",)
    _, requests = translate(str, text, text)
    assert 2 * len({request.stream for request in requests}) == len(requests)


@pytest.mark.parametrize("num_places", [1, 4])
def test_pieces_are_given_up_with_the_first_that_fails(num_places: int) -> None:
    def lose_markers(text: str) -> str:
        return "" if text == "no more" else re.sub(r"<.*?>", "", text).upper()

    code = InlineCode("<br/>")
    rest = (piece for number in range(100) for piece in (code, f"page {number} of it"))
    content = ("a word", code, "no more", *rest)
    units, requests = translate(lose_markers, content, (SOURCE,), num_places=num_places)
    assert [unit.is_kept for unit in units] == [True, False]
    assert units[0].content == content
    assert units[0].note == "the model lost markup; the source text was kept"
    assert len(requests) < 50
