"""What one job needs to know before its first segment: prompts, limits, checks."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b

from polyspec.assets.glossary import Glossary
from polyspec.decoding.sampling import Sampling
from polyspec.languages import Language
from polyspec.prompting.interfaces import Completer, CompletionRequest, Precedent
from polyspec.prompting.profiles import Profile
from polyspec.translation.budget import make_budget
from polyspec.translation.checks import AnswerChecks, IsWrongLanguage
from polyspec.translation.guidance import NO_GUIDANCE, Guidance
from polyspec.translation.job import Attempt, Part, Rules, SegmentJob
from polyspec.translation.known_answers import KnownAnswers
from polyspec.translation.loops import is_endless
from polyspec.translation.mixed import MixedText
from polyspec.translation.prompts import (
    PromptBuilder,
    make_prompt_builder,
    make_strict_builder,
)
from polyspec.translation.recall import Recall
from polyspec.translation.segmentation import (
    Segment,
    SegmentLimits,
    adapt_separators,
    split_segments,
)

_RETRY_TEMPERATURE = 0.4
"""High enough for another answer, low enough for a good one."""
_RETRY_TOP_P = 0.9
_MAX_NAMED = 5


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
    recall: Recall | None = None
    """Knows earlier translations; None where they are of no use."""
    mixed: MixedText | None = None
    """Tells segments in other languages; None where the user named the language."""
    known: KnownAnswers | None = None
    """Knows answers that failed before; None where they are asked for again."""

    def make_job(
        self, segment: Segment, attempt: Attempt = Attempt.PLAIN
    ) -> SegmentJob:
        """A segment to be translated, or one whose translation is known."""
        known, recall = None, self._recall_for(segment.text)
        if recall and segment.is_translatable and attempt is Attempt.PLAIN:
            known = recall.find_exact(segment.text)
        return SegmentJob(segment, self.rules, attempt=attempt, known=known)

    def remember(self, job: SegmentJob) -> None:
        """Keep the translation of a segment, if it is good enough."""
        recall = self._recall_for(job.segment.text)
        if recall is not None and job.is_sound:
            recall.remember(job.segment.text, job.text())

    def find_other(self, segment: Segment) -> Language | None:
        """The language of a segment, where it surely is not that of the text."""
        return self.mixed.find_other(segment.text) if self.mixed is not None else None

    def split(self, chunks: Iterable[str], context: str = "") -> Iterator[Segment]:
        """Cut a text into segments, with separators as the target language has them.

        Args:
            chunks: The text.
            context: What stands before it, to be read but not translated.
        """
        segments = split_segments(chunks, self.source_language, self.limits, context)
        if self.mixed is not None:
            segments = map(self._leave_alone, segments)
        return adapt_separators(segments, self.source_language, self.target_language)

    def make_request(
        self, part: Part, context: str, sampling: Sampling, name: str
    ) -> CompletionRequest:
        """What is asked for a part of a segment.

        What is drawn depends on the segment and the attempt alone, not on its place
        among the requests, so that a job that was stopped goes on with the same text.
        Where only failed answers are drawn again, its name does not count either: a
        text that has moved fails as it did.

        Args:
            part: What is to be translated.
            context: What stands before it, to be read but not translated.
            sampling: How tokens are drawn.
            name: Tells the segment from all others of the job.
        """
        is_plain = part.attempt is Attempt.PLAIN
        name = "" if sampling.is_greedy else name
        build = self._builder_for(part.source, is_strict=not is_plain)
        if part.attempt is Attempt.DRAWN:
            sampling = _draw_freely(sampling)
        return CompletionRequest(
            prompt=build(part.source, context if is_plain else ""),
            max_tokens=self.limit_answer(part.source),
            sampling=sampling,
            source=part.source,
            precedent=self._find_precedent(part),
            stream=_number_of(f"{name} {part.attempt.value} {part.source}"),
            is_hopeless=partial(is_endless, part.source),
        )

    def _find_precedent(self, part: Part) -> Precedent | None:
        """What the answer may be like, where that was not found to be wrong."""
        recall = self._recall_for(part.source)
        if recall is None or part.is_piece or part.attempt is not Attempt.PLAIN:
            return None
        return recall.find_similar(part.source)

    def _builder_for(self, text: str, *, is_strict: bool) -> PromptBuilder:
        other = self.mixed.find_other(text) if self.mixed is not None else None
        if self.mixed is not None and other is not None:
            return self.mixed.builder_for(other, is_strict=is_strict)
        return (self.build_strict if is_strict else None) or self.build_prompt

    def _recall_for(self, text: str) -> Recall | None:
        """The memory, which holds translations from the language of the text alone."""
        is_other = self.mixed is not None and self.mixed.find_other(text) is not None
        return None if is_other else self.recall

    def _leave_alone(self, segment: Segment) -> Segment:
        """A segment as it is, marked if it needs no translation."""
        needs_none = (
            segment.is_translatable
            and self.mixed is not None
            and self.mixed.is_translated(segment.text)
        )
        if not needs_none:
            return segment
        note = f"it is in {self.target_language.name} already and stays as it is"
        return replace(segment, is_translatable=False, note=note)


def make_plan(
    completer: Completer,
    profile: Profile,
    *,
    source_language: Language | None,
    target_language: Language,
    group_tokens: int,
    num_context_chars: int,
    keeps_source: bool = False,
    recall: Recall | None = None,
    known: KnownAnswers | None = None,
    guidance: Guidance = NO_GUIDANCE,
    is_mixed: bool = False,
    is_wrong_language: IsWrongLanguage | None = None,
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
        recall: Knows earlier translations.
        known: Knows earlier answers that failed.
        guidance: Terms and examples that the model is shown, and whose use is checked.
        is_mixed: Whether segments may be in other languages than the source language.
        is_wrong_language: Tells answers in another language; None looks at none.

    Raises:
        UsageError: The prompt alone fills the context.
    """
    languages = source_language, target_language
    build = make_prompt_builder(profile, *languages, guidance)
    strict = make_strict_builder(profile, *languages, guidance)
    # With a marker, whose mention makes a prompt longer.
    prompts = [build("<1/>", " " if num_context_chars else "")]
    if strict is not None:
        prompts.append(strict("<1/>", ""))
    budget = make_budget(
        completer,
        prompts,
        source_language,
        target_language,
        num_reserved=num_context_chars + guidance.max_chars,
    )
    limits = SegmentLimits(
        count_tokens=completer.count_tokens,
        max_tokens=budget.max_segment_tokens,
        group_tokens=min(group_tokens, budget.max_segment_tokens),
        num_context_chars=num_context_chars,
    )
    rules = Rules(
        AnswerChecks(source_language, target_language, is_wrong_language),
        _find_joint(source_language, target_language),
        has_strict=strict is not None,
        keeps_source=keeps_source,
        remark=None if guidance.glossary is None else _remark_on(guidance.glossary),
    )
    return Plan(
        build,
        budget.limit_answer,
        limits,
        source_language,
        target_language,
        strict,
        rules,
        recall,
        _sort_out(profile, *languages) if is_mixed else None,
        known,
    )


def _sort_out(
    profile: Profile, source: Language | None, target: Language
) -> MixedText | None:
    return None if source is None else MixedText(profile, source, target)


def _remark_on(glossary: Glossary) -> Callable[[str, str], str]:
    """A function that names the terms of a source that its translation lacks."""

    def remark(source: str, translation: str) -> str:
        unused = [
            f"{term.source} -> {' or '.join(term.targets)}"
            for term in glossary.find_unused(source, translation)
        ]
        return f"terms not used: {', '.join(unused[:_MAX_NAMED])}" if unused else ""

    return remark


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
