"""The application: owns the state, the model's thread and the way between screens."""

import gc
import re
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import work
from textual.app import SystemCommand
from textual.events import Event, InputEvent, Key, MouseDown
from textual.screen import Screen
from textual.theme import Theme

from polyspec.errors import SettingsError
from polyspec.tui.bindings import bind
from polyspec.tui.heap import spare_heap, tidy_heap
from polyspec.tui.interface_file import Interface, themes_dir, write_choice
from polyspec.tui.outside_app import OutsideApp
from polyspec.tui.remembered import Remembered
from polyspec.tui.screens.room import ROOMS, Room
from polyspec.tui.screens.translate import TranslateScreen
from polyspec.tui.stylesheet import KeptStylesheet
from polyspec.tui.themes import (
    DARK,
    THEME_DEFAULTS,
    add_themes,
    start_with_theme,
)

if TYPE_CHECKING:
    from textual.driver import Driver

    from polyspec.tui.making import Maker
    from polyspec.tui.pulling import PullModel

_STYLES = Path(__file__).parent / "styles"
_COMMAND_KEY = re.compile(r"f\d|ctrl\+|alt\+|escape$")
_REST_S = 0.15
"""The model rests for so long while a screen is opened."""
_TIDY_S = 1.0
_IDLE_S = 3.0
"""So long after the last key nobody waits for anything."""


def _make_stories() -> Screen[None]:
    from polyspec.tui.screens.stories import StoriesScreen

    return StoriesScreen()


def _make_models() -> Screen[None]:
    from polyspec.tui.screens.models import ModelsScreen

    return ModelsScreen()


def _make_files() -> Screen[None]:
    from polyspec.tui.screens.files import FilesScreen

    return FilesScreen()


def _make_settings() -> Screen[None]:
    from polyspec.tui.screens.settings import SettingsScreen

    return SettingsScreen()


def _make_history() -> Screen[None]:
    from polyspec.tui.screens.history import HistoryScreen

    return HistoryScreen()


