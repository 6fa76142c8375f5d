from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspec.errors import EngineError, UsageError
from polyspec.languages import Language, find_language
from polyspec.prompting.interfaces import (
    Completed,
    CompletionRequest,
    FinishReason,
    Piece,
)
from polyspec.prompting.profiles import GEMMA_BASE, QWEN_CHAT
from polyspec.translation.checks import AnswerChecks, Fault
from polyspec.translation.loops import find_loop, is_endless
from polyspec.translation.pipeline import (
    TranslatedPiece,
    TranslatedSegment,
    TranslationEvent,
    WithdrawnPieces,
    translate_text,
)
from tests.fakes_completer import FakeCompleter

ENGLISH, FRENCH, CHINESE = (find_language(code) for code in ("en", "fr", "zh"))


def translate(
    completer: FakeCompleter,
    *chunks: str,
    source: Language = ENGLISH,
    target: Language = FRENCH,
    is_streaming: bool = True,
    num_context_chars: int = 0,
) -> list[TranslationEvent]:
    return list(
        translate_text(
            completer,
            QWEN_CHAT,
            chunks,
            source_language=source,
            target_language=target,
            is_streaming=is_streaming,
            group_tokens=0,
            num_context_chars=num_context_chars,
        )
    )


def segments_of(events: list[TranslationEvent]) -> list[TranslatedSegment]:
    return [event for event in events if isinstance(event, TranslatedSegment)]


def shown_text(events: list[TranslationEvent]) -> str:
    """What a terminal shows that can take back a segment's pieces."""
    shown = ""
    for event in events:
        if isinstance(event, TranslatedPiece):
            shown += event.text
        elif isinstance(event, WithdrawnPieces):
            assert event.text
            assert shown.endswith(event.text)
            shown = shown.removesuffix(event.text)
    return shown


lines = st.lists(
    st.sampled_from(
        [
            "One is here. ",
            "Two!\n",
            "  three\r\n",
            "42. ",
            "\n",
            "https://a.org ",
            "x, y? ",
        ]
    ),
    max_size=20,
).map("".join)


@given(text=lines, seed=st.integers(0, 99), num_places=st.integers(1, 8))
def test_events_come_in_order_and_join_to_the_document(
    text: str, seed: int, num_places: int
) -> None:
    completer = FakeCompleter(
        lambda source: f" {source.swapcase()}\n", seed=seed, num_places=num_places
    )
    events = translate(completer, text)
    outputs = "".join(segment.output for segment in segments_of(events))
    assert outputs.casefold() == text.casefold()
    assert shown_text(events) == outputs
    assert [event.index for event in events] == sorted(event.index for event in events)
    indices = [segment.index for segment in segments_of(events)]
    assert indices == list(range(len(indices)))


def test_layout_stays_and_text_changes() -> None:
    events = translate(FakeCompleter(), "  One. Two?\r\n\r\n\t3.14\r\nlast")
    outputs = "".join(segment.output for segment in segments_of(events))
    assert outputs == "  ONE. TWO?\r\n\r\n\t3.14\r\nLAST"


def test_pieces_of_the_first_in_line_come_before_its_end() -> None:
    events = translate(FakeCompleter(), "A longer sentence. Another one.")
    first_end = next(
        at for at, event in enumerate(events) if isinstance(event, TranslatedSegment)
    )
    assert first_end > 3
    assert {event.index for event in events[:first_end]} == {0}


def test_without_streaming_only_segments_come() -> None:
    events = translate(FakeCompleter(), "One. Two.", is_streaming=False)
    assert events == segments_of(events)


def test_a_segment_says_what_it_took() -> None:
    (segment,) = segments_of(translate(FakeCompleter(), "Hello."))
    assert segment.text == "HELLO."
    assert segment.segment.text == "Hello."
    assert (segment.reason, segment.note) == (FinishReason.STOP, "")
    assert (segment.num_tokens, segment.elapsed_s) == (6, 0.5)
    assert segment.counts.accepted_by_source == {"history": 1}


def test_what_needs_no_translation_is_never_asked() -> None:
    completer = FakeCompleter()
    events = translate(completer, "42\n\nhttps://example.org\n")
    assert completer.requests == []
    assert shown_text(events) == "42\n\nhttps://example.org\n"


