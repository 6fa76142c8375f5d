"""The application: owns the state, the model's thread and the way between screens."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import work
from textual.app import App, SystemCommand
from textual.reactive import reactive
from textual.screen import Screen
from textual.theme import Theme

from polyspec.errors import (
    EXIT_INTERRUPTED,
    ModelError,
    PolySpecError,
    SettingsError,
    UsageError,
)
from polyspec.languages import Language, find_language
from polyspec.tui.bindings import bind
from polyspec.tui.interface_file import Interface, themes_dir, write_choice
from polyspec.tui.outside import edit_text, keep_pasted, read_text_file
from polyspec.tui.pulling import (
    PullAdvanced,
    PullEnded,
    Puller,
    PullModel,
    PullState,
    pull_from_catalogue,
)
from polyspec.tui.remembered import Remembered, keep_remembered
from polyspec.tui.rescue import keep_text, take_text, write_report
from polyspec.tui.screens.room import ROOMS
from polyspec.tui.screens.translate import TranslateScreen
from polyspec.tui.shelf import has_models
from polyspec.tui.themes import DARK, THEME_DEFAULTS, add_themes
from polyspec.tui.worker import (
    Maker,
    ModelFacts,
    ModelFailed,
    ModelLoading,
    ModelReady,
    ModelWorker,
    WorkerCrashed,
)

if TYPE_CHECKING:
    from textual.driver import Driver

    from polyspec.settings import Settings


_LOADING_KEYS = frozenset(
    ("model", "gpu_layers", "threads", "ctx", "kv_type", "parallel", "exact")
)
"""Settings that a model is loaded with."""


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages in use."""

    source: Language
    target: Language | None


@dataclass(frozen=True, slots=True)
class ModelState:
    """How the model is, for the top line."""

    text: str = "starting"
    mood: str = "busy"


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


