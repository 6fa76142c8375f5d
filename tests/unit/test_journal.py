"""A job that was killed at any moment goes on to the same result."""

import io
import tempfile
from collections.abc import Generator, Iterable
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.documents.interfaces import CodeKind, Content, InlineCode, Segment
from polyspec.documents.registry import open_document
from polyspec.errors import DocumentError
from polyspec.languages import find_language
from polyspec.prompting.interfaces import CompletionRequest
from polyspec.prompting.profiles import QWEN_CHAT
from polyspec.translation.documents import (
    add_context,
    translate_units,
    write_translation,
)
from polyspec.translation.journal import Journal, go_on
from polyspec.translation.plan import make_plan
from polyspec.translation.units import TranslatedUnit
from tests.fakes_completer import FakeCompleter

PAGE = (
    '<p>One <b>bold</b> word.</p>\n<p>Two \u2028 "quoted"</p>\n'
    "<p>Three</p>\n<ul><li>Four</li><li>Five</li></ul>\n"
)
FACTS = {"input": "1234", "to": "fr"}


class Worker:
    """Translates into capitals, notes what it is asked for, and may be killed."""

    def __init__(self, num_units: int | None = None) -> None:
        self.asked: list[str] = []
        self._num_units = num_units

    def __call__(
        self, segments: Iterable[Segment]
    ) -> Generator[TranslatedUnit, None, None]:
        for segment in segments:
            if len(self.asked) == self._num_units:
                raise KeyboardInterrupt
            self.asked.append(segment.id)
            note = "look" if "Two" in segment.text else ""
            yield TranslatedUnit(segment, _shout(segment.content), note, bool(note))


def _shout(content: Content) -> Content:
    return tuple(
        piece.upper() if isinstance(piece, str) else piece for piece in content
    )


def run(
    folder: Path, worker: Worker, facts: dict[str, str] = FACTS, page: str = PAGE
) -> tuple[bytes, list[TranslatedUnit]]:
    """One run of a job; the journal goes when it ends."""
    source = folder / "a.html"
    source.write_text(page, encoding="utf-8")
    document = open_document(source)
    output, seen = io.BytesIO(), list[TranslatedUnit]()
    with Journal(folder / "job.jsonl", facts) as journal:
        units = go_on(journal, document.segments(), worker)
        write_translation(document, output, units, seen.append)
        journal.complete()
    return output.getvalue(), seen


def kill_after(folder: Path, num_units: int) -> bytes:
    """The journal of a run that was killed."""
    with pytest.raises(KeyboardInterrupt):
        run(folder, Worker(num_units))
    return (folder / "job.jsonl").read_bytes()


def test_a_finished_job_leaves_no_journal(tmp_path: Path) -> None:
    output, seen = run(tmp_path, Worker())
    assert b"ONE <b>BOLD</b> WORD." in output
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]
    assert not any(unit.is_replayed for unit in seen)


@pytest.mark.parametrize("num_units", range(6))
def test_a_killed_job_asks_for_the_rest_only(num_units: int, tmp_path: Path) -> None:
    expected, first = run(tmp_path, Worker())
    if num_units < 5:
        kill_after(tmp_path, num_units)
    worker = Worker()
    output, seen = run(tmp_path, worker)
    assert output == expected
    assert len(worker.asked) == 5 - num_units % 5
    assert [unit.is_replayed for unit in seen].count(True) == num_units % 5
    for old, new in zip(first, seen, strict=True):
        assert (old.content, old.note, old.is_kept) == (
            new.content,
            new.note,
            new.is_kept,
        )


