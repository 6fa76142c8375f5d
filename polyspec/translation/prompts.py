"""What a model is asked when a segment is to be translated."""

from collections.abc import Callable
from typing import TypeAlias

from polyspec.documents.protection import MARKER
from polyspec.languages import Language, find_language
from polyspec.prompting.interfaces import Prompt
from polyspec.prompting.profiles import Profile, PromptKind
from polyspec.translation.examples import find_examples
from polyspec.translation.guidance import NO_GUIDANCE, Guidance

PromptBuilder: TypeAlias = Callable[[str, str], Prompt]
"""From a segment's text and the text before it, which may be empty, to a prompt."""
_KEEP_MARKERS = "Keep markers such as <1>, </1> and <2/> exactly as they are."


def make_prompt_builder(
    profile: Profile,
    source_language: Language | None,
    target_language: Language,
    guidance: Guidance = NO_GUIDANCE,
) -> PromptBuilder:
    """A builder of the prompts of one job.

    The shared part is the same for all of them. Without a source language a chat model
    finds it out; the other kinds, trained or shown to name one, are told English.
    Guidance reaches the models that take instructions or examples; those trained on
    one prompt have no place for it.
    """
    if profile.kind is PromptKind.CHAT:
        return _make_chat(profile, source_language, target_language, guidance)
    source = source_language or find_language("eng")
    if profile.kind is PromptKind.COMPLETION:
        return _make_completion(profile, source, target_language, guidance)
    make = {
        PromptKind.TRANSLATEGEMMA: _make_translategemma,
        PromptKind.EUROLLM: _make_eurollm,
        PromptKind.PAIRS: _make_pairs,
    }[profile.kind]
    return make(profile, source, target_language)


def make_strict_builder(
    profile: Profile,
    source_language: Language | None,
    target_language: Language,
    guidance: Guidance = NO_GUIDANCE,
) -> PromptBuilder | None:
    """A builder that says more of what is wanted, for what went wrong once.

    None for models that were trained on one prompt, or that follow no instruction.
    """
    if profile.kind is not PromptKind.CHAT:
        return None
    target = target_language.name
    rules = (
        f"Write every word of the translation in {target}. Do not repeat the original, "
        "and add no introduction, no notes and no quotation marks."
    )
    return _make_chat(profile, source_language, target_language, guidance, rules)


def _make_chat(
    profile: Profile,
    source: Language | None,
    target: Language,
    guidance: Guidance,
    rules: str = "Write only the translation.",
) -> PromptBuilder:
    origin = f" from {source.name}" if source else ""
    task = f"Translate the following text{origin} into {target.name}. "
    plain, marked = f"{task}{rules}\n\n", f"{task}{_KEEP_MARKERS} {rules}\n\n"

    def build(text: str, context: str) -> Prompt:
        shared = marked if MARKER.search(text) else plain
        before = guidance.instruct(text)
        if context:
            before = f"Context, for reference: {context}\n\n{before}"
        if not before:
            return profile.make_prompt(shared, text)
        # All this stands in the segment's own part: the shared one stays the same.
        return profile.make_prompt(shared, f"{before}Text to translate:", f" {text}")

    return build


def _make_completion(
    profile: Profile, source: Language, target: Language, guidance: Guidance
) -> PromptBuilder:
    pairs = find_examples(source, target)
    shown = "".join(
        f"{source.name}: {text}\n{target.name}: {translation}\n\n"
        for text, translation in pairs
    )
    title = f"Translation from {source.name} into {target.name}."
    task = f"{title}\n\n{shown}{source.name}:"

    def build(text: str, _context: str) -> Prompt:
        # A base model would translate a context as well, so it is shown none.
        shown = [
            part
            for one, other in guidance.find_pairs(text)
            for part in (
                f" {one}\n",
                f"{target.name}: {other}\n\n",
                f"{source.name}:",
            )
        ]
        return profile.make_prompt(task, *shown, f" {text}\n", f"{target.name}:")

    return build


def _make_translategemma(
    profile: Profile, source: Language, target: Language
) -> PromptBuilder:
    task = (
        f"You are a professional {source.name} ({source.tag}) to {target.name} "
        f"({target.tag}) translator. Your goal is to accurately convey the meaning and "
        f"nuances of the original {source.name} text while adhering to {target.name} "
        f"grammar, vocabulary, and cultural sensitivities.\nProduce only the "
        f"{target.name} translation, without any additional explanations or "
        f"commentary. Please translate the following {source.name} text into "
        f"{target.name}:\n\n\n"
    )
    # It was trained on exactly this form, which has no place for a context.
    return lambda text, _context: profile.make_prompt(task, text)


def _make_eurollm(
    profile: Profile, source: Language, target: Language
) -> PromptBuilder:
    task = (
        f"Translate the following {source.name} source text to {target.name}:\n"
        f"{source.name}:"
    )
    return lambda text, _context: profile.make_prompt(
        task, f" {text}\n", f"{target.name}: "
    )


def _make_pairs(profile: Profile, source: Language, target: Language) -> PromptBuilder:
    # `training/pairs.py` shows a model exactly this.
    return lambda text, _context: profile.make_prompt(
        f"{source.name}:", f" {text}\n", f"{target.name}:"
    )