def test_empty_input_gives_nothing() -> None:
    assert translate(FakeCompleter()) == []
    assert translate(FakeCompleter(), "") == []


def fail_when_long(source: str) -> str:
    return source.upper() if len(source) <= 12 else "never ending " + "abcdefgh" * 99


@pytest.mark.parametrize("num_places", [1, 4])
def test_a_cut_answer_is_asked_for_again_in_pieces(num_places: int) -> None:
    completer = FakeCompleter(fail_when_long, num_places=num_places)
    text = "One, two;  three, four, five. Six.\n"
    events = translate(completer, text)
    assert shown_text(events) == "ONE, TWO;  THREE, FOUR, FIVE. SIX.\n"
    first, _ = segments_of(events)
    assert first.text == "ONE, TWO;  THREE, FOUR, FIVE."
    assert (first.note, first.reason) == ("", FinishReason.STOP)
    assert any(isinstance(event, WithdrawnPieces) for event in events)
    assert first.num_tokens > 99


def test_pieces_of_an_unspaced_source_are_joined_by_spaces() -> None:
    completer = FakeCompleter(
        lambda source: "ok." if len(source) < 5 else "a long line " * 99
    )
    events = translate(completer, "你好，我好。", source=CHINESE, target=FRENCH)
    assert segments_of(events)[0].text == "ok. ok."


def test_what_cannot_be_cut_is_kept_and_noted() -> None:
    numbers = " ".join(str(number) for number in range(999))
    events = translate(FakeCompleter(lambda _: numbers), "Hello.")
    (segment,) = segments_of(events)
    assert numbers.startswith(segment.text)
    assert (segment.note, segment.reason) == (Fault.CUT.value, FinishReason.LENGTH)
    assert shown_text(events) == segment.output


def test_a_loop_is_cut_noted_and_not_shown() -> None:
    events = translate(FakeCompleter(lambda _: "Well. " + "no, no " * 99), "Hello.")
    (segment,) = segments_of(events)
    assert segment.text.startswith("Well. no, no")
    assert len(segment.text) < 30
    assert segment.note == Fault.LOOP.value
    assert shown_text(events) == segment.output
    assert sum(len(e.text) for e in events if isinstance(e, TranslatedPiece)) < 120


def test_an_empty_answer_keeps_the_source() -> None:
    events = translate(FakeCompleter(lambda _: " \n "), "Hello. ")
    (segment,) = segments_of(events)
    assert (segment.text, segment.note) == ("Hello.", Fault.EMPTY.value)
    assert shown_text(events) == "Hello. "


def test_an_answer_of_several_lines_becomes_one() -> None:
    events = translate(FakeCompleter(lambda _: "\nUn.\n\n  Deux.\n"), "One. ")
    (segment,) = segments_of(events)
    assert (segment.text, segment.note) == ("Un. Deux.", Fault.LINES.value)
    assert shown_text(events) == "Un. Deux. "


def test_segments_are_read_no_further_than_there_are_places() -> None:
    read = []

    def document() -> Iterator[str]:
        for number in range(100):
            read.append(number)
            yield f"This is line {number}.\n"

    completer = FakeCompleter(num_places=3)
    events = translate_text(
        completer,
        QWEN_CHAT,
        document(),
        source_language=ENGLISH,
        target_language=FRENCH,
    )
    next(events)
    assert len(read) <= 4
    events.close()
    assert len(read) <= 4
    assert completer.num_closed == 1


@pytest.mark.parametrize("num_events", range(12))
def test_closing_early_closes_the_completer(num_events: int) -> None:
    completer = FakeCompleter()
    events = translate_text(
        completer,
        QWEN_CHAT,
        ["One is here. Two is there."],
        source_language=ENGLISH,
        target_language=FRENCH,
    )
    for _ in range(num_events):
        next(events, None)
    events.close()
    assert completer.num_closed == completer.num_runs


def test_a_completer_that_stops_early_is_an_error() -> None:
    class Lazy(FakeCompleter):
        def complete(
            self, requests: Iterable[CompletionRequest]
        ) -> Iterator[Piece | Completed]:
            next(iter(requests))
            return iter([Piece(0, "half")])

    with pytest.raises(EngineError, match="stopped before"):
        translate(Lazy(), "One is here.")


