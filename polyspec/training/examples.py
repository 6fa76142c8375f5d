"""What a draft learns from: answers that the target wrote, or existing text."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from polyspec.engine.model import Model
from polyspec.engine.tokenizer import Tokenizer
from polyspec.gguf_header import GgufHeader, tokenizer_fingerprint
from polyspec.languages import Language, find_language
from polyspec.prompting.detect import detect_profile
from polyspec.prompting.interfaces import Prompt
from polyspec.prompting.profiles import Profile
from polyspec.stories.prompts import make_story_prompt
from polyspec.tables.corpus import read_lines
from polyspec.training.journal import Entry, Journal, Subject, read_subject
from polyspec.training.outputs import choose_sentences
from polyspec.training.own_table import clean_text
from polyspec.training.teacher import Example
from polyspec.translation.prompts import make_prompt_builder

STRATEGIES = ("task", "mono", "mixed")
"""Translations of the target; existing text; translations and stories of the target."""
_MAX_TEXT_TOKENS = 256
_LEAST_TOKENS = 4


def make_examples(
    journal: Journal,
    tokenizer: Tokenizer,
    profile: Profile,
    *,
    source_language: Language,
    num_words: int = 120,
) -> Iterator[Example]:
    """The answers of a journal behind the prompts that asked for them.

    What the target repeated in a loop is left out, for it would outweigh all else.

    Args:
        journal: Translations or stories.
        tokenizer: Of the target.
        profile: How the target is asked.
        source_language: Of the sentences.
        num_words: How long a story was to be.
    """
    language = find_language(journal.subject.language)
    build = _prompt_maker(journal, profile, language, source_language, num_words)
    for entry in journal.entries:
        answer = _clean_ids(entry, tokenizer)
        if len(answer) >= _LEAST_TOKENS:
            prompt_ids = encode_prompt(tokenizer, build(entry.source))
            yield Example(tuple(prompt_ids), answer)


def read_answers(
    path: Path, header: GgufHeader, source_language: Language, max_answers: int
) -> tuple[Subject, list[Example]]:
    """The first answers of a target's journal, behind their prompts.

    Args:
        path: A journal.
        header: Of the target.
        source_language: Of the sentences that were translated.
        max_answers: How many to take.

    Raises:
        DocumentError: It is no journal, or one of another model.
        ModelError: The target's vocabulary cannot be loaded.
    """
    subject = read_subject(path)
    with (
        Journal(
            path, replace(subject, fingerprint=tokenizer_fingerprint(header))
        ) as journal,
        Model(header.path, gpu_layers=0, vocab_only=True) as model,
    ):
        examples = make_examples(
            journal,
            model.tokenizer,
            detect_profile(header.metadata),
            source_language=source_language,
        )
        return subject, list(islice(examples, max_answers))


def make_text_examples(
    text: Path, tokenizer: Tokenizer, max_lines: int
) -> Iterator[Example]:
    """Lines from all over a text, in a fixed order, each behind a start token.

    Raises:
        TableError: The text cannot be read.
    """
    for line in choose_sentences(read_lines(text), max_lines):
        ids = tokenizer.encode(line)[:_MAX_TEXT_TOKENS]
        start = [tokenizer.bos_id] if tokenizer.adds_bos else ids[:1]
        answer = ids if tokenizer.adds_bos else ids[1:]
        if len(answer) >= _LEAST_TOKENS:
            yield Example(tuple(start), tuple(answer))


def limit_tokens(examples: Iterable[Example], max_tokens: int) -> Iterator[Example]:
    """The first examples, until their answers have enough tokens."""
    num_tokens = 0
    for example in examples:
        if num_tokens >= max_tokens:
            return
        yield example
        num_tokens += len(example.answer_ids)


def encode_prompt(tokenizer: Tokenizer, prompt: Prompt) -> list[int]:
    """The tokens of a prompt, as a session reads it."""
    ids = [tokenizer.bos_id] if tokenizer.adds_bos else []
    for part in (*prompt.shared, *prompt.own):
        ids += tokenizer.encode(part.text, parse_control=part.is_control)
    return ids


def _prompt_maker(
    journal: Journal,
    profile: Profile,
    language: Language,
    source_language: Language,
    num_words: int,
) -> Callable[[str], Prompt]:
    if journal.subject.task == "story":
        return lambda theme: make_story_prompt(profile, language, theme, num_words)
    build = make_prompt_builder(profile, source_language, language)
    return lambda sentence: build(sentence, "")


def _clean_ids(entry: Entry, tokenizer: Tokenizer) -> tuple[int, ...]:
    """The tokens of an answer up to where it begins to loop."""
    kept = clean_text(entry)
    if kept == entry.text.strip():
        return entry.token_ids
    size = len(kept.encode())
    num_bytes = 0
    for place, token_id in enumerate(entry.token_ids):
        num_bytes += len(tokenizer.piece(token_id))
        if num_bytes > size:
            return entry.token_ids[:place]
    return entry.token_ids
