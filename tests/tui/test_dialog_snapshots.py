"""How what lies over the screens looks, in both themes and at three sizes.

After a change that is meant: pytest tests/tui/test_dialog_snapshots.py --snapshot-update
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandList, CommandPalette
from textual.pilot import Pilot
from textual.widgets import DirectoryTree

from polyspec.errors import ModelError
from polyspec.prompting.interfaces import Completed, CompletionRequest, Piece
from polyspec.tui.screens.alternatives import AlternativesScreen
from polyspec.tui.screens.ask import AskScreen
from polyspec.tui.screens.browse import BrowseScreen
from polyspec.tui.screens.help import HelpScreen
from polyspec.tui.screens.language_picker import LanguagePicker
from polyspec.tui.screens.plain_lines import PlainLinesScreen
from polyspec.tui.screens.welcome import WelcomeScreen
from polyspec.tui.shelf import Suggestion
from tests.fakes_completer import FakeCompleter, own_text
from tests.fakes_tui import PaperMaker, make_app, wait_until
from tests.tui.looks import (
    Compare,
    Size,
    in_every_look,
    settle,
    stop_blinking,
    translate,
)


@pytest.fixture(autouse=True)
def _colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR")


class VariedCompleter(FakeCompleter):
    """Says a sentence in another way each time it is sampled, in a fixed order."""

    ways = ("La bibliothèque ouvre à neuf heures.", "À neuf heures, elle ouvre.")

    def _answer(
        self, index: int, request: CompletionRequest
    ) -> Iterator[Piece | Completed]:
        text = own_text(request).upper()
        self.answer = lambda _: (
            self.ways[index % 2] if request.sampling.temperature else text
        )
        return super()._answer(index, request)


@in_every_look
def test_alternatives(snap_compare: Compare, size: Size, theme: str) -> None:
    app = make_app(PaperMaker(VariedCompleter(num_places=1)), theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        screen = await translate(pilot, app)
        screen.target.focus()
        screen.target.move_cursor((0, 3))
        await pilot.press("ctrl+n")
        await wait_until(pilot, lambda: isinstance(app.screen, AlternativesScreen))
        asking = app.screen
        await wait_until(pilot, lambda: not asking.query_one("#state").display)
        stop_blinking(app)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=steps)


@in_every_look
def test_a_question(snap_compare: Compare, size: Size, theme: str) -> None:
    app = make_app(theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        await settle(pilot, app)
        await pilot.press("ctrl+o")
        await wait_until(pilot, lambda: isinstance(app.screen, AskScreen))
        await settle(pilot, app)

    assert snap_compare(app, terminal_size=size, run_before=steps)


@in_every_look
def test_browsing(
    snap_compare: Compare,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    size: Size,
    theme: str,
) -> None:
    folder = tmp_path / "letters"
    folder.mkdir()
    for name in ("first.txt", "second.docx", "third.srt"):
        (folder / name).touch()
    monkeypatch.chdir(folder)
    app = make_app(theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        await pilot.press("f4")
        await settle(pilot, app)
        await pilot.press("ctrl+o")
        await wait_until(pilot, lambda: isinstance(app.screen, BrowseScreen))
        tree = app.screen.query_one(DirectoryTree)
        await wait_until(pilot, lambda: len(tree.root.children) == 3)
        stop_blinking(app)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=steps)


@in_every_look
def test_language_picker(snap_compare: Compare, size: Size, theme: str) -> None:
    app = make_app(theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        await settle(pilot, app)
        await pilot.press("ctrl+l")
        await wait_until(pilot, lambda: isinstance(app.screen, LanguagePicker))
        await settle(pilot, app)

    assert snap_compare(app, terminal_size=size, run_before=steps)


@in_every_look
def test_help(snap_compare: Compare, size: Size, theme: str) -> None:
    app = make_app(theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        await settle(pilot, app)
        await pilot.press("f1")
        await wait_until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await settle(pilot, app)

    assert snap_compare(app, terminal_size=size, run_before=steps)


@in_every_look
def test_command_palette(snap_compare: Compare, size: Size, theme: str) -> None:
    app = make_app(theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        await settle(pilot, app)
        await pilot.press("ctrl+p")
        await wait_until(pilot, lambda: isinstance(app.screen, CommandPalette))
        commands = app.screen.query_one(CommandList)
        await wait_until(pilot, lambda: commands.option_count > 10)
        await app.workers.wait_for_complete()
        await settle(pilot, app)

    assert snap_compare(app, terminal_size=size, run_before=steps)


@in_every_look
@pytest.mark.parametrize("language", ["fr", "ar"])
def test_plain_lines(
    snap_compare: Compare, language: str, size: Size, theme: str
) -> None:
    said = {"fr": str.upper, "ar": lambda _: "تفتح المكتبة في الساعة 9 صباحا. "}
    app = make_app(PaperMaker(FakeCompleter(answer=said[language])), theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        app.use_languages("en", language)
        await translate(pilot, app)
        await pilot.press("alt+p")
        await wait_until(pilot, lambda: isinstance(app.screen, PlainLinesScreen))
        await settle(pilot, app)

    assert snap_compare(app, terminal_size=size, run_before=steps)


@in_every_look
def test_first_run(
    snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, size: Size, theme: str
) -> None:
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
    app = make_app(PaperMaker(error=error), theme=theme)

    async def steps(pilot: Pilot[Any]) -> None:
        await wait_until(pilot, lambda: isinstance(app.screen, WelcomeScreen))
        screen = app.screen
        assert isinstance(screen, WelcomeScreen)
        await wait_until(pilot, lambda: screen._suggestion is not None)
        await settle(pilot, app)

    assert snap_compare(app, terminal_size=size, run_before=steps)