class PolySpecApp(OutsideApp):
    """The terminal interface. Its screens show and ask; it holds what they share."""

    TITLE = "PolySpec"
    CSS_PATH = [_STYLES / "app.tcss", _STYLES / "translate.tcss"]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-medium"), (112, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (22, "-tall")]
    MODES = {
        "translate": TranslateScreen,
        "stories": _make_stories,
        "files": _make_files,
        "models": _make_models,
        "settings": _make_settings,
        "history": _make_history,
    }
    DEFAULT_MODE = "translate"
    BINDINGS = [
        bind(
            "f1",
            "help",
            "Help",
            "Explain this, and list the keys",
            "app.help",
            priority=True,
        ),
        *(
            bind(
                key.lower(),
                f"go('{room}')",
                title,
                f"Go to {title}",
                f"app.{room}",
                show=False,
                priority=True,
            )
            for room, title, key in ROOMS
        ),
        bind("ctrl+q", "leave", "Quit", "Leave PolySpec", "app.quit", priority=True),
    ]

    def __init__(
        self,
        maker: "Maker",
        interface: Interface,
        remembered: Remembered,
        overrides: dict[str, Any] | None = None,
        *,
        pull: "PullModel | None" = None,
        driver: "type[Driver] | None" = None,
    ) -> None:
        super().__init__(maker, pull, dict(overrides or {}), driver)
        self._touched_s = 0.0
        """When a key or the mouse was last used."""
        self.stylesheet = KeptStylesheet(variables=self.get_css_variables())
        self.interface = interface
        self.texts_back: dict[str, str] = {}
        """Texts of a run that ended badly, until their screens take them."""
        self.start_with_languages(remembered)
        self._problems = add_themes(self, themes_dir())
        start_with_theme(
            self, interface.theme if interface.theme in self.available_themes else DARK
        )

    def add_problem(self, problem: SettingsError) -> None:
        """Have a problem of the start shown when there is a screen."""
        self._problems.append(problem)

    def on_mount(self) -> None:
        self.set_keymap(self.interface.keymap)
        self.theme_changed_signal.subscribe(self, self._keep_theme)
        self.use_keys(self.interface.keys)
        self.heed_signals()
        self.call_after_refresh(self._start)

    async def on_event(self, event: Event) -> None:
        if isinstance(event, InputEvent):
            self._touched_s = time.monotonic()
            if self._screen_stack and self._changes_screen(event):
                await self.worker.rest(_REST_S)
            if not self._screen_stack:  # the program ended meanwhile
                return
        await super().on_event(event)

    def _changes_screen(self, event: InputEvent) -> bool:
        """Whether much may have to be drawn for it: not so for what is typed."""
        if isinstance(event, Key):
            return self.screen.is_modal or _COMMAND_KEY.match(event.key) is not None
        return isinstance(event, MouseDown)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return THEME_DEFAULTS

    def texts_to_keep(self) -> dict[str, str]:
        texts = dict(self.texts_back)
        for stack in self._screen_stacks.values():
            for screen in stack:
                if isinstance(screen, Room):
                    texts |= screen.texts_to_keep()
        return texts

    def use_keys(self, style: str) -> None:
        """Answer to plain keys or to those of vim."""
        self.interface = replace(self.interface, keys=style)
        self._translate_screen().source.has_vim_keys = style == "vim"

    def welcome(self) -> None:
        """Lead somebody who has no model yet."""
        from polyspec.tui.screens.welcome import WelcomeScreen

        def go_on(choice: str | None) -> None:
            if choice == "models":
                self.action_go("models")
            elif choice is not None:
                self.puller.start(choice)
                self.action_go("models")

        if not self._is_asking():
            self.push_screen(WelcomeScreen(), go_on)

    def _keep_theme(self, theme: Theme) -> None:
        if theme.name == (self.interface.theme or DARK):
            return
        self.interface = replace(self.interface, theme=theme.name)
        try:
            write_choice("theme", theme.name)
        except SettingsError as error:
            self.explain(error)

    def reuse(self, source_tag: str, target_tag: str, text: str, other: str) -> None:
        """Go on with a text that was translated before, and with its translation."""
        self.use_languages(source_tag, target_tag)
        self.action_go("translate")
        self._translate_screen().put_both(text, other)

    # The way around

    def action_go(self, room: str) -> None:
        """Show another screen."""
        if room in self._modes and not self._is_asking():
            is_new = room not in self._screen_stacks
            self._read_styles()
            self.switch_mode(room)
            if is_new:
                self.call_after_refresh(spare_heap)

    def action_help(self) -> None:
        """Explain what has the focus, and list the keys."""
        from polyspec.tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen.about(self.screen))

    def action_command_palette(self) -> None:
        """Open the list of all commands."""
        from polyspec.tui.commands import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def action_leave(self) -> None:
        """Leave the program."""
        self.exit(0)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Everything that a key does on this screen, and the theme."""
        from polyspec.tui.commands import list_commands

        yield from list_commands(self, screen)

    def _is_asking(self) -> bool:
        return self.screen.is_modal

    def _start(self) -> None:
        """Go on with what can wait until the first frame stands."""
        spare_heap()
        gc.enable()
        self._read_styles()
        self.load_model()
        self.worker.start()
        self._import_ahead()
        for problem in self._problems:
            self.explain(problem)
        self.set_interval(_TIDY_S, self._tidy)
        self.texts_back = self.keeper.take()
        self._translate_screen().take_back(self.texts_back)
        self.keep_texts_from_now_on()

    def _tidy(self) -> None:
        """Collect garbage when nobody waits."""
        is_idle = time.monotonic() - self._touched_s > _IDLE_S
        is_working = self.worker.is_busy or self.model_state.mood == "busy"
        tidy_heap(is_quiet=is_idle and not is_working)

    def _read_styles(self) -> None:
        """Have the styles of all screens: each read later would restyle the rest."""
        for path in sorted(_STYLES.glob("*.tcss")):
            if not self.stylesheet.has_source(str(path), ""):
                self.stylesheet.read(path)

    @work(thread=True, group="imports")
    def _import_ahead(self) -> None:
        """Have what is needed soon; to read it then would be felt."""
        import polyspec.catalog.adapters
        import polyspec.catalog.listing
        import polyspec.tables.store
        import polyspec.tui.commands
        import polyspec.tui.jobs
        import polyspec.tui.screens.files
        import polyspec.tui.screens.help
        import polyspec.tui.screens.history
        import polyspec.tui.screens.models
        import polyspec.tui.screens.settings
        import polyspec.tui.screens.stories
        import polyspec.tui.widgets.drafters.panel  # noqa: F401

        spare_heap()

    def _translate_screen(self) -> TranslateScreen:
        (screen,) = (
            screen
            for stack in self._screen_stacks.values()
            for screen in stack
            if isinstance(screen, TranslateScreen)
        )
        return screen
