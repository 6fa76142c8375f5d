"""What a target writes, kept in a journal and counted into a table."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pytest

from polyspec.decoding.sampling import Sampling
from polyspec.errors import DocumentError, TableError
from polyspec.gguf_header import read_gguf_header
from polyspec.languages import find_language
from polyspec.prompting.interfaces import Completed, CompletionRequest, Piece
from polyspec.prompting.profiles import TRANSLATEGEMMA
from polyspec.tables.builder import BuildRequest
from polyspec.tables.format import Corpus, read_table_header
from polyspec.tables.reader import Table
from polyspec.training.journal import Entry, Journal, Subject
from polyspec.training.outputs import (
    choose_sentences,
    collect_outputs,
    make_story_requests,
    make_translation_requests,
)
from polyspec.training.own_table import build_own_table, clean_text
from polyspec.training.themes import make_themes
from tests.fakes_completer import FakeCompleter
from tests.unit.test_tables_builder import LINES, write_tiny_model

SUBJECT = Subject("tiny", "f" * 64, "eng", "translate")
SENTENCES = [f"this is sentence number {number}" for number in range(40)]


@dataclass
class ByteCompleter(FakeCompleter):
    """One token a byte."""

    def _answer(
        self, index: int, request: CompletionRequest
    ) -> Iterator[Piece | Completed]:
        for event in super()._answer(index, request):
            if isinstance(event, Completed):
                yield replace(event, token_ids=tuple(event.text.encode()))
            else:
                yield event


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "journal.jsonl"


def make_entry(text: str) -> Entry:
    return Entry(f"source of {text}", text, tuple(text.encode()), False)


def translations(completer: FakeCompleter) -> Callable[[str], CompletionRequest | None]:
    english, german = find_language("eng"), find_language("deu")
    return make_translation_requests(
        completer, TRANSLATEGEMMA, english, german, Sampling()
    )


def collect(
    journal: Journal,
    *,
    completer: FakeCompleter | None = None,
    sources: Iterable[str] = SENTENCES,
    max_tokens: int = 10**6,
    report: Callable[[int], None] = lambda _done: None,
) -> FakeCompleter:
    completer = completer or ByteCompleter()
    collect_outputs(
        completer,
        sources,
        translations(completer),
        journal,
        max_tokens=max_tokens,
        report=report,
    )
    return completer


def test_themes_are_many_and_different() -> None:
    themes = list(make_themes())
    assert len(themes) == len(set(themes)) >= 1500
    assert all(len(theme.split()) == 2 for theme in themes)
    assert len({theme.split()[1] for theme in themes[:20]}) == 20


def test_sentences_are_chosen_from_all_over_a_text_and_always_the_same() -> None:
    chosen = choose_sentences([*SENTENCES, *SENTENCES, "too short"], 20)
    assert chosen == choose_sentences(reversed(SENTENCES), 20)[: len(chosen)]
    assert len(chosen) == len(set(chosen)) >= 10
    assert set(chosen) & set(SENTENCES[:10])
    assert set(chosen) & set(SENTENCES[-10:])
    assert choose_sentences(SENTENCES, 40)[:20] == choose_sentences(SENTENCES, 20)


def test_a_journal_goes_on_where_it_was(path: Path) -> None:
    entries = [make_entry("Ẹ káàárọ̀\n"), make_entry("two"), make_entry("")]
    for number, entry in enumerate(entries):
        with Journal(path, SUBJECT) as journal:
            assert journal.entries == entries[:number]
            journal.add(entry)
            assert journal.num_tokens == sum(len(e.token_ids) for e in journal.entries)


def test_a_journal_cut_anywhere_keeps_its_whole_lines(path: Path) -> None:
    entries = [make_entry("ṣé"), make_entry("two")]
    with Journal(path, SUBJECT) as journal:
        for entry in entries:
            journal.add(entry)
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        num_whole = max(0, content[:size].count(b"\n") - 1)
        with Journal(path, SUBJECT) as journal:
            assert journal.entries == entries[:num_whole]
            journal.add(entries[1])
        with Journal(path, SUBJECT) as journal:
            assert journal.entries == [*entries[:num_whole], entries[1]]


@pytest.mark.parametrize(
    ("subject", "cause"),
    [
        (replace(SUBJECT, model="other"), "its model is 'tiny', not 'other'"),
        (replace(SUBJECT, language="deu"), "its language is 'eng', not 'deu'"),
        (replace(SUBJECT, task="story"), "its task is 'translate', not 'story'"),
    ],
)
def test_the_journal_of_another_subject_is_refused(
    path: Path, subject: Subject, cause: str
) -> None:
    Journal(path, SUBJECT).close()
    content = path.read_bytes()
    with pytest.raises(DocumentError, match="cannot be continued") as raised:
        Journal(path, subject)
    assert raised.value.cause == cause
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (b"\xff\n", "line 2 is no JSON object"),
        (b"[]\n", "line 2 is no JSON object"),
        (b"{}\n", "line 2 is no answer"),
        (b'{"source":"","text":"","token_ids":[-1],"is_cut":false}\n', "no answer"),
    ],
)
def test_what_is_no_journal_is_refused(path: Path, line: bytes, cause: str) -> None:
    Journal(path, SUBJECT).close()
    path.write_bytes(path.read_bytes() + line)
    with pytest.raises(DocumentError) as raised:
        Journal(path, SUBJECT)
    assert cause in raised.value.cause
    path.write_text("some text\nof mine\n")
    with pytest.raises(DocumentError, match="cannot be continued"):
        Journal(path, SUBJECT)
    assert path.read_text() == "some text\nof mine\n"


def test_a_journal_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot be written"):
        Journal(tmp_path, SUBJECT)


def test_writing_ends_when_there_are_tokens_enough(path: Path) -> None:
    told: list[int] = []
    with Journal(path, SUBJECT) as journal:
        collect(journal, max_tokens=300, report=told.append)
        assert 300 <= journal.num_tokens < 600
        assert told == sorted(told)
        assert told[-1] == journal.num_tokens
        for entry in journal.entries:
            assert entry.text == entry.source.upper()
            assert entry.token_ids == tuple(entry.text.encode())


def test_writing_goes_on_where_answers_are_shorter_than_the_first_were(
    path: Path,
) -> None:
    num_asked = 0

    def answer(source: str) -> str:
        nonlocal num_asked
        num_asked += 1
        return source * (20 if num_asked <= 2 else 1)

    with Journal(path, SUBJECT) as journal:
        completer = ByteCompleter(answer=answer, num_places=2, seed=1)
        collect(journal, completer=completer, max_tokens=320)
        assert journal.num_tokens >= 320
        assert completer.num_runs > 1


def test_what_was_answered_is_not_asked_again(path: Path) -> None:
    with Journal(path, SUBJECT) as journal:
        collect(journal, sources=SENTENCES[:7])
    with Journal(path, SUBJECT) as journal:
        completer = collect(journal, sources=[*SENTENCES, *SENTENCES])
        assert len(completer.requests) == 33
        assert sorted(entry.source for entry in journal.entries) == sorted(SENTENCES)


def test_an_interruption_keeps_what_was_answered(path: Path) -> None:
    def interrupt(done: int) -> None:
        if done > 200:
            raise KeyboardInterrupt

    completer = ByteCompleter()
    with Journal(path, SUBJECT) as journal, pytest.raises(KeyboardInterrupt):
        collect(journal, completer=completer, report=interrupt)
    assert completer.num_closed == 1
    with Journal(path, SUBJECT) as journal:
        assert journal.num_tokens > 200


def test_a_sentence_that_does_not_fit_is_passed_over(path: Path) -> None:
    with Journal(path, SUBJECT) as journal:
        collect(journal, sources=["a b " * 2000, "it fits"])
        assert [entry.source for entry in journal.entries] == ["it fits"]


def test_each_story_has_random_draws_of_its_own() -> None:
    make = make_story_requests(
        ByteCompleter(), TRANSLATEGEMMA, find_language("yor"), 50, Sampling(seed=3)
    )
    requests = [make(theme) for theme in islice(make_themes(), 5)]
    assert len({r.sampling.seed for r in requests if r is not None}) == 5
    assert requests[0] == make(next(make_themes()))


def test_a_loop_is_not_counted() -> None:
    looped = make_entry("Yes. " + "No no " * 20)
    assert clean_text(looped) == "Yes. No no"
    assert clean_text(make_entry(" fine \n")) == "fine"


@pytest.fixture
def request_of(tmp_path: Path) -> BuildRequest:
    header = read_gguf_header(write_tiny_model(tmp_path / "tiny.gguf"))
    return BuildRequest("eng", header, [])


def test_a_table_names_the_model_whose_output_it_counted(
    path: Path, request_of: BuildRequest, tmp_path: Path
) -> None:
    text = tmp_path / "more.txt"
    text.write_text("\n".join(LINES * 5))
    more = Corpus("more.txt", "CC0-1.0")
    with Journal(path, SUBJECT) as journal:
        for number in range(60):
            journal.add(replace(make_entry(LINES[number % 4]), source=str(number)))
    table = tmp_path / "table.gguf"
    request = replace(request_of, corpora=[(text, more)])
    info = build_own_table(journal, "some terms", request, table)
    own = Corpus("own output of tiny (translate)", "terms of the model: some terms")
    assert info.corpora == (own, more)
    assert read_table_header(table)[1].num_corpus_tokens == info.num_corpus_tokens
    thrice = build_own_table(journal, "", request, table, 3)
    assert thrice.corpora[0].name.endswith("(translate, counted 3 times)")
    assert thrice.num_corpus_tokens > info.num_corpus_tokens
    alone = build_own_table(journal, "", request_of, table)
    assert alone.corpora[0].licence == "terms of the model: not known"
    assert alone.num_corpus_tokens < info.num_corpus_tokens


def test_the_own_tokens_of_the_model_are_counted(
    path: Path, request_of: BuildRequest, tmp_path: Path
) -> None:
    # "at" is one token of the vocabulary; this model writes it as two bytes.
    a, t, end = 3 + ord("a"), 3 + ord("t"), 2
    with Journal(path, SUBJECT) as journal:
        for number in range(20):
            journal.add(Entry(str(number), "at", (a, t, end), False))
    build_own_table(journal, "", request_of, tmp_path / "table.gguf")
    with Table(tmp_path / "table.gguf") as table:
        assert table.walk(table.enter([a]), 1)[0] == [t]
        assert not any(end in context for context in table.contexts())


def test_a_table_of_nothing_is_refused(
    path: Path, request_of: BuildRequest, tmp_path: Path
) -> None:
    with Journal(path, SUBJECT) as journal:
        journal.add(make_entry(" "))
    with pytest.raises(TableError, match="what the model wrote") as raised:
        build_own_table(journal, "", request_of, tmp_path / "table.gguf")
    assert "--tokens" in raised.value.remedy
    assert not (tmp_path / "table.gguf").exists()