@given(data=st.data())
def test_a_journal_cut_or_damaged_anywhere_goes_on_to_the_same(
    data: st.DataObject,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        expected, _ = run(folder, Worker())
        journal = kill_after(folder, data.draw(st.integers(0, 4)))
        place = data.draw(st.integers(0, len(journal)))
        tail = data.draw(st.sampled_from([b"", b"\0" * 9, b"{}\n", b'{"id": 1}\n']))
        (folder / "job.jsonl").write_bytes(journal[:place] + tail)
        worker = Worker()
        assert run(folder, worker)[0] == expected
        assert len(set(worker.asked)) == len(worker.asked)
        assert [path.name for path in folder.iterdir()] == ["a.html"]


def test_it_may_be_killed_again_and_again(tmp_path: Path) -> None:
    expected, _ = run(tmp_path, Worker())
    for _ in range(4):
        kill_after(tmp_path, 1)
    worker = Worker()
    assert run(tmp_path, worker)[0] == expected
    assert len(worker.asked) == 1


def test_going_on_may_be_stopped_before_it_got_where_it_was(tmp_path: Path) -> None:
    kill_after(tmp_path, 3)
    journal = Journal(tmp_path / "job.jsonl", FACTS)
    entries = journal.entries()
    next(entries)
    entries.close()
    journal.close()
    worker = Worker()
    run(tmp_path, worker)
    assert len(worker.asked) == 2


def test_other_facts_begin_anew_and_say_which(tmp_path: Path) -> None:
    kill_after(tmp_path, 3)
    with Journal(tmp_path / "job.jsonl", {**FACTS, "to": "de"}) as journal:
        assert journal.changes == ("to",)
        assert (journal.num_entries, journal.was_complete) == (0, False)


def test_segments_of_another_document_are_asked_for(tmp_path: Path) -> None:
    kill_after(tmp_path, 3)
    worker = Worker()
    output, _ = run(tmp_path, worker, page=PAGE.replace("Two", "Zwei"))
    assert b"ZWEI" in output
    assert len(worker.asked) == 4


def test_a_job_that_is_anew_drops_what_there_was(tmp_path: Path) -> None:
    kill_after(tmp_path, 3)
    with Journal(tmp_path / "job.jsonl", FACTS, is_anew=True) as journal:
        assert journal.num_entries == 0


def test_what_was_complete_is_known(tmp_path: Path) -> None:
    kill_after(tmp_path, 3)
    journal = Journal(tmp_path / "job.jsonl", FACTS)
    journal.complete()
    journal.close()
    with Journal(tmp_path / "job.jsonl", {**FACTS, "input": "new"}) as again:
        assert again.was_complete
        assert again.changes == ("input",)


def test_two_runs_of_one_job_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "job.jsonl"
    with Journal(path, FACTS):
        with pytest.raises(DocumentError, match="by another run"):
            Journal(path, FACTS)
        assert path.exists()


def test_half_a_character_comes_through(tmp_path: Path) -> None:
    content: Content = ("a \ud83d b", InlineCode("<i\udc80>", CodeKind.OPEN))
    segment = Segment("1-a", content)
    path = tmp_path / "job.jsonl"
    journal = Journal(path, FACTS)
    journal.add(TranslatedUnit(segment, content))
    journal.close()
    with Journal(path, FACTS) as again:
        (entry,) = again.entries()
        assert entry.content == content


def test_what_was_added_reaches_the_disk_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", synced.append)
    now_s = 0.0
    with Journal(tmp_path / "job.jsonl", FACTS, clock=lambda: now_s) as journal:
        for number in range(10):
            now_s = float(number)
            journal.add(TranslatedUnit(Segment(f"{number}", ("a",)), ("b",)))
    assert len(synced) == 1


def test_a_folder_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "jobs").write_text("a file")
    with pytest.raises(DocumentError, match="cannot be written"):
        Journal(tmp_path / "jobs" / "job.jsonl", FACTS)


def test_what_is_asked_after_a_stop_is_what_would_have_been(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("One is here\nand two goes on\nand three.\n\nFour is apart\n")
    document = open_document(source)

    def prompts(num_units: int | None) -> list[CompletionRequest]:
        completer = FakeCompleter(
            lambda own: own.rpartition("translate: ")[2].upper(), num_places=1
        )
        plan = make_plan(
            completer,
            QWEN_CHAT,
            source_language=find_language("en"),
            target_language=find_language("fr"),
            group_tokens=0,
            num_context_chars=80,
        )
        segments = add_context(document.segments(), 80)
        journal = Journal(tmp_path / "job.jsonl", FACTS)
        units = go_on(
            journal, segments, lambda rest: translate_units(completer, plan, rest)
        )
        with closing(units):
            list(islice(units, num_units))
        journal.close()
        return completer.requests

    whole = prompts(None)
    assert "One is here" in str(whole[1].prompt.own)
    assert "three" not in str(whole[3].prompt.own)
    (tmp_path / "job.jsonl").unlink()
    prompts(2)
    assert prompts(None) == whole[2:]
