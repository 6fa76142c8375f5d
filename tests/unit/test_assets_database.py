"""The file of memory and history: damage, other processes, full discs."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from random import Random

import pytest

from polyspec.assets.database import Database
from polyspec.assets.language_pair import LanguagePair
from polyspec.assets.schema import MIGRATIONS
from polyspec.assets.segments import NewSegment, Origin
from polyspec.assets.translation_memory import TranslationMemory
from polyspec.errors import AssetError

PAIR = LanguagePair("en", "de")


def keep(database: Database, *sources: str) -> None:
    segments = [NewSegment(PAIR, source, "x") for source in sources]
    TranslationMemory(database).store(segments, Origin.MODEL)


def kept(path: Path) -> list[str]:
    with Database(path, pytest.fail) as database:
        return [one.source for one in TranslationMemory(database).segments()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "assets.sqlite3"


def test_it_is_made_when_it_is_needed_and_for_its_owner_only(path: Path) -> None:
    with Database(path, pytest.fail) as database:
        assert not path.exists()
        keep(database, "one")
        modes = {file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    if os.name == "posix":
        assert modes == {0o600}
    assert kept(path) == ["one"]


def test_what_only_reads_makes_and_changes_nothing(path: Path) -> None:
    with Database(path, pytest.fail, is_read_only=True) as database:
        assert TranslationMemory(database).search() == []
        with pytest.raises(ValueError, match="read only"):
            keep(database, "one")
    assert not path.parent.exists()
    with Database(path, pytest.fail) as database:
        keep(database, "one")
    before = path.read_bytes()
    with Database(path, pytest.fail, is_read_only=True) as database:
        assert len(TranslationMemory(database).search()) == 1
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_set_aside(path: Path) -> None:
    notes: list[str] = []
    for content in (b"no database" * 99, b"another" * 99):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        with Database(path, notes.append) as database:
            keep(database, "one")
    assert [("is damaged" in note, "new one" in note) for note in notes] == [
        (True, True)
    ] * 2
    assert kept(path) == ["one"]
    assert path.with_name("assets.sqlite3.damaged").read_bytes() == b"no database" * 99
    assert path.with_name("assets.sqlite3.damaged2").read_bytes() == b"another" * 99


def test_damage_inside_is_told_and_the_next_use_begins_anew(path: Path) -> None:
    with Database(path, pytest.fail) as database:
        keep(database, *(f"sentence number {number}" for number in range(500)))
    content = bytearray(path.read_bytes())
    content[5000:-100] = b"\xff" * (len(content) - 5100)
    path.write_bytes(content)
    notes: list[str] = []
    with Database(path, notes.append) as database:
        with pytest.raises(AssetError, match="damaged"):
            list(TranslationMemory(database).segments())
        keep(database, "one")
    assert len(notes) == 1
    assert kept(path) == ["one"]
    assert path.with_name("assets.sqlite3.damaged").read_bytes() == bytes(content)


def test_a_file_of_a_newer_program_is_left_alone(path: Path) -> None:
    with Database(path, pytest.fail) as database:
        keep(database, "one")
        database.read(
            lambda c: c.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        )
    for is_read_only in (False, True):
        with (
            Database(path, pytest.fail, is_read_only=is_read_only) as database,
            pytest.raises(AssetError, match="cannot be used"),
        ):
            TranslationMemory(database).search()


def test_a_full_disc_changes_nothing_and_says_so(path: Path) -> None:
    with Database(path, pytest.fail) as database:
        keep(database, "one")
        pages = database.select("PRAGMA page_count")[0][0]
        database.select(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(AssetError, match="cannot grow"):
            keep(database, *(f"{number} " * 900 for number in range(50)))
    assert kept(path) == ["one"]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with (
        Database(tmp_path / "file" / "assets.sqlite3", pytest.fail) as database,
        pytest.raises(AssetError, match="cannot be opened"),
    ):
        keep(database, "one")


def test_a_write_that_fails_half_way_is_undone(path: Path) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM segment")
        raise KeyboardInterrupt

    with Database(path, pytest.fail) as database:
        keep(database, "one")
        with pytest.raises(KeyboardInterrupt):
            database.write(fail)
    assert kept(path) == ["one"]


WRITER = """
    import sys
    from pathlib import Path
    from polyspec.assets.database import Database
    from polyspec.assets.language_pair import LanguagePair
    from polyspec.assets.segments import NewSegment, Origin
    from polyspec.assets.translation_memory import TranslationMemory

    path, name, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    memory = TranslationMemory(Database(path, sys.exit))
    for place in range(number):
        source = f"{name} wrote sentence number {place}"
        memory.store([NewSegment(LanguagePair("en", "de"), source, "x")], Origin.MODEL)
        print(place, flush=True)
"""


def start_writer(path: Path, name: str, number: int) -> "subprocess.Popen[str]":
    command = [
        sys.executable,
        "-c",
        textwrap.dedent(WRITER),
        str(path),
        name,
        str(number),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_several_processes_may_write_at_once(path: Path) -> None:
    writers = [start_writer(path, name, 60) for name in ("anna", "ben", "cleo")]
    for writer in writers:
        out, _ = writer.communicate(timeout=120)
        assert writer.returncode == 0
        assert len(out.split()) == 60
    assert len(kept(path)) == 180


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills with a signal")
@pytest.mark.parametrize("seed", range(4))
def test_a_kill_at_any_moment_loses_nothing_that_was_stored(
    path: Path, seed: int
) -> None:
    random = Random(seed)
    with start_writer(path, "anna", 100_000) as writer:
        assert writer.stdout is not None
        seen = [writer.stdout.readline() for _ in range(random.randint(1, 300))]
        writer.send_signal(signal.SIGKILL)
        # Not communicate(), which passes over what readline() has read ahead.
        seen += writer.stdout.readlines()
    with Database(path, pytest.fail) as database:
        stored = list(TranslationMemory(database).segments())
        assert database.select("PRAGMA integrity_check") == [("ok",)]
        numbers = database.select(
            "SELECT COUNT(*) FROM segment WHERE id NOT IN (SELECT segment_id FROM shingle)"
        )
    assert numbers == [(0,)]
    whole = [line for line in seen if line.endswith("\n")]
    assert len(whole) <= len(stored) <= len(whole) + 1
