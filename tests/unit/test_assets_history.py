"""The history of translations."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from polyspec.assets.database import Database
from polyspec.assets.exports import write_history_csv, write_history_lines
from polyspec.assets.history import MAX_CHARS, History
from polyspec.assets.language_pair import LanguagePair
from tests.fakes import make_clock

ENG_DEU = LanguagePair("en", "de")
ENG_FRA = LanguagePair("en", "fr")


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with Database(tmp_path / "assets.sqlite3", pytest.fail) as database:
        yield History(database, make_clock())


def test_the_latest_comes_first(history: History) -> None:
    history.add(ENG_DEU, "One.", "Eins.", model="m")
    history.add(ENG_FRA, "Two.", "Deux.", title="two.txt")
    assert [one.source for one in history.search()] == ["Two.", "One."]
    assert [one.source for one in history.entries()] == ["One.", "Two."]
    (found,) = history.search(pair=ENG_DEU)
    assert (found.translation, found.model, found.title) == ("Eins.", "m", "")


@pytest.mark.parametrize("sought", ["two.", "DEUX", "notes.TXT"])
def test_texts_and_titles_are_searched(history: History, sought: str) -> None:
    history.add(ENG_DEU, "One.", "Eins.")
    history.add(ENG_FRA, "Two.", "Deux.", title="notes.txt")
    assert [one.source for one in history.search(sought)] == ["Two."]


def test_a_document_has_a_title_and_may_have_no_texts(history: History) -> None:
    assert history.add(ENG_DEU, "", "", title="letter.docx") is not None
    assert history.add(ENG_DEU, " ", "") is None
    assert [one.title for one in history.search()] == ["letter.docx"]


def test_of_a_long_text_the_beginning_is_kept(history: History) -> None:
    history.add(ENG_DEU, "x" * (MAX_CHARS + 1), "y\udc80")
    (found,) = history.search()
    assert found.source == "x" * MAX_CHARS + " […]"
    assert found.translation == "y?"


def test_entries_can_be_forgotten(history: History) -> None:
    numbers = [history.add(ENG_DEU, str(number), "x") for number in range(4)]
    assert history.delete([number for number in numbers[:2] if number]) == 2
    assert [one.source for one in history.entries()] == ["2", "3"]
    assert history.clear() == 2
    assert list(history.entries()) == []


def test_it_can_be_taken_elsewhere(history: History) -> None:
    history.add(ENG_DEU, 'say "a",\nb', "x", model="m", title="t")
    table: list[str] = []
    assert write_history_csv(history.entries(), table.append) == 1
    (row,) = csv.DictReader(io.StringIO("".join(table), newline=""))
    lines: list[str] = []
    assert write_history_lines(history.entries(), lines.append) == 1
    assert json.loads("".join(lines)) == row
    assert (row["source"], row["time"]) == ('say "a",\nb', "1970-01-01T00:00:00Z")
