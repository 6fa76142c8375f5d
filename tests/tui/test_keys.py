"""Every key of every screen: on an empty screen it does no harm, and what it does."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.binding import Binding
from textual.command import CommandPalette
from textual.events import Key
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import DirectoryTree, OptionList, TextArea
from textual.worker import WorkerCancelled

from polyspec.paths import config_file, models_dir
from polyspec.prompting.interfaces import Completed, Piece
from polyspec.tui.app import PolySpecApp
from polyspec.tui.screens.browse import BrowseScreen
from polyspec.tui.screens.files import FilesScreen
from polyspec.tui.screens.help import HelpScreen
from polyspec.tui.screens.history import HistoryScreen
from polyspec.tui.screens.language_picker import LanguagePicker
from polyspec.tui.screens.models import ModelsScreen
from polyspec.tui.screens.plain_lines import PlainLinesScreen
from polyspec.tui.screens.settings import SettingsScreen
from polyspec.tui.screens.stories import StoriesScreen
from polyspec.tui.screens.translate import TranslateScreen
from tests.fakes_completer import FakeCompleter
from tests.fakes_tui import PaperMaker, drive, keep_in_history, make_app, wait_until
from tests.gguf_files import gguf

ROOMS: dict[type[Screen[Any]], str] = {
    TranslateScreen: "f2",
    StoriesScreen: "f3",
    FilesScreen: "f4",
    ModelsScreen: "f5",
    SettingsScreen: "f6",
    HistoryScreen: "f7",
}


def keys_of(owner: type[Any]) -> Iterator[str]:
    """Every key that is bound by a class of ours."""
    for binding in owner.BINDINGS:
        assert isinstance(binding, Binding)
        assert binding.id, "a key that no keymap can change"
        assert binding.tooltip, "a key that the help does not explain"
        yield from binding.key.split(",")


async def open_room(pilot: Pilot[int], app: PolySpecApp, room: type[Any]) -> Any:
    await wait_until(pilot, lambda: app.model_state.mood == "ready")
    await pilot.press(ROOMS[room])
    await wait_until(pilot, lambda: isinstance(app.screen, room))
    with contextlib.suppress(WorkerCancelled):  # a newer one does its work
        await app.workers.wait_for_complete()
    return app.screen


@pytest.mark.parametrize("room", ROOMS)
def test_no_key_does_harm_where_nothing_is_done_yet(room: type[Screen[Any]]) -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        await open_room(pilot, app, room)
        for key in keys_of(room):
            await pilot.press(key)
            await pilot.pause()
            while app.screen.is_modal:
                await pilot.press("escape")
                await pilot.pause()
            await pilot.press(ROOMS[room])
        assert isinstance(app.screen, room)
        assert app.is_running

    drive(app, steps)


def test_every_screen_has_its_key_and_the_last_one_leaves() -> None:
    app = make_app()
    known = {binding.key for binding in app.BINDINGS if isinstance(binding, Binding)}
    assert known == {*ROOMS.values(), "f1", "ctrl+q"}

    async def steps(pilot: Pilot[int]) -> None:
        for room in ROOMS:
            await open_room(pilot, app, room)
        await pilot.press("f1")
        await wait_until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("q")
        await wait_until(pilot, lambda: isinstance(app.screen, HistoryScreen))
        await pilot.press("ctrl+q")
        await wait_until(pilot, lambda: app.return_code is not None)

    drive(app, steps)
    assert app.return_code == 0


def test_the_palette_offers_what_keys_do() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        await open_room(pilot, app, TranslateScreen)
        commands = {command.title for command in app.get_system_commands(app.screen)}
        bindings = [*app.BINDINGS, *TranslateScreen.BINDINGS]
        # To stop is offered only while something runs.
        missing = {str(binding.tooltip) for binding in bindings} - commands  # type: ignore[union-attr]
        assert missing == {"Stop translating"}
        await pilot.press("ctrl+p")
        await wait_until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"leave", "enter")
        await wait_until(pilot, lambda: not isinstance(app.screen, CommandPalette))

    drive(app, steps)


def test_a_text_comes_from_a_file_and_goes_through_an_editor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("good day", "utf-8")
    monkeypatch.setattr(
        "polyspec.tui.outside.edit_text", lambda _app, text: f"{text} to you"
    )
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_room(pilot, app, TranslateScreen)
        await pilot.press("ctrl+o", *str(path), "enter")
        await wait_until(pilot, lambda: screen.source.text == "good day")
        await pilot.press("alt+e")
        await wait_until(pilot, lambda: screen.target.text == "GOOD DAY TO YOU")

    drive(app, steps)


def test_the_list_of_languages_is_walked_with_keys() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        await open_room(pilot, app, TranslateScreen)
        await pilot.press("ctrl+l")
        await wait_until(pilot, lambda: isinstance(app.screen, LanguagePicker))
        options = app.screen.query_one(OptionList)
        await wait_until(pilot, lambda: options.highlighted is not None)
        first = options.highlighted
        assert first is not None
        await pilot.press("down", "ctrl+j")
        assert options.highlighted == first + 2
        await pilot.press("up", "ctrl+k")
        assert options.highlighted == first
        # The languages of the last times come first.
        await pilot.press("down", "enter")
        await wait_until(pilot, lambda: not app.screen.is_modal)
        assert app.languages.target is not None
        assert app.languages.target.tag == "de"

    drive(app, steps)


@pytest.mark.parametrize("key", ["escape", "alt+p", "q"])
def test_plain_lines_close(key: str) -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_room(pilot, app, TranslateScreen)
        screen.target.show_text("GOOD DAY")
        await pilot.press("alt+p")
        await wait_until(pilot, lambda: isinstance(app.screen, PlainLinesScreen))
        await pilot.press(key)
        await wait_until(pilot, lambda: app.screen is screen)

    drive(app, steps)


def test_folders_are_walked_up_and_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_room(pilot, app, FilesScreen)
        await pilot.press("ctrl+o")
        await wait_until(pilot, lambda: isinstance(app.screen, BrowseScreen))
        tree = app.screen.query_one(DirectoryTree)
        await pilot.press("backspace")
        await wait_until(pilot, lambda: Path(tree.path) == tmp_path)
        await pilot.press("escape")
        await wait_until(pilot, lambda: app.screen is screen)
        assert not screen.items

    drive(app, steps)


class SlowWriter(FakeCompleter):
    """Writes one piece, and the rest when it is let."""

    def __init__(self) -> None:
        super().__init__(answer=lambda _: "Once upon a time there was a lamp.")
        self.gate = threading.Event()

    def _answer(self, index: int, request: Any) -> Iterator[Piece | Completed]:
        for number, event in enumerate(super()._answer(index, request)):
            if number == 1:
                self.gate.wait(10)
            yield event


def test_a_story_is_stopped_copied_and_told_in_another_language() -> None:
    writer = SlowWriter()
    app = make_app(PaperMaker(writer))

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_room(pilot, app, StoriesScreen)
        screen.query_one("#theme", TextArea).text = "a lamp"
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: screen.target.fresh_text == "Onc")
        await pilot.press("escape")
        await wait_until(pilot, lambda: not screen.is_writing)
        writer.gate.set()
        await wait_until(pilot, lambda: "stopped" in screen.status.message)
        await pilot.press("f9")
        assert app.clipboard.startswith("Onc")
        await pilot.press("ctrl+l")
        await wait_until(pilot, lambda: isinstance(app.screen, LanguagePicker))
        await pilot.press(*"german", "enter")
        await wait_until(pilot, lambda: app.screen is screen)
        assert screen._language.tag == "de"

    drive(app, steps)


def test_a_key_that_comes_when_the_program_ended_is_forgotten() -> None:
    app = make_app()

    async def leave(pilot: Pilot[int]) -> None:
        app.exit()

    drive(app, leave)
    asyncio.run(app.on_event(Key("f8", None)))


def test_a_model_is_used_and_folders_are_read_again() -> None:
    maker = PaperMaker()
    app = make_app(maker)

    async def steps(pilot: Pilot[int]) -> None:
        await open_room(pilot, app, ModelsScreen)
        path = models_dir() / "mine.gguf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gguf())
        await pilot.press("ctrl+r")
        options = app.screen.query_one(OptionList)
        await app.workers.wait_for_complete()
        names = [model.name for model in app.screen._models]  # type: ignore[attr-defined]
        options.highlighted = names.index("mine")
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: maker.opened[-1].model == "mine")

    drive(app, steps)


def test_a_record_is_marked_and_reused_with_keys() -> None:
    keep_in_history("en", "fr", "Good morning.", "Bonjour.")
    keep_in_history("en", "de", "Good night.", "Gute Nacht.")
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_room(pilot, app, HistoryScreen)
        await wait_until(pilot, lambda: len(screen.records) == 2)
        options = screen.query_one(OptionList)
        await wait_until(pilot, lambda: options.highlighted == 0)
        await pilot.press("down", "up", "down", "ctrl+r")
        await wait_until(pilot, lambda: isinstance(app.screen, TranslateScreen))
        translate = app.screen
        assert isinstance(translate, TranslateScreen)
        assert translate.source.text == screen.records[1].source
        assert translate.target.text == screen.records[1].translation

    drive(app, steps)


def test_settings_are_read_again() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_room(pilot, app, SettingsScreen)
        path = config_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('to = "sw"\n', "utf-8")
        await pilot.press("ctrl+r")
        await wait_until(
            pilot, lambda: any(line.value == "sw" for line in screen._lines)
        )

    drive(app, steps)
