"""A theme in, a story out, as it is written."""

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeAlias, cast

from polyspec.decoding.sampling import Sampling
from polyspec.errors import UsageError
from polyspec.languages import Language
from polyspec.prompting.interfaces import (
    Completed,
    Completer,
    CompletionRequest,
    DraftCounts,
    FinishReason,
    Piece,
    TracedToken,
)
from polyspec.prompting.profiles import Profile
from polyspec.stories.prompts import (
    estimate_tokens,
    make_story_prompt,
    story_opening,
)

STORY_SAMPLING = Sampling(temperature=1.0, top_k=100, top_p=0.9)
"""As in "Speculative Decoding Across Languages", arXiv 2605.30580."""

NOTE_CUT = "the story ran into its token limit and may lack its end"
NOTE_EMPTY = "the model wrote nothing"


@dataclass(frozen=True, slots=True)
class StoryPiece:
    """Newly written text; joined in order the pieces are the story."""

    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """The finished story."""

    text: str
    reason: FinishReason
    num_tokens: int
    elapsed_s: float
    counts: DraftCounts
    note: str = ""
    trace: tuple[TracedToken, ...] = ()
    """Tokens as the model wrote them, if the completer is tracing."""


StoryEvent: TypeAlias = StoryPiece | Story


def make_story_request(
    completer: Completer,
    profile: Profile,
    language: Language,
    theme: str,
    *,
    num_words: int,
    sampling: Sampling = STORY_SAMPLING,
    so_far: str = "",
) -> CompletionRequest:
    """The request for one story, or for going on with one.

    Raises:
        UsageError: There is no theme, it is no valid text, or it fills the context.
    """
    if not theme.strip():
        raise UsageError(
            "there is no theme", remedy='say one, for example "a lost key"'
        )
    if not theme.isascii() and any("\ud800" <= char <= "\udfff" for char in theme):
        raise UsageError("the theme is not valid text", remedy="type it anew, in UTF-8")
    prompt = make_story_prompt(profile, language, theme, num_words, so_far)
    num_tokens = sum(
        completer.count_tokens(part.text) for part in prompt.shared + prompt.own
    )
    limit = completer.max_prompt_tokens
    if num_tokens > limit:
        raise UsageError(
            "the story is too long" if so_far else "the theme is too long",
            cause=f"it takes {num_tokens} tokens, {limit} fit",
            remedy="shorten it, or use a larger context with --ctx",
        )
    wanted = estimate_tokens(language, num_words, completer.count_tokens)
    return CompletionRequest(prompt, min(wanted, 2 * limit - num_tokens), sampling)


def write_story(
    completer: Completer,
    profile: Profile,
    language: Language,
    theme: str,
    *,
    num_words: int,
    sampling: Sampling = STORY_SAMPLING,
    so_far: str = "",
) -> Generator[StoryEvent, None, None]:
    """Write one story; closing the generator cancels it.

    Args:
        completer: Writes the answer.
        profile: How the model wants to be asked.
        language: Of the story.
        theme: What it is about.
        num_words: About how long it is to be, or how much is to be added.
        sampling: How tokens are drawn.
        so_far: A story to go on with; it is the beginning of what comes.

    Raises:
        UsageError: There is no theme, or it fills the context.
    """
    so_far = so_far.rstrip()
    request = make_story_request(
        completer,
        profile,
        language,
        theme,
        num_words=num_words,
        sampling=sampling,
        so_far=so_far,
    )
    opening = so_far or story_opening(profile, language)
    events = completer.complete([request])
    # The protocol promises an iterator; those that hold a run are generators.
    if not hasattr(events, "close"):
        yield from _relay(events, opening)
        return
    with closing(cast("Generator[Piece | Completed, None, None]", events)):
        yield from _relay(events, opening)


def _relay(events: Iterator[Piece | Completed], opening: str) -> Iterator[StoryEvent]:
    """The model's events with the opening in front, without white space around."""
    written = shown = opening
    if opening:
        yield StoryPiece(opening)
    for event in events:
        is_end = isinstance(event, Completed)
        written = f"{opening if is_end else written}{event.text}"
        visible = written.strip()
        if len(visible) > len(shown):
            yield StoryPiece(visible[len(shown) :])
            shown = visible
        if isinstance(event, Completed):
            yield _finish(event, visible)


def _finish(event: Completed, text: str) -> Story:
    note = NOTE_CUT if event.reason is FinishReason.LENGTH else ""
    if not event.text.strip():
        note = NOTE_EMPTY
    return Story(
        text=text,
        reason=event.reason,
        num_tokens=event.num_tokens,
        elapsed_s=event.elapsed_s,
        counts=event.counts,
        note=note,
        trace=event.trace,
    )
