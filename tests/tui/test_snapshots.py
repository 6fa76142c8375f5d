"""How the screens look, in both themes and at three sizes.

After a change that is meant: pytest tests/tui/test_snapshots.py --snapshot-update
"""

import time
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, TextArea

from polyspec.catalog.listing import ListedModel
from polyspec.tui.screens.history import HistoryScreen
from polyspec.tui.screens.models import ModelsScreen
from polyspec.tui.screens.settings import SettingsScreen
from polyspec.tui.screens.stories import StoriesScreen
from polyspec.tui.shelf import TableLine
from polyspec.tui.widgets.models.card import ModelCard
from tests.fakes_completer import FakeCompleter
from tests.fakes_tui import PaperMaker, keep_in_history, make_app, wait_until
from tests.tui.looks import (
    Compare,
    Size,
    in_every_look,
    settle,
    translate,
    wait_for_counts,
)


@pytest.fixture(autouse=True)
def _colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def make_listed(
    name: str,
    size_bytes: int | None,
    languages: str,
    *,
    path: str = "",
    is_verified: bool = True,
) -> ListedModel:
    """A model of no real catalogue, which grows and would change the pictures."""
    return ListedModel(
        name=name,
        is_installed=bool(path),
        is_verified=is_verified,
        is_damaged=False,
        size_bytes=size_bytes,
        path=path,
        role="target",
        licence="Apache-2.0",
        languages=languages,
        prompt_profile="chat",
        min_memory_bytes=2_000_000_000,
        draft="",
    )


@in_every_look
def test_translate(snap_compare: Compare, size: Size, theme: str) -> None:
    app = make_app(theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        await translate(pilot, app)

    assert snap_compare(app, terminal_size=size, run_before=steps)


@in_every_look
def test_drafter_panel(snap_compare: Compare, size: Size, theme: str) -> None:
    app = make_app(theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        await translate(pilot, app)
        await pilot.press("f8")
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=steps)


@in_every_look
def test_flagged_translation(snap_compare: Compare, size: Size, theme: str) -> None:
    answers = PaperMaker(FakeCompleter(answer=lambda text: text))
    app = make_app(answers, theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        await translate(pilot, app)

    assert snap_compare(app, terminal_size=size, run_before=steps)


@in_every_look
def test_terms_of_a_glossary(
    snap_compare: Compare, tmp_path: Path, size: Size, theme: str
) -> None:
    glossary = tmp_path / "terms.csv"
    glossary.write_text("en,fr\nlibrary,bibliothèque\ncard,carte\n", "utf-8")
    app = make_app(theme=theme, glossary=str(glossary))

    async def steps(pilot: Pilot[Any]) -> None:
        screen = await translate(pilot, app)
        await wait_until(pilot, lambda: bool(screen.source.get_line(0).spans))

    assert snap_compare(app, terminal_size=size, run_before=steps)


@in_every_look
def test_stories(snap_compare: Compare, size: Size, theme: str) -> None:
    story = "Once a keeper lit the lamp every night. "
    app = make_app(PaperMaker(FakeCompleter(answer=lambda _: story * 4)), theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        await pilot.press("f3")
        await wait_until(pilot, lambda: isinstance(app.screen, StoriesScreen))
        await settle(pilot, app)
        screen = app.screen
        assert isinstance(screen, StoriesScreen)
        screen.query_one("#theme", TextArea).text = "a lighthouse in winter"
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: "done" in screen.status.message)
        await wait_for_counts(pilot, app)
        screen.status.show("done in 2.0 s")
        screen.status.figures = ""

    assert snap_compare(app, terminal_size=size, run_before=steps)


@in_every_look
def test_files(snap_compare: Compare, size: Size, theme: str) -> None:
    app = make_app(theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        await pilot.press("f4")
        await settle(pilot, app)

    assert snap_compare(app, terminal_size=size, run_before=steps)


@in_every_look
def test_models(
    snap_compare: Compare,
    monkeypatch: pytest.MonkeyPatch,
    size: Size,
    theme: str,
) -> None:
    tables = (
        TableLine("fra.1", "French", 1_200_000, True),
        TableLine("yor.2", "Yoruba", 900_000, False),
    )
    models = (
        make_listed("qwen-1.5b", 1_117_320_768, "English, Chinese and others"),
        make_listed("tiny", 253_117_440, "many, weakly", path="tiny.gguf"),
        make_listed("large-12b", None, "over a hundred", is_verified=False),
    )
    monkeypatch.setattr("polyspec.tui.screens.models.read_tables", lambda _: tables)
    monkeypatch.setattr("polyspec.tui.screens.models.read_models", lambda: models)
    app = make_app(theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        await pilot.press("f5")
        await wait_until(pilot, lambda: isinstance(app.screen, ModelsScreen))
        await settle(pilot, app)
        card = app.screen.query_one(ModelCard)
        await wait_until(pilot, lambda: card.row is not None)
        await app.workers.wait_for_complete()
        await wait_until(pilot, lambda: card.tables is not None)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=steps)


@in_every_look
def test_settings(snap_compare: Compare, size: Size, theme: str) -> None:
    app = make_app(theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        await pilot.press("f6")
        await wait_until(pilot, lambda: isinstance(app.screen, SettingsScreen))
        await settle(pilot, app)
        options = app.screen.query_one(OptionList)
        await wait_until(pilot, lambda: options.option_count > 2)
        options.highlighted = 2
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=steps)


@in_every_look
def test_history(snap_compare: Compare, size: Size, theme: str) -> None:
    keep_in_history("en", "fr", "Good morning.", "Bonjour.")
    keep_in_history("en", "de", "The library opens at nine.", "Die Bibliothek …")
    app = make_app(theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        await pilot.press("f7")
        await wait_until(pilot, lambda: isinstance(app.screen, HistoryScreen))
        await settle(pilot, app)
        screen = app.screen
        assert isinstance(screen, HistoryScreen)
        await wait_until(pilot, lambda: len(screen.records) == 2)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=steps)