def test_a_context_too_small_for_the_prompt_is_refused() -> None:
    with pytest.raises(UsageError, match="context is too small") as caught:
        translate(FakeCompleter(max_prompt_tokens=120), "Hello.")
    assert "--ctx" in caught.value.remedy


@settings(max_examples=25)
@given(st.integers(500, 1000), st.text("ab, .。字\n", min_size=200, max_size=600))
def test_prompt_and_answer_always_fit(max_prompt_tokens: int, text: str) -> None:
    completer = FakeCompleter(max_prompt_tokens=max_prompt_tokens)
    translate(completer, text, num_context_chars=40)
    for request in completer.requests:
        parts = request.prompt.shared + request.prompt.own
        num_tokens = sum(len(part.text) for part in parts)
        assert num_tokens <= max_prompt_tokens
        assert 1 <= request.max_tokens <= max_prompt_tokens


def test_scripts_that_take_many_tokens_get_more_room() -> None:
    class Bytes(FakeCompleter):
        def count_tokens(self, text: str) -> int:
            return len(text.encode())

    limits = {}
    for code in ("fr", "am", "sw"):
        completer = Bytes()
        translate(completer, "Hello there, friend.", target=find_language(code))
        limits[code] = completer.requests[0].max_tokens
    assert limits["fr"] == 3 * 20 + 32
    assert limits["am"] > limits["fr"]
    assert limits["sw"] > limits["fr"]


def test_a_base_model_is_asked_line_by_line() -> None:
    completer = FakeCompleter(lambda own: own.partition("\n")[0])
    events = translate_text(
        completer,
        GEMMA_BASE,
        ["One.\nTwo.\n"],
        source_language=ENGLISH,
        target_language=FRENCH,
    )
    assert shown_text(list(events)) == "One.\nTwo.\n"
    asked = sorted(request.prompt.own[0].text for request in completer.requests)
    assert asked == [" One.\n", " Two.\n"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Yes. No no no no no no no no no", "Yes. No no"),
        ("ha" * 20, "haha"[:2]),
        ("A whole sentence again. " * 5, "A whole sentence again."),
        ("." * 30, "."),
    ],
)
def test_a_loop_is_found_where_it_begins(text: str, kept: str) -> None:
    loop = find_loop(text.strip())
    assert loop is not None
    assert text[:loop].rstrip() == kept


@pytest.mark.parametrize(
    "text", ["", "a", "no no no", "An ordinary sentence, not a loop.", "very very good"]
)
def test_ordinary_text_is_no_loop(text: str) -> None:
    assert find_loop(text) is None


@given(st.text(max_size=300), st.integers(1, 100))
def test_a_loop_begins_inside_the_text(text: str, window: int) -> None:
    for loop in (find_loop(text), find_loop(text, window)):
        assert loop is None or 0 < loop < len(text)


def test_a_source_that_loops_may_be_translated_so() -> None:
    verdict = AnswerChecks().review("no " * 20, "non " * 20, FinishReason.STOP)
    assert verdict.text == ("non " * 20).strip()
    assert verdict.note == ""


def test_an_echo_is_noted() -> None:
    source = "The library opens at nine."
    assert (
        AnswerChecks().review(source, source, FinishReason.STOP).note
        == Fault.ECHO.value
    )
    assert AnswerChecks().review("Paris", "Paris", FinishReason.STOP).note == ""


def test_an_endless_answer_is_told_from_one_that_repeats_a_little() -> None:
    source = "The bells rang."
    assert is_endless(source, "Die Glocken läuteten und läuteten " + "und " * 20)
    assert not is_endless(source, "Die Glocken läuteten, bim bam bim bam bim bam")
    singing = "They sang: " + "la " * 20 + "and left."
    assert not is_endless(singing, "Sie sangen: " + "la " * 20)


@given(
    st.text("abc", max_size=40),
    st.text("abcde", min_size=1, max_size=20).map(lambda unit: f"{unit} "),
    st.integers(0, 10),
)
def test_what_is_endless_is_rejected_as_a_loop(
    beginning: str, unit: str, num_more: int
) -> None:
    source = "The bells rang."
    num_turns = max(8, -(-48 // len(unit))) + 1 + num_more
    answer = (f"{beginning} " + unit * num_turns).strip()
    assert is_endless(source, answer)
    verdict = AnswerChecks().review(source, answer, FinishReason.STOP)
    assert verdict.fault is Fault.LOOP
