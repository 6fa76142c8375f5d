"""Settings: every value, where it comes from, and a way to change it."""

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from polyspec.errors import PolySpecError
from polyspec.tui.bindings import bind
from polyspec.tui.interface_file import KEY_STYLES, interface_path, write_choice
from polyspec.tui.screens.ask import AskScreen
from polyspec.tui.screens.room import Room
from polyspec.tui.settings_file import SettingLine, change_setting, read_settings
from polyspec.tui.widgets.preferences.meaning import Meaning

_OWN_FILE = "enter changes it in your own file; the file's comments stay"


class SettingList(OptionList):
    """All settings, one a line."""

    HELP = "All settings. Enter changes the marked one; an empty value takes it out."


class SettingsScreen(Room):
    """The list at the left, the meaning of the marked setting at the right."""

    NAME = "settings"
    AUTO_FOCUS = "#setting-list"
    BINDINGS = [
        bind("ctrl+t", "change", "Change", "Change the setting", "settings.change"),
        bind("ctrl+r", "reread", "Reread", "Read the files again", "settings.reread"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[SettingLine] = []

    def compose_room(self) -> ComposeResult:
        with Container(id="desk"):
            with Vertical(id="all") as box:
                box.border_title = "settings"
                yield SettingList(id="setting-list", compact=True)
            with VerticalScroll(id="meaning-side", can_focus=False) as side:
                side.border_title = "meaning"
                yield Meaning(id="meaning")

    def on_mount(self) -> None:
        super().on_mount()
        self.action_reread()

    @on(OptionList.OptionHighlighted)
    def explain(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        line = self._marked
        if line is not None:
            self.query_one(Meaning).facts = (
                ("setting", line.key),
                ("value", line.value or "not set"),
                ("from", line.origin),
                ("meaning", line.meaning),
                ("", _OWN_FILE),
            )

    @on(OptionList.OptionSelected)
    def change_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_change()

    def action_change(self) -> None:
        """Change the marked setting."""
        line = self._marked
        if line is None:
            return
        if line.key == "theme":
            self.app.action_change_theme()
        elif line.key == "keys":
            others = [style for style in KEY_STYLES if style != line.value]
            self._change_interface(line.key, others[0])
        else:
            self.app.push_screen(
                AskScreen(line.key, line.meaning, line.value),
                lambda typed: self._change(line, typed),
            )

    def action_reread(self) -> None:
        """Read the settings again."""
        self._read()

    @property
    def _marked(self) -> SettingLine | None:
        index = self.query_one(SettingList).highlighted
        return self._lines[index] if index is not None and self._lines else None

    def _change(self, line: SettingLine, typed: str | None) -> None:
        if typed is None or typed == line.value:
            return
        try:
            path = change_setting(line.key, typed)
        except PolySpecError as error:
            self.show_problem(error)
            return
        self.status.show(f"{line.key} is changed in {path}")
        self.ui.apply_setting(line.key)
        self.action_reread()

    def _change_interface(self, key: str, value: str) -> None:
        try:
            write_choice(key, value)
        except PolySpecError as error:
            self.show_problem(error)
            return
        self.status.show(f"{key} is changed in {interface_path()}")
        self.ui.use_keys(value)
        self.action_reread()

    @work(thread=True, exclusive=True)
    def _read(self) -> None:
        try:
            lines = read_settings()
        except PolySpecError as error:
            self.app.call_from_thread(self.show_problem, error)
        else:
            self.app.call_from_thread(self._show, lines)

    def _show(self, lines: list[SettingLine]) -> None:
        self._lines = [*self._interface_lines(), *lines]
        options = self.query_one(SettingList)
        marked = options.highlighted or 0
        options.clear_options()
        options.add_options(Option(_render(line)) for line in self._lines)
        options.highlighted = min(marked, len(self._lines) - 1)

    def _interface_lines(self) -> list[SettingLine]:
        origin = f"file {interface_path()}"
        return [
            SettingLine("theme", self.app.theme, origin, "Colours of the interface."),
            SettingLine(
                "keys",
                self.ui.interface.keys,
                origin,
                "Keys in the source pane: plain, or those of vim.",
            ),
        ]


def _render(line: SettingLine) -> Content:
    style = "$faint" if line.origin.startswith("default") else "$foreground"
    return Content.assemble(
        (f"{line.key:<20} ", "$muted"), (line.value or "not set", style)
    )
