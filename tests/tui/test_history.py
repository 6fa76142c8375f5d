"""What was translated: found again, put back into the panes, deleted, written to files."""

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from polyspec.errors import DocumentError, UsageError
from polyspec.languages import find_language
from polyspec.tui.app import PolySpecApp
from polyspec.tui.archive import (
    HISTORY,
    MEMORY,
    export_records,
    find_records,
    keep_by_hand,
)
from polyspec.tui.screens.ask import AskScreen
from polyspec.tui.screens.history import HistoryScreen
from polyspec.tui.screens.translate import TranslateScreen
from tests.fakes_tui import drive, keep_in_history, make_app, wait_until


async def open_history(pilot: Pilot[int], app: PolySpecApp) -> HistoryScreen:
    await pilot.press("f7")
    await wait_until(pilot, lambda: isinstance(app.screen, HistoryScreen))
    screen = app.screen
    assert isinstance(screen, HistoryScreen)
    return screen


def keep_two() -> None:
    keep_in_history("en", "fr", "Good morning.", "Bonjour.")
    keep_in_history("en", "de", "Good evening.", "Guten Abend.")


def test_a_translation_is_found_and_put_back() -> None:
    keep_two()
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_history(pilot, app)
        await wait_until(pilot, lambda: len(screen.records) == 2)
        await pilot.press(*"bonj")
        await wait_until(pilot, lambda: len(screen.records) == 1)
        await pilot.press("enter")
        await wait_until(pilot, lambda: isinstance(app.screen, TranslateScreen))
        panes = app.screen
        assert isinstance(panes, TranslateScreen)
        assert (panes.source.text, panes.target.text) == ("Good morning.", "Bonjour.")
        assert app.languages.target is not None
        assert app.languages.target.tag == "fr"

    drive(app, steps)


def test_an_entry_is_deleted() -> None:
    keep_two()
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_history(pilot, app)
        await wait_until(pilot, lambda: len(screen.records) == 2)
        await pilot.press("down", "f8")
        await wait_until(pilot, lambda: len(screen.records) == 1)
        assert [record.target_tag for record in find_records(HISTORY, "")] == ["de"]

    drive(app, steps)


def test_the_memory_is_the_other_list() -> None:
    pair = (find_language("en"), find_language("fr"))
    keep_by_hand(*pair, [("Good night.", "Bonne nuit.")])
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_history(pilot, app)
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: len(screen.records) == 1)
        assert screen.records[0].origin == "user"
        await pilot.press("f9")
        assert app.clipboard == "Bonne nuit."

    drive(app, steps)


def test_the_history_is_written_to_a_file(tmp_path: Path) -> None:
    keep_two()
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_history(pilot, app)
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: isinstance(app.screen, AskScreen))
        app.screen.query_one(Input).value = str(tmp_path / "all.csv")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "written" in screen.status.message)
        assert "Bonjour." in (tmp_path / "all.csv").read_text("utf-8")

    drive(app, steps)


@pytest.mark.parametrize(
    ("shelf", "name"),
    [(HISTORY, "a.jsonl"), (HISTORY, "a.tsv"), (MEMORY, "a.tmx"), (MEMORY, "a.csv")],
)
def test_each_list_has_its_formats(shelf: str, name: str, tmp_path: Path) -> None:
    keep_two()
    keep_by_hand(find_language("en"), find_language("fr"), [("Good.", "Bonjour.")])
    assert export_records(shelf, tmp_path / name) in (1, 2)
    assert "Bonjour." in (tmp_path / name).read_text("utf-8")
    with pytest.raises(DocumentError, match="there already"):
        export_records(shelf, tmp_path / name)


def test_an_export_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be written as a\.pdf"):
        export_records(HISTORY, tmp_path / "a.pdf")
    assert not list(tmp_path.iterdir())
