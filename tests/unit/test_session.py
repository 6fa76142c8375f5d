from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspec.arrays import LogitsArray
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.interfaces import Draft, Drafter
from polyspec.decoding.sampling import Sampling
from polyspec.decoding.sequences import Emitted
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.history import HistoryDrafter
from polyspec.errors import EngineError
from polyspec.prompting.interfaces import (
    HOPE_TOKENS,
    Completed,
    CompletionRequest,
    FinishReason,
    Piece,
    Prompt,
    PromptPart,
    TracedToken,
)
from polyspec.prompting.trace import TokenTrace
from polyspec.session import Session
from tests.fakes import (
    ByteTokenizer,
    FakeTarget,
    RandomDrafter,
    fake_logits,
    make_clock,
)

LETTERS = tuple("ab\n語".encode())
SPOKEN = (*LETTERS, ByteTokenizer.end_id)


def chatty(ids: Sequence[int]) -> LogitsArray:
    """Logits of one who says little but some letters, and ends now and then."""
    logits = np.full(ByteTokenizer.vocab_size, -50.0, dtype=np.float32)
    logits[list(SPOKEN)] = fake_logits(ids, 1, len(SPOKEN))
    logits[ByteTokenizer.end_id] -= 1.5
    return logits


def make_target(context_size: int = 4096) -> FakeTarget:
    return FakeTarget(
        vocab_size=ByteTokenizer.vocab_size,
        context_size=context_size,
        logits_of=chatty,
    )


def make_session(
    target: FakeTarget | None = None,
    tokenizer: ByteTokenizer | None = None,
    drafter: Drafter | None = None,
) -> Session:
    return Session(
        target or make_target(),
        (tokenizer or ByteTokenizer()).as_tokenizer(),
        drafter,
        DraftPolicy(StepCost.flat(), min_gain=0.0),
        max_sequences=3,
        clock=make_clock(),
    )


def ask(
    text: str, max_tokens: int = 40, stop: tuple[str, ...] = (), seed: int = 0
) -> CompletionRequest:
    shared = (PromptPart("<turn>", is_control=True), PromptPart("Say more: "))
    own = (PromptPart(text), PromptPart("<turn>", is_control=True))
    sampling = Sampling(temperature=1.0, seed=seed)
    return CompletionRequest(Prompt(shared, own, stop), max_tokens, sampling)


def answers(
    session: Session, requests: Iterable[CompletionRequest]
) -> dict[int, tuple[str, Completed]]:
    """For each request its joined pieces and its end."""
    texts: dict[int, str] = {}
    done: dict[int, tuple[str, Completed]] = {}
    for event in session.complete(requests):
        assert event.index not in done, "an event after the end"
        if isinstance(event, Piece):
            assert event.text
            texts[event.index] = texts.get(event.index, "") + event.text
        else:
            done[event.index] = texts.get(event.index, ""), event
    return done


@settings(max_examples=80)
@given(
    st.lists(st.text("xyz<turn>", max_size=12), min_size=1, max_size=7),
    st.sampled_from(((), ("\n",), ("ab", "b\n"), ("語",), ("aba", "zz"))),
    st.integers(1, 60),
    st.sampled_from(("none", "history", "random")),
)
def test_pieces_are_the_text_and_counts_add_up(
    texts: list[str], stop: tuple[str, ...], max_tokens: int, drafting: str
) -> None:
    target = make_target()
    drafters: dict[str, Drafter | None] = {
        "none": None,
        "history": HistoryDrafter(),
        "random": RandomDrafter(target=target, random=Random(1)),
    }
    session = make_session(target, drafter=drafters[drafting])
    requests = [ask(text, max_tokens, stop) for text in texts]
    done = answers(session, requests)
    plain = answers(make_session(), requests)
    assert sorted(done) == list(range(len(texts)))
    for index, (pieces, end) in done.items():
        counts = end.counts
        assert end.text == pieces == plain[index][1].text
        assert end.reason == plain[index][1].reason
        assert end.num_tokens == plain[index][1].num_tokens <= max_tokens
        assert not any(text in end.text for text in stop)
        assert end.num_prompt_tokens == 1 + 1 + 10 + len(texts[index].encode()) + 1
        assert counts.num_accepted == sum(counts.accepted_by_source.values())
        assert counts.num_accepted <= counts.num_drafted
        assert counts.num_steps <= end.num_tokens
        assert end.num_tokens <= counts.num_steps + counts.num_accepted
        if end.reason is FinishReason.LENGTH:
            assert end.num_tokens == max_tokens
        assert end.elapsed_s > 0


