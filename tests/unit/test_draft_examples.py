"""What drafts learn from: answers behind their prompts, and lines of text."""

from pathlib import Path

import pytest

from polyspec.errors import DocumentError, UsageError
from polyspec.languages import find_language
from polyspec.prompting.profiles import GEMMA_BASE
from polyspec.training.draft_lessons import Subject as Lesson_Subject
from polyspec.training.draft_lessons import find_mismatch, require_sound
from polyspec.training.examples import (
    limit_tokens,
    make_examples,
    make_text_examples,
)
from polyspec.training.journal import Entry, Journal, Subject, read_subject
from polyspec.training.teacher import Example
from tests.fakes import ByteTokenizer

ENGLISH, GERMAN = find_language("eng"), find_language("deu")


def entry(source: str, text: str) -> Entry:
    return Entry(source, text, (*text.encode(), ByteTokenizer.end_id), False)


def open_journal(tmp_path: Path, task: str = "translate") -> Journal:
    subject = Subject("tiny", "f00d", "deu", task)
    return Journal(tmp_path / "j.jsonl", subject)


def examples_of(journal: Journal) -> list[Example]:
    tokenizer = ByteTokenizer().as_tokenizer()
    return list(make_examples(journal, tokenizer, GEMMA_BASE, source_language=ENGLISH))


def test_an_answer_stands_behind_the_prompt_that_asked_for_it(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        journal.add(entry("The sea is calm.", "Das Meer ist ruhig."))
        (example,) = examples_of(journal)
    prompt = bytes(example.prompt_ids[1:]).decode()
    assert example.prompt_ids[0] == ByteTokenizer.bos_id
    assert prompt.endswith("English: The sea is calm.\nGerman:")
    assert bytes(example.answer_ids[:-1]).decode() == "Das Meer ist ruhig."
    assert example.answer_ids[-1] == ByteTokenizer.end_id


def test_a_story_stands_behind_its_theme(tmp_path: Path) -> None:
    with open_journal(tmp_path, "story") as journal:
        journal.add(entry("a lost key", "Es war ein Schloss."))
        (example,) = examples_of(journal)
    assert "a lost key" in bytes(example.prompt_ids[1:]).decode()


def test_loops_and_answers_of_a_few_tokens_are_left_out(tmp_path: Path) -> None:
    loop = "So it began. " + "no no " * 12
    with open_journal(tmp_path) as journal:
        journal.add(entry("One.", "Ja"))
        journal.add(entry("Two.", loop))
        (example,) = examples_of(journal)
    kept = bytes(example.answer_ids).decode()
    assert loop.startswith(kept)
    assert kept.startswith("So it began.")
    assert len(kept) < len(loop) / 2


def test_lines_of_a_text_follow_a_start_token(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("Ein Haus am See.\nKurz\nZwei Boote im Hafen.\n")
    tokenizer = ByteTokenizer().as_tokenizer()
    examples = list(make_text_examples(tmp_path / "text.txt", tokenizer, 10))
    assert {bytes(each.answer_ids).decode() for each in examples} == {
        "Ein Haus am See.",
        "Zwei Boote im Hafen.",
    }
    assert {each.prompt_ids for each in examples} == {(ByteTokenizer.bos_id,)}


def test_examples_end_where_their_answers_suffice() -> None:
    examples = [Example((1,), (1, 2, 3))] * 5
    assert len(list(limit_tokens(examples, 7))) == 3
    assert len(list(limit_tokens(examples, 100))) == 5


@pytest.mark.parametrize("head", ["", "[]", "{}", "no json"])
def test_a_file_that_is_no_journal_is_refused(tmp_path: Path, head: str) -> None:
    (tmp_path / "j.jsonl").write_text(head)
    with pytest.raises(DocumentError, match="is no journal"):
        read_subject(tmp_path / "j.jsonl")


def test_a_journal_says_who_wrote_what(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        assert read_subject(journal.path) == journal.subject


def subject(strategy: str, **files: Path) -> Lesson_Subject:
    return Lesson_Subject(GERMAN, strategy, 100, ENGLISH, **files)


def test_each_strategy_has_its_own_tasks() -> None:
    sources = Path("english.txt")
    tasks = {
        strategy: [plan.task for plan in subject(strategy, sources=sources).plans()]
        for strategy in ("task", "mono", "mixed")
    }
    assert tasks == {"task": ["translate"], "mono": [], "mixed": ["translate", "story"]}
    assert [each.num_tokens for each in subject("mixed").plans()] == [50, 50]


@pytest.mark.parametrize(
    ("strategy", "problem"),
    [
        ("other", "there is no strategy 'other'"),
        ("mono", "there is no text to learn from"),
        ("task", "there is nothing to translate"),
    ],
)
def test_what_cannot_be_learned_is_refused(strategy: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        require_sound(subject(strategy))


def test_a_text_in_another_language_is_told(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("The old house by the sea was empty, and nobody came there.\n" * 9)
    assert find_mismatch(subject("mono", text=text)) == (
        "text.txt seems to be in English, not in German"
    )
    text.write_text("Das alte Haus am Meer war leer, und niemand kam dorthin.\n" * 9)
    assert not find_mismatch(subject("mono", text=text))
    assert not find_mismatch(subject("task"))
