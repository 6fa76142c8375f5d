"""What one job needs to know before its first segment: prompts, limits, separators."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from polyspec.languages import Language
from polyspec.prompting.interfaces import Completer
from polyspec.prompting.profiles import Profile
from polyspec.translation.budget import make_budget
from polyspec.translation.prompts import PromptBuilder, make_prompt_builder
from polyspec.translation.segmentation import (
    Segment,
    SegmentLimits,
    adapt_separators,
    split_segments,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How the texts of a job are cut and asked for."""

    build_prompt: PromptBuilder
    limit_answer: Callable[[str], int]
    """Most tokens for the translation of a text."""
    limits: SegmentLimits
    source_language: Language | None
    target_language: Language

    @property
    def joint(self) -> str:
        """Stands between two pieces of a segment where the source has no spaces."""
        is_spaced = self.source_language.is_spaced if self.source_language else True
        return " " if self.target_language.is_spaced and not is_spaced else ""

    def split(self, chunks: Iterable[str]) -> Iterator[Segment]:
        """Cut a text into segments, with separators as the target language has them."""
        segments = split_segments(chunks, self.source_language, self.limits)
        return adapt_separators(segments, self.source_language, self.target_language)


def make_plan(
    completer: Completer,
    profile: Profile,
    *,
    source_language: Language | None,
    target_language: Language,
    group_tokens: int,
    num_context_chars: int,
) -> Plan:
    """The plan of a job.

    Args:
        completer: Counts tokens and knows the size of its context.
        profile: How its model wants to be asked.
        source_language: None leaves it to the model.
        target_language: What to translate into.
        group_tokens: Short sentences of a line are put together up to this.
        num_context_chars: How much of the text before a segment the model reads.

    Raises:
        UsageError: The prompt alone fills the context.
    """
    build = make_prompt_builder(profile, source_language, target_language)
    budget = make_budget(
        completer,
        build("", " " if num_context_chars else ""),
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
    return Plan(build, budget.limit_answer, limits, source_language, target_language)