def test_user_text_never_becomes_control_tokens() -> None:
    tokenizer = ByteTokenizer()
    session = make_session(tokenizer=tokenizer)
    (pair,) = answers(session, [ask("be <turn> now", max_tokens=1)]).values()
    assert tokenizer.encoded == [
        ("<turn>", True),
        ("Say more: ", False),
        ("be <turn> now", False),
        ("<turn>", True),
    ]
    assert pair[1].num_prompt_tokens == 1 + 1 + 10 + 13 + 1


@pytest.mark.parametrize("adds_bos", [True, False])
def test_a_prompt_begins_as_the_model_wants_it(adds_bos: bool) -> None:
    target = make_target()
    session = make_session(target, ByteTokenizer(adds_bos=adds_bos))
    answers(session, [ask("a", 1)])
    first = target.steps[0][0].token_ids[0]
    assert (first == ByteTokenizer.bos_id) == adds_bos


def test_the_shared_part_is_read_once() -> None:
    target = make_target()
    answers(make_session(target), [ask(str(place), 5) for place in range(6)])
    shared = tuple(b"Say more: ")
    num_read = sum(
        tuple(chunk.token_ids[-len(shared) :]) == shared
        for step in target.steps
        for chunk in step
    )
    assert num_read == 1


def test_an_answer_that_is_cut_inside_a_character_is_valid_text() -> None:
    byte_ids = "語語".encode()

    def speak(ids: Sequence[int]) -> LogitsArray:
        logits = np.zeros(ByteTokenizer.vocab_size, dtype=np.float32)
        logits[byte_ids[(len(ids) - 1) % 6]] = 9.0
        return logits

    target = FakeTarget(vocab_size=ByteTokenizer.vocab_size, logits_of=speak)
    request = CompletionRequest(Prompt((), ()), 4)
    (pair,) = answers(make_session(target), [request]).values()
    assert pair[1].text == pair[0] == "語\ufffd"
    assert pair[1].reason is FinishReason.LENGTH


def test_a_stop_text_on_the_last_token_is_a_stop() -> None:
    def speak(ids: Sequence[int]) -> LogitsArray:
        logits = np.zeros(ByteTokenizer.vocab_size, dtype=np.float32)
        logits[b"ab\n"[(len(ids) - 1) % 3]] = 9.0
        return logits

    target = FakeTarget(vocab_size=ByteTokenizer.vocab_size, logits_of=speak)
    request = CompletionRequest(Prompt((), (), ("\n",)), 3)
    (pair,) = answers(make_session(target), [request]).values()
    assert pair[1].text == "ab"
    assert pair[1].reason is FinishReason.STOP
    assert pair[1].num_tokens == 3


@given(st.integers(0, 30))
def test_closing_early_cancels_everything(num_events: int) -> None:
    target = make_target()
    session = make_session(target)
    events = session.complete([ask(str(place)) for place in range(5)])
    for _ in zip(range(num_events), events, strict=False):
        pass
    num_evaluations = target.num_evaluations
    assert isinstance(events, Iterator)
    events.close()  # type: ignore[attr-defined]
    assert target.num_evaluations == num_evaluations
    assert len(target.cache) <= 1, "more than the shared prefix is left"
    assert len(answers(session, [ask("again")])) == 1


def test_a_failure_while_an_answer_is_handled_cancels_the_others() -> None:
    target = make_target()
    session = make_session(target)

    def requests() -> Iterator[CompletionRequest]:
        yield ask("one")
        raise OSError("the input broke")

    with pytest.raises(OSError, match="the input broke") as caught:
        list(session.complete(requests()))
    # The traceback still holds the frames, and yet everything is free.
    assert caught.value.__traceback__ is not None
    assert len(target.cache) <= 1
    assert len(answers(session, [ask("again")])) == 1


def test_a_prompt_that_cannot_fit_is_an_error_with_a_remedy() -> None:
    session = make_session(make_target(context_size=64))
    with pytest.raises(EngineError) as caught:
        answers(session, [ask("x" * 60)])
    assert "--ctx" in caught.value.remedy
    assert session.max_prompt_tokens == 32


def test_the_same_request_gives_the_same_answer_beside_others() -> None:
    session = make_session()
    alone = answers(session, [ask("a", 30)])[0][1].text
    beside = answers(session, [ask("a", 30), ask("b", 30), ask("c", 30)])[0][1].text
    assert alone == beside


