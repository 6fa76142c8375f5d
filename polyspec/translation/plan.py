"""What one job needs to know before its first segment: prompts, limits, checks."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from polyspec.decoding.sampling import Sampling
from polyspec.languages import Language
from polyspec.prompting.interfaces import Completer, CompletionRequest
from polyspec.prompting.profiles import Profile
from polyspec.translation.budget import make_budget
from polyspec.translation.checks import AnswerChecks
from polyspec.translation.job import Attempt, Part, Rules
from polyspec.translation.prompts import (
    PromptBuilder,
    make_prompt_builder,
    make_strict_builder,
)
from polyspec.translation.segmentation import (
    Segment,
    SegmentLimits,
    adapt_separators,
    split_segments,
)

_RETRY_TEMPERATURE = 0.4
"""High enough for another answer, low enough for a good one."""
_RETRY_TOP_P = 0.9


@dataclass(frozen=True, slots=True)
class Plan:
    """How the texts of a job are cut and asked for."""

    build_prompt: PromptBuilder
    limit_answer: Callable[[str], int]
    """Most tokens for the translation of a text."""
    limits: SegmentLimits
    source_language: Language | None
    target_language: Language
    build_strict: PromptBuilder | None = None
    """Says more of what is wanted; None where the model knows one prompt only."""
    rules: Rules = field(default_factory=Rules)

    def split(self, chunks: Iterable[str], context: str = "") -> Iterator[Segment]:
        """Cut a text into segments, with separators as the target language has them.

        Args:
            chunks: The text.
            context: What stands before it, to be read but not translated.
        """
        segments = split_segments(chunks, self.source_language, self.limits, context)
        return adapt_separators(segments, self.source_language, self.target_language)

    def make_request(
        self, part: Part, context: str, sampling: Sampling
    ) -> CompletionRequest:
        """What is asked for a part of a segment.

        What is drawn depends on the text and the attempt alone, not on its place among
        the requests, so that a job that was interrupted goes on with the same text.
        """
        build, is_plain = self.build_prompt, part.attempt is Attempt.PLAIN
        if not is_plain and self.build_strict is not None:
            build = self.build_strict
        if part.attempt is Attempt.DRAWN:
            sampling = _draw_freely(sampling)
        return CompletionRequest(
            prompt=build(part.source, context if is_plain else ""),
            max_tokens=self.limit_answer(part.source),
            sampling=sampling,
            source=part.source,
            stream=_number_of(f"{part.attempt.value} {part.source}"),
        )


def make_plan(
    completer: Completer,
    profile: Profile,
    *,
    source_language: Language | None,
    target_language: Language,
    group_tokens: int,
    num_context_chars: int,
    keeps_source: bool = False,
) -> Plan:
    """The plan of a job.

    Args:
        completer: Counts tokens and knows the size of its context.
        profile: How its model wants to be asked.
        source_language: None leaves it to the model.
        target_language: What to translate into.
        group_tokens: Short sentences of a line are put together up to this.
        num_context_chars: How much of the text before a segment the model reads.
        keeps_source: Whether the source takes the place of an answer that never passes
            the checks.

    Raises:
        UsageError: The prompt alone fills the context.
    """
    build = make_prompt_builder(profile, source_language, target_language)
    strict = make_strict_builder(profile, source_language, target_language)
    # With a marker, whose mention makes a prompt longer.
    prompts = [build("<1/>", " " if num_context_chars else "")]
    if strict is not None:
        prompts.append(strict("<1/>", ""))
    budget = make_budget(
        completer,
        prompts,
        source_language,
        target_language,
        num_reserved=num_context_chars,
    )
    limits = SegmentLimits(
        count_tokens=completer.count_tokens,
        max_tokens=budget.max_segment_tokens,
        group_tokens=min(group_tokens, budget.max_segment_tokens),
        num_context_chars=num_context_chars,
    )
    rules = Rules(
        AnswerChecks(source_language, target_language),
        _find_joint(source_language, target_language),
        has_strict=strict is not None,
        keeps_source=keeps_source,
    )
    return Plan(
        build,
        budget.limit_answer,
        limits,
        source_language,
        target_language,
        strict,
        rules,
    )


def _find_joint(source: Language | None, target: Language) -> str:
    """Stands between two pieces of a segment where the source has no spaces."""
    is_spaced = source.is_spaced if source else True
    return " " if target.is_spaced and not is_spaced else ""


def _draw_freely(sampling: Sampling) -> Sampling:
    """A sampling that gives another answer than the likeliest one."""
    if not sampling.is_greedy:
        return sampling
    return replace(sampling, temperature=_RETRY_TEMPERATURE, top_p=_RETRY_TOP_P)


def _number_of(text: str) -> int:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return int.from_bytes(digest, "little")