class PolySpecApp(App[int]):
    """The terminal interface. Its screens show and ask; it holds what they share."""

    TITLE = "PolySpec"
    CSS_PATH = Path(__file__).parent / "styles" / "app.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-medium"), (112, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (22, "-tall")]
    MODES = {
        "translate": TranslateScreen,
        "stories": _make_stories,
        "files": _make_files,
        "models": _make_models,
        "settings": _make_settings,
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

    languages: reactive[Languages] = reactive(
        lambda: Languages(find_language("en"), None)
    )
    model_state: reactive[ModelState] = reactive(ModelState())
    pull_state: reactive[PullState | None] = reactive(None)
    files_waiting: reactive[tuple[Path, ...]] = reactive(())
    """Files that the Files screen is to take over."""

    def __init__(
        self,
        maker: Maker,
        interface: Interface,
        remembered: Remembered,
        overrides: dict[str, Any] | None = None,
        *,
        pull: PullModel = pull_from_catalogue,
        driver: "type[Driver] | None" = None,
    ) -> None:
        super().__init__(driver_class=driver)
        self.interface = interface
        self.overrides = dict(overrides or {})
        self.facts: ModelFacts | None = None
        self.rates: dict[str, float] = {}
        self.worker = ModelWorker(self.post_message, maker)
        self.puller = Puller(self.post_message, pull)
        self._remembered = remembered
        self._num_runs = 0
        self.set_reactive(PolySpecApp.languages, self._first_languages())
        self.farewell: list[str] = []
        """Lines to print when the terminal is free again."""
        self._problems = add_themes(self, themes_dir())
        self.theme = (
            interface.theme if interface.theme in self.available_themes else DARK
        )

    def add_problem(self, problem: SettingsError) -> None:
        """Have a problem of the start shown when there is a screen."""
        self._problems.append(problem)

    def on_mount(self) -> None:
        self.set_keymap(self.interface.keymap)
        self.theme_changed_signal.subscribe(self, self._keep_theme)
        self.use_keys(self.interface.keys)
        self._heed_signals()
        self.call_after_refresh(self._start)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return THEME_DEFAULTS

    # The model

    def load_model(self, name: str | None = None) -> None:
        """Load the model of the settings, or another one for this run."""
        if name is not None:
            self.overrides["model"] = name
        self.facts = None
        self.model_state = ModelState("loading", "busy")
        self.worker.load(self.settings)

    def switch_drafter(self, name: str) -> None:
        """Let another drafter draft, for this run of the program."""
        self.overrides["draft"] = name
        self.model_state = ModelState(f"drafting: {name}", "busy")
        self.worker.switch_drafter(self.settings)

    def settings(self) -> "Settings":
        """The settings in effect; also called in the model's thread."""
        from polyspec.settings import load_settings

        return load_settings(dict(self.overrides))

    def apply_setting(self, key: str) -> None:
        """Let a setting that was changed in its file take effect."""
        self.overrides.pop("from_" if key == "from" else key, None)
        if key in _LOADING_KEYS:
            self.load_model()
        elif self.facts is not None:
            self.worker.switch_drafter(self.settings)

    def use_keys(self, style: str) -> None:
        """Answer to plain keys or to those of vim."""
        self.interface = replace(self.interface, keys=style)
        self._translate_screen().source.has_vim_keys = style == "vim"

    def next_run(self) -> int:
        """A number that no earlier run has."""
        self._num_runs += 1
        return self._num_runs

    def note_rate(self, rate: float) -> None:
        """Keep how fast the latest run was, by the drafter that was set."""
        if self.facts is not None and rate:
            self.rates[self.facts.draft_setting] = rate

    def memory_bytes(self) -> int:
        """Memory that the program takes."""
        import psutil

        return int(psutil.Process().memory_info().rss)

    def on_model_loading(self, event: ModelLoading) -> None:
        self.model_state = ModelState(event.note or "loading", "busy")

    def on_model_ready(self, event: ModelReady) -> None:
        self.facts = event.facts
        if self.languages.target is None and event.facts.default_target:
            target = find_language(event.facts.default_target)
            self.languages = replace(self.languages, target=target)
        self.model_state = ModelState(event.facts.name, "ready")

    def on_model_failed(self, event: ModelFailed) -> None:
        if event.is_loaded:
            self.model_state = ModelState(
                self.facts.name if self.facts else "model", "ready"
            )
        else:
            self.facts = None
            self.model_state = ModelState("no model", "failed")
        if isinstance(event.error, ModelError) and not has_models():
            self.welcome()
        else:
            self.explain(event.error)

    def on_worker_crashed(self, event: WorkerCrashed) -> None:
        report = write_report(event.error)
        self.explain(
            PolySpecError(
                "something went wrong inside",
                cause=type(event.error).__name__,
                remedy=f"send the report {report}, which holds no text of yours",
            )
        )

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

    def on_pull_advanced(self, event: PullAdvanced) -> None:
        self.pull_state = event.state

    def on_pull_ended(self, event: PullEnded) -> None:
        self.pull_state = None
        if event.error is not None:
            self.explain(event.error)
        elif event.is_stopped:
            self.notify(f"{event.name}: stopped; fetching it again goes on from there")
        else:
            self.notify(f"{event.name} is installed")
            if self.facts is None:
                self.load_model(event.name)

    def explain(self, error: PolySpecError) -> None:
        """Show an error with what to do about it."""
        lines = (error.cause, f"→ {error.remedy}" if error.remedy else "")
        self.notify(
            "\n".join(filter(None, lines)),
            title=error.problem,
            severity="error",
            timeout=12,
            markup=False,
        )

    # Languages

    def pick_language(
        self, is_source: bool, then: Callable[[Language], object]
    ) -> None:
        """Let the user pick one, and go on with it."""
        languages = self.languages

        def take(language: Language) -> None:
            self._use_language(language, is_source)
            then(language)

        if is_source:
            self.ask_language("Language of the text", languages.source, take)
        else:
            self.ask_language("Translate into", languages.target, take)

    def ask_language(
        self, title: str, current: Language | None, then: Callable[[Language], object]
    ) -> None:
        """Show the list of languages and hand on what is picked."""
        from polyspec.tui.screens.language_picker import LanguagePicker

        picker = LanguagePicker(
            title,
            [find_language(tag) for tag in self._remembered.recent],
            current.tag if current else "",
        )

        def take(language: Language | None) -> None:
            if language is not None:
                then(language)

        self.push_screen(picker, take)

    def swap_languages(self) -> None:
        """Translate back: each language takes the place of the other."""
        languages = self.languages
        if languages.target is not None:
            self._set_languages(
                Languages(languages.target, languages.source), languages.target
            )

    def _use_language(self, language: Language, is_source: bool) -> None:
        old = self.languages
        if is_source and old.target is not None and language.tag == old.target.tag:
            new = Languages(language, old.source)
        elif is_source:
            new = Languages(language, old.target)
        elif language.tag == old.source.tag and old.target is not None:
            new = Languages(old.target, language)
        else:
            new = Languages(old.source, language)
        self._set_languages(new, language)

    def _set_languages(self, languages: Languages, picked: Language) -> None:
        self.languages = languages
        target = languages.target.tag if languages.target else ""
        self._remembered = self._remembered.with_languages(
            languages.source.tag, target, picked.tag
        )
        self._keep(self._remembered)

    def _keep_theme(self, theme: Theme) -> None:
        if theme.name == (self.interface.theme or DARK):
            return
        self.interface = replace(self.interface, theme=theme.name)
        try:
            write_choice("theme", theme.name)
        except SettingsError as error:
            self.explain(error)

    @work(thread=True, group="remembered", exclusive=True)
    def _keep(self, remembered: Remembered) -> None:
        keep_remembered(remembered)

    def _first_languages(self) -> Languages:
        source = str(self.overrides.get("from_") or self._remembered.source)
        target = str(self.overrides.get("to") or self._remembered.target)
        try:
            return Languages(
                find_language(source), find_language(target) if target else None
            )
        except UsageError:
            return Languages(find_language("en"), None)

    def ask_for_text(self, then: Callable[[str], object]) -> None:
        """Ask for a text file and hand on what is in it."""
        from polyspec.tui.screens.ask import AskScreen

        def read(path: str | None) -> None:
            if path:
                try:
                    then(read_text_file(path))
                except PolySpecError as error:
                    self.explain(error)

        self.push_screen(AskScreen("Open a text file", "path of the file"), read)

    def queue_long_text(self, text: str) -> None:
        """Put a text that is too long for a pane among the files."""
        try:
            self.files_waiting = (*self.files_waiting, keep_pasted(text))
        except PolySpecError as error:
            self.explain(error)
        else:
            self.action_go("files")

    def edit_outside(self, text: str) -> str | None:
        """Let the user's editor change a text; None where that did not work."""
        try:
            return edit_text(self, text)
        except PolySpecError as error:
            self.explain(error)
            return None

    # The way around

    def action_go(self, room: str) -> None:
        """Show another screen."""
        if room in self._modes and not self._is_asking():
            self.switch_mode(room)

    def action_help(self) -> None:
        """Explain what has the focus, and list the keys."""
        from polyspec.tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen.about(self.screen))

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
        self.load_model()
        self.worker.start()
        for problem in self._problems:
            self.explain(problem)
        text = take_text()
        if text:
            self._translate_screen().put_back(text)

    # The end

    def _heed_signals(self) -> None:
        """Leave properly when the terminal closes or the system asks."""
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            # Neither Windows nor a thread other than the main one has them.
            with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
                if number is not None:
                    loop.add_signal_handler(number, self._leave_in_haste)

    def _leave_in_haste(self) -> None:
        self._rescue_text()
        self.exit(EXIT_INTERRUPTED)

    def _rescue_text(self) -> None:
        path = keep_text(self._translate_screen().source.text)
        if path is not None:
            self.farewell.append("your text is kept and comes back at the next start")

    def _fatal_error(self) -> None:
        """End after a mistake of the program, with a report but without the text."""
        error = self._exception
        report = write_report(error) if error is not None else None
        with contextlib.suppress(Exception):  # whatever is broken, go on to the end
            self._rescue_text()
        kind = type(error).__name__
        self.farewell.insert(0, f"internal error: {kind}")
        if report is not None:
            self.farewell.append(f"a report without your text is in {report}")
        self._return_code = 1
        self._close_messages_no_wait()

    def _translate_screen(self) -> TranslateScreen:
        (screen,) = (
            screen
            for stack in self._screen_stacks.values()
            for screen in stack
            if isinstance(screen, TranslateScreen)
        )
        return screen
