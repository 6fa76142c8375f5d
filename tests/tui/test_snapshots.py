"""How the screens look, in both themes and at three sizes.

After a change that is meant: pytest tests/tui/test_snapshots.py --snapshot-update
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, TextArea

from polyspec.catalog.listing import ListedModel
from polyspec.errors import ModelError
from polyspec.tui.app import PolySpecApp
from polyspec.tui.screens.history import HistoryScreen
from polyspec.tui.screens.language_picker import LanguagePicker
from polyspec.tui.screens.models import ModelsScreen
from polyspec.tui.screens.settings import SettingsScreen
from polyspec.tui.screens.stories import StoriesScreen
from polyspec.tui.screens.translate import TranslateScreen
from polyspec.tui.screens.welcome import WelcomeScreen
from polyspec.tui.shelf import Suggestion, TableLine
from polyspec.tui.widgets.models.card import ModelCard
from tests.fakes_completer import FakeCompleter
from tests.fakes_tui import PaperMaker, keep_in_history, make_app, wait_until

Compare = Callable[..., bool]
Steps = Callable[[Pilot[Any]], Awaitable[None]]

TEXT = "The library opens at nine. Bring your card.\n\nOn Sundays it stays closed."
SMALL, NORMAL, LARGE = (60, 20), (80, 24), (120, 40)
DARK, LIGHT = "polyspec-dark", "polyspec-light"
EVERY_LOOK = [
    (size, theme) for size in (SMALL, NORMAL, LARGE) for theme in (DARK, LIGHT)
]
SOME_LOOKS = [(SMALL, DARK), (NORMAL, LIGHT), (LARGE, DARK)]


@pytest.fixture(autouse=True)
def _colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR")


async def settle(pilot: Pilot[Any], app: PolySpecApp) -> None:
    """Have nothing blink, and wait for the model."""
    await wait_until(pilot, lambda: app.model_state.mood != "busy")
    for area in app.screen.query(TextArea):
        area.cursor_blink = False
    for field in app.screen.query(Input):
        field.cursor_blink = False
    await pilot.pause()


async def translate(pilot: Pilot[Any], app: PolySpecApp) -> TranslateScreen:
    """Translate a text, with figures that are the same everywhere."""
    screen = app.screen
    assert isinstance(screen, TranslateScreen)
    await settle(pilot, app)
    screen.source.put_in(TEXT)
    await pilot.press("ctrl+t")
    await wait_until(pilot, lambda: "done" in screen.status.message)
    assert screen.figures is not None
    screen.figures.elapsed_s = 2.0
    app.rates = {"auto": screen.figures.rate}
    screen.show_figures()
    screen.status.show("done in 2.0 s")
    screen.status.figures = screen.figures.describe()
    return screen


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


@pytest.mark.parametrize(("size", "theme"), EVERY_LOOK)
def test_translate(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    app = make_app(theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        await translate(pilot, app)

    assert snap_compare(app, terminal_size=size, run_before=steps)


@pytest.mark.parametrize(("size", "theme"), SOME_LOOKS)
def test_drafter_panel(
    snap_compare: Compare, size: tuple[int, int], theme: str
) -> None:
    app = make_app(theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        await translate(pilot, app)
        await pilot.press("f8")
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=steps)


def test_flagged_translation(snap_compare: Compare) -> None:
    app = make_app(PaperMaker(FakeCompleter(answer=lambda text: text)))

    async def steps(pilot: Pilot[Any]) -> None:
        await translate(pilot, app)

    assert snap_compare(app, terminal_size=NORMAL, run_before=steps)


@pytest.mark.parametrize(("size", "theme"), SOME_LOOKS)
def test_stories(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
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
        screen.status.show("done in 2.0 s")
        screen.status.figures = ""

    assert snap_compare(app, terminal_size=size, run_before=steps)


@pytest.mark.parametrize(("size", "theme"), SOME_LOOKS)
def test_files(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    app = make_app(theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        await pilot.press("f4")
        await settle(pilot, app)

    assert snap_compare(app, terminal_size=size, run_before=steps)


@pytest.mark.parametrize(("size", "theme"), SOME_LOOKS)
def test_models(
    snap_compare: Compare,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
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


@pytest.mark.parametrize(("size", "theme"), SOME_LOOKS)
def test_settings(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
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


@pytest.mark.parametrize(("size", "theme"), SOME_LOOKS)
def test_history(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
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


def test_language_picker(snap_compare: Compare) -> None:
    app = make_app()

    async def steps(pilot: Pilot[Any]) -> None:
        await settle(pilot, app)
        await pilot.press("ctrl+l")
        await wait_until(pilot, lambda: isinstance(app.screen, LanguagePicker))
        await settle(pilot, app)

    assert snap_compare(app, terminal_size=NORMAL, run_before=steps)


def test_help(snap_compare: Compare) -> None:
    app = make_app(theme=LIGHT)

    async def steps(pilot: Pilot[Any]) -> None:
        await settle(pilot, app)
        await pilot.press("f1")
        await pilot.pause()

    assert snap_compare(app, terminal_size=NORMAL, run_before=steps)


def test_first_run(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    suggestion = Suggestion(
        "tiny",
        "tiny is the best verified model for this machine",
        1_117_320_768,
        "Apache-2.0",
        "",
        "English and French",
    )
    monkeypatch.setattr(
        "polyspec.tui.screens.welcome.suggest_model", lambda: suggestion
    )
    error = ModelError("no model is installed", remedy="polyspec models pull")
    app = make_app(PaperMaker(error=error))

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_until(pilot, lambda: isinstance(app.screen, WelcomeScreen))
        screen = app.screen
        assert isinstance(screen, WelcomeScreen)
        for area in app.screen_stack[0].query(TextArea):
            area.cursor_blink = False
        await wait_until(pilot, lambda: screen._suggestion is not None)
        await pilot.pause()

    assert snap_compare(app, terminal_size=NORMAL, run_before=steps)
