"""Segments side by side against one after another, and our loop against a bare one."""

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.interfaces import Target
from polyspec.decoding.sampling import Sampling
from polyspec.decoding.scheduler import num_read_ahead
from polyspec.engine.bare_loop import BareLoop
from polyspec.engine.stream_target import StreamTarget
from polyspec.languages import Language, find_language
from polyspec.loading import Loaded
from polyspec.prompting.interfaces import Completed, CompletionRequest
from polyspec.session import Session
from polyspec.translation.prompts import make_prompt_builder

_MAX_TOKENS = 256
_BARE_TOKENS = 96


@dataclass(frozen=True, slots=True)
class ParallelResult:
    """How long the same sentences took."""

    num_sentences: int
    num_parallel: int
    one_by_one_s: float
    side_by_side_s: float
    one_by_one_tokens: int
    side_by_side_tokens: int
    identical: float
    """Share of translations that are equal, `0..1`."""

    @property
    def speedup(self) -> float:
        """Sentences per second side by side over one after another."""
        return self.one_by_one_s / self.side_by_side_s


def measure_parallel(
    alone: Loaded,
    loaded: Loaded,
    sources: Sequence[str],
    language: Language,
    num_parallel: int,
    *,
    report: Callable[[str], None],
) -> ParallelResult:
    """Translate the same sentences both ways, without drafting.

    Reading of prompts is included; both ways share the instruction's prefix. The
    sentences one by one are cut in two halves around those side by side, so that a
    drift of the machine's speed falls on both.

    Args:
        alone: The model as it is loaded for one sentence.
        loaded: The model as it is loaded for all of them; may be the same.
        sources: The sentences, in English.
        language: What they are translated into.
        num_parallel: How many side by side.
        report: Told what begins.
    """
    build = make_prompt_builder(loaded.profile, find_language("eng"), language)
    requests = [
        CompletionRequest(build(text, ""), _MAX_TOKENS, Sampling()) for text in sources
    ]
    with (
        closing(loaded.target.make_sibling()) as sibling,
        closing(StreamTarget(sibling, num_parallel)) as streams,
    ):
        single = _plain_session(alone, alone.target, 1)
        together = streams if loaded.streams else sibling
        many = _plain_session(loaded, together, num_parallel)
        for session in (single, many):
            _translate(session, requests[:1])
        return _compare(single, many, requests, num_parallel, report)


def _compare(
    single: Session,
    many: Session,
    requests: Sequence[CompletionRequest],
    num_parallel: int,
    report: Callable[[str], None],
) -> ParallelResult:
    half = len(requests) // 2
    report("one after another, first half")
    first, first_s = _translate(single, requests[:half])
    report(f"{num_parallel} side by side")
    together, together_s = _translate(many, requests)
    report("one after another, second half")
    second, second_s = _translate(single, requests[half:])
    alone = first + second
    equal = [a.text == b.text for a, b in zip(alone, together, strict=True)]
    return ParallelResult(
        num_sentences=len(requests),
        num_parallel=num_parallel,
        one_by_one_s=first_s + second_s,
        side_by_side_s=together_s,
        one_by_one_tokens=sum(answer.num_tokens for answer in alone),
        side_by_side_tokens=sum(answer.num_tokens for answer in together),
        identical=sum(equal) / max(1, len(equal)),
    )


def measure_overhead(loaded: Loaded, rounds: int = 6) -> float:
    """Return our tokens per second over those of a bare loop, one sequence.

    Both write the same number of tokens after the same prompt, taking turns; the
    median of the ratios counts.
    """
    english, french = find_language("eng"), find_language("fra")
    build = make_prompt_builder(loaded.profile, english, french)
    prompt = build("The old harbour was quiet, and the boats lay still.", "")
    session = _plain_session(loaded, loaded.target, 1)
    tokenizer = loaded.model.tokenizer
    ids = [tokenizer.bos_id] if tokenizer.adds_bos else []
    for part in prompt.shared + prompt.own:
        ids += tokenizer.encode(part.text, parse_control=part.is_control)
    ratios = []
    bare_loop = BareLoop(loaded.target, sequence_id=4)
    for _ in range(rounds):
        bare_s = bare_loop.time_tokens(ids, _BARE_TOKENS)
        ours_s = _time_ours(session, ids)
        ratios.append(bare_s / ours_s)
    return statistics.median(ratios)


def _time_ours(session: Session, ids: list[int]) -> float:
    """Return the seconds from the first to the last of a fixed number of tokens."""
    from polyspec.decoding.scheduler import Emitted, Request

    started = elapsed = 0.0
    for event in session.run_tokens([Request(ids, _BARE_TOKENS)]):
        if isinstance(event, Emitted):
            elapsed = time.perf_counter()
            started = started or elapsed
    return elapsed - started


def _plain_session(loaded: Loaded, target: Target, num_parallel: int) -> Session:
    return Session(
        target,
        loaded.model.tokenizer,
        None,
        DraftPolicy(loaded.step_cost),
        max_sequences=num_parallel,
        max_ahead=num_read_ahead(num_parallel),
    )


def _translate(
    session: Session, requests: Sequence[CompletionRequest]
) -> tuple[list[Completed], float]:
    started = time.perf_counter()
    events = list(session.complete(requests))
    elapsed = time.perf_counter() - started
    answers = [event for event in events if isinstance(event, Completed)]
    return sorted(answers, key=lambda answer: answer.index), elapsed