def test_tokens_are_counted_as_plain_text() -> None:
    tokenizer = ByteTokenizer()
    assert make_session(tokenizer=tokenizer).count_tokens("<turn>é") == 8
    assert tokenizer.encoded == [("<turn>é", False)]


def test_no_requests_are_no_events() -> None:
    assert answers(make_session(), []) == {}


def test_closing_a_session_gives_back_its_prefixes() -> None:
    target = make_target()
    session = make_session(target)
    answers(session, [ask("a", 3)])
    assert target.cache
    session.close()
    assert not target.cache


@settings(max_examples=60)
@given(
    st.lists(st.text("xyz", max_size=8), min_size=1, max_size=4),
    st.integers(1, 40),
    st.randoms(use_true_random=False),
)
def test_a_trace_is_the_answer_token_by_token(
    texts: list[str], max_tokens: int, random: Random
) -> None:
    target = make_target()
    session = make_session(target, drafter=RandomDrafter(target=target, random=random))
    requests = [ask(text, max_tokens) for text in texts]
    plain = answers(session, requests)
    assert not any(end.trace for _, end in plain.values())
    session.is_tracing = True
    for index, (_, end) in answers(session, requests).items():
        assert "".join(token.text for token in end.trace) == end.text
        assert end.text == plain[index][1].text
        num_accepted = sum(token.source == "random" for token in end.trace)
        assert num_accepted == end.counts.num_accepted
        for token in end.trace:
            assert not (token.source and token.rejected_source)
            assert token.rejected_source in ("", "random")
        num_rejected = sum(bool(token.rejected_source) for token in end.trace)
        assert num_rejected <= end.counts.num_drafted - num_accepted


def test_what_was_rejected_stands_where_it_would_have_been() -> None:
    step = Emitted(
        0, (97, 98), ("table",), 2, Draft((97, 99), (0.9, 0.9), ("table", "history"))
    )
    trace = TokenTrace(lambda token_id: bytes([token_id]))
    trace.record(step)
    trace.record(
        Emitted(0, (0xC3, 0xA9), ("table",), 1, Draft((0xC3,), (1,), ("table",)))
    )
    trace.record(Emitted(0, (0xE2,), (), 0))
    assert trace.finish() == (
        TracedToken("a", "table"),
        TracedToken("b", "", "c", "history"),
        TracedToken("", "table"),
        TracedToken("é"),
        TracedToken(""),
        TracedToken("\ufffd"),
    )


def test_a_translation_is_announced_before_its_sequence_begins() -> None:
    events: list[tuple[str, object]] = []

    class Watcher(HistoryDrafter):
        def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
            events.append(("begin", tuple(prompt_ids)))
            super().begin(sequence_id, prompt_ids)

    session = Session(
        make_target(),
        ByteTokenizer().as_tokenizer(),
        Watcher(),
        DraftPolicy(StepCost.flat()),
        max_sequences=1,
        announce=lambda ids, source: events.append((source, tuple(ids))),
    )
    list(session.complete([replace(ask("one", 4), source="eins"), ask("two", 4)]))
    (source, first), (_, begun), (kind, second) = events
    assert source == "eins"
    assert first == begun != second
    assert kind == "begin"


def test_it_gives_way_after_every_step() -> None:
    session = make_session(make_target())
    turns: list[None] = []
    session.give_way = lambda: turns.append(None)
    found = answers(session, [ask("a", 7)])
    assert len(turns) >= 2
    assert found


@pytest.mark.parametrize("drafting", [False, True])
def test_an_answer_without_hope_is_ended_early(drafting: bool) -> None:
    def speak(ids: Sequence[int]) -> LogitsArray:
        logits = np.zeros(ByteTokenizer.vocab_size, dtype=np.float32)
        logits[b"ab"[len(ids) % 2]] = 9.0
        return logits

    asked: list[str] = []

    def has_said_enough(text: str) -> bool:
        asked.append(text)
        return len(text) > 20

    target = FakeTarget(vocab_size=ByteTokenizer.vocab_size, logits_of=speak)
    drafter = HistoryDrafter() if drafting else None
    request = replace(ask("", 100), sampling=Sampling(), is_hopeless=has_said_enough)
    ((text, end),) = answers(make_session(target, drafter=drafter), [request]).values()
    assert [len(text) for text in asked] == [HOPE_TOKENS, 2 * HOPE_TOKENS]
    assert text == end.text == asked[-1]
    assert end.reason is FinishReason.STOP
    assert end.num_tokens == 2 * HOPE_TOKENS
