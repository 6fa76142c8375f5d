"""The Settings screen, the keys of vim, themes and the user's keymap."""

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from polyspec.errors import SettingsError
from polyspec.paths import config_file
from polyspec.tui.app import PolySpecApp
from polyspec.tui.interface_file import (
    Interface,
    interface_path,
    read_interface,
    themes_dir,
)
from polyspec.tui.model_app import name_settings
from polyspec.tui.remembered import Remembered
from polyspec.tui.screens.ask import AskScreen
from polyspec.tui.screens.settings import SettingsScreen
from polyspec.tui.screens.translate import TranslateScreen
from polyspec.tui.settings_file import change_setting, parse_value
from polyspec.tui.widgets.key_line import KeyLine
from tests.fakes_tui import PaperMaker, drive, make_app, wait_until


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


async def open_settings(pilot: Pilot[int], app: PolySpecApp) -> SettingsScreen:
    await pilot.press("f6")
    await wait_until(pilot, lambda: isinstance(app.screen, SettingsScreen))
    screen = app.screen
    assert isinstance(screen, SettingsScreen)
    await wait_until(pilot, lambda: bool(screen._lines))
    return screen


async def change(
    pilot: Pilot[int], screen: SettingsScreen, key: str, value: str
) -> None:
    keys = [line.key for line in screen._lines]
    screen.query_one(OptionList).highlighted = keys.index(key)
    await pilot.press("enter")
    await wait_until(pilot, lambda: isinstance(screen.app.screen, AskScreen))
    screen.app.screen.query_one(Input).value = value
    await pilot.press("enter")
    await wait_until(pilot, lambda: screen.is_active)


def test_a_setting_is_changed_and_comments_stay() -> None:
    write(config_file(), '# mine\nto = "de"  # home\n')
    maker = PaperMaker()
    app = make_app(maker)

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_settings(pilot, app)
        await change(pilot, screen, "threads", "3")
        await wait_until(pilot, lambda: maker.opened[-1].threads == 3)
        await change(pilot, screen, "threads", "many")
        assert "threads" in screen.status.message

    drive(app, steps)
    text = config_file().read_text("utf-8")
    assert text == '# mine\nto = "de"  # home\nthreads = 3\n'


def test_an_empty_value_takes_the_setting_out() -> None:
    write(config_file(), '# mine\nto = "de"\nseed = 3\n')
    change_setting("seed", " ")
    assert config_file().read_text("utf-8") == '# mine\nto = "de"\n'


def test_a_value_that_is_not_allowed_changes_nothing() -> None:
    write(config_file(), 'to = "de"\n')
    with pytest.raises(SettingsError) as caught:
        change_setting("temperature", "hot")
    assert "temperature" in caught.value.problem
    assert config_file().read_text("utf-8") == 'to = "de"\n'


@pytest.mark.parametrize(
    ("typed", "value"),
    [("3", 3), ("0.5", 0.5), ("true", True), ("fr", "fr"), ('"3"', "3"), ("[1", "[1")],
)
def test_typed_values_become_those_of_toml(typed: str, value: object) -> None:
    assert parse_value(typed) == value


def test_vim_keys_are_switched_on_and_kept() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_settings(pilot, app)
        keys = [line.key for line in screen._lines]
        screen.query_one(OptionList).highlighted = keys.index("keys")
        await pilot.press("enter")
        await wait_until(pilot, lambda: read_interface().keys == "vim")
        await pilot.press("f2")
        assert isinstance(app.screen, TranslateScreen)
        source = app.screen.source
        await pilot.press(*"one two", "enter", *"three", "escape")
        assert source.border_title == "text · normal"
        # There ctrl+r is vim's, so the line of keys does not promise to swap.
        line = app.screen.query_one(KeyLine)
        await wait_until(pilot, lambda: "ctrl+r" not in [w.value for w in line.words])
        await pilot.press("g", "g", "d", "w")
        assert source.text == "two\nthree"
        await pilot.press("d", "d", "p", "u", "u")
        assert source.text == "two\nthree"
        await pilot.press("G", "o", *"four", "escape", "y", "y", "P", "0", "x")
        assert source.text == "two\nthree\nour\nfour"
        await pilot.press("A", "!")
        await wait_until(pilot, lambda: "ctrl+r" in [w.value for w in line.words])
        assert source.text.endswith("our!\nfour")

    drive(app, steps)


def test_a_theme_of_the_user_s_own_is_used() -> None:
    write(themes_dir() / "mine.toml", 'primary = "#ff0000"\n')
    write(themes_dir() / "wrong.toml", 'colour = "red"\n')
    app = make_app(theme="mine")

    async def steps(pilot: Pilot[int]) -> None:
        assert app.theme == "mine"
        await wait_until(
            pilot, lambda: any("wrong" in note.title for note in app._notifications)
        )
        app.theme = "polyspec-light"
        await wait_until(pilot, lambda: read_interface().theme == "polyspec-light")

    drive(app, steps)


def test_keys_can_be_changed() -> None:
    interface = Interface(keymap={"translate.swap": "f12"})
    app = PolySpecApp(PaperMaker(), interface, Remembered("en", "fr"))

    async def steps(pilot: Pilot[int]) -> None:
        await pilot.press("f12")
        await wait_until(pilot, lambda: app.languages.source.tag == "fr")

    drive(app, steps)


@pytest.mark.parametrize(
    "text", ["theme = 3", 'keys = "emacs"', "other = 1", "keymap = 1", "= broken"]
)
def test_a_wrong_interface_file_is_named(text: str) -> None:
    write(interface_path(), text)
    with pytest.raises(SettingsError) as caught:
        read_interface()
    assert str(interface_path()) in caught.value.problem


@pytest.mark.parametrize(
    ("remedy", "named"),
    [
        ("pass a smaller --ctx", "pass a smaller ctx (settings: f6)"),
        ("fewer --gpu-layers", "fewer gpu_layers (settings: f6)"),
        ("use polyspec models verify --all", "use polyspec models verify --all"),
    ],
)
def test_remedies_name_settings_in_place_of_flags(remedy: str, named: str) -> None:
    assert name_settings(remedy) == named
