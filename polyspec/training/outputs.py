"""Letting a target translate or write until there is enough of it."""

import heapq
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from hashlib import blake2b
from typing import TypeAlias, cast

from polyspec.decoding.sampling import Sampling
from polyspec.languages import Language
from polyspec.prompting.interfaces import (
    Completed,
    Completer,
    CompletionRequest,
    FinishReason,
    Piece,
)
from polyspec.prompting.profiles import Profile
from polyspec.stories.writer import make_story_request
from polyspec.training.journal import Entry, Journal
from polyspec.translation.budget import make_budget
from polyspec.translation.prompts import make_prompt_builder

MakeRequest: TypeAlias = Callable[[str], CompletionRequest | None]
"""From a sentence or theme to what is asked; None where it does not fit."""
_LEAST_WORDS = 3
"""Shorter lines are headings and numbers."""
_MAX_ANSWER_TOKENS = 128
"""As in arXiv 2605.30580; a small model that loops would go on to any limit."""


def choose_sentences(lines: Iterable[str], most: int) -> list[str]:
    """A fixed mix of at most `most` different lines, taken from all over a text.

    The lines are ordered by a hash, so the same text gives the same choice, and
    memory is bounded by `most`.
    """
    long_enough = (line for line in lines if len(line.split()) >= _LEAST_WORDS)
    chosen = heapq.nsmallest(most, long_enough, key=_mixed)
    return list(dict.fromkeys(chosen))


def make_translation_requests(
    completer: Completer,
    profile: Profile,
    source: Language,
    target: Language,
    sampling: Sampling,
) -> MakeRequest:
    """How a sentence is asked for, as when a text is translated.

    Raises:
        UsageError: The prompt alone fills the context.
    """
    build = make_prompt_builder(profile, source, target)
    budget = make_budget(completer, [build("", "")], source, target)

    def make(sentence: str) -> CompletionRequest | None:
        if completer.count_tokens(sentence) > budget.max_segment_tokens:
            return None
        limit = min(budget.limit_answer(sentence), _MAX_ANSWER_TOKENS)
        return CompletionRequest(build(sentence, ""), limit, sampling)

    return make


def make_story_requests(
    completer: Completer,
    profile: Profile,
    language: Language,
    num_words: int,
    sampling: Sampling,
) -> MakeRequest:
    """How a story is asked for; each theme has random draws of its own."""

    def make(theme: str) -> CompletionRequest:
        seed = sampling.seed ^ int.from_bytes(_mixed(theme)[:4], "little")
        return make_story_request(
            completer,
            profile,
            language,
            theme,
            num_words=num_words,
            sampling=replace(sampling, seed=seed),
        )

    return make


def collect_outputs(
    completer: Completer,
    sources: Iterable[str],
    make_request: MakeRequest,
    journal: Journal,
    *,
    max_tokens: int,
    report: Callable[[int], None],
) -> None:
    """Answer sources side by side until the journal has enough tokens.

    Sources that the journal knows are passed over. No new one is begun once those
    under way promise enough; they are finished, so that long answers are not missing.

    Args:
        completer: Writes.
        sources: Sentences or themes, taken as they are needed.
        make_request: How each is asked for.
        journal: Takes every answer at once.
        max_tokens: How many are wanted.
        report: Told how many there are.
    """
    report(journal.num_tokens)
    waiting = _unanswered(sources, make_request, journal)
    num_before = -1
    while journal.num_tokens < max_tokens and len(journal.entries) > num_before:
        # Once more where those under way turned out shorter than they promised.
        num_before = len(journal.entries)
        _run(completer, waiting, journal, max_tokens, report)


def _unanswered(
    sources: Iterable[str], make_request: MakeRequest, journal: Journal
) -> Iterator[tuple[str, CompletionRequest]]:
    known = {entry.source for entry in journal.entries}
    for source in sources:
        request = None if source in known else make_request(source)
        known.add(source)
        if request is not None:
            yield source, request


def _run(
    completer: Completer,
    waiting: Iterator[tuple[str, CompletionRequest]],
    journal: Journal,
    max_tokens: int,
    report: Callable[[int], None],
) -> None:
    running: dict[int, str] = {}

    def requests() -> Iterator[CompletionRequest]:
        number = 0
        while _promised_tokens(journal, len(running)) < max_tokens:
            found = next(waiting, None)
            if found is None:
                return
            running[number] = found[0]
            number += 1
            yield found[1]

    events = completer.complete(requests())
    # The protocol promises an iterator; those that hold a run are generators.
    with closing(cast("Generator[Piece | Completed, None, None]", events)):
        for event in events:
            if isinstance(event, Completed):
                journal.add(_make_entry(running.pop(event.index), event))
                report(journal.num_tokens)


def _promised_tokens(journal: Journal, num_running: int) -> float:
    """Tokens there will be when what is under way is as long as what is done."""
    mean = journal.num_tokens / max(1, len(journal.entries))
    return journal.num_tokens + num_running * mean


def _make_entry(source: str, done: Completed) -> Entry:
    is_cut = done.reason is FinishReason.LENGTH
    return Entry(source, done.text, done.token_ids, is_cut)


def _mixed(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=8).digest()
