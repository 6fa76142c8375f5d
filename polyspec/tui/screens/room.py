"""What all main screens share: the top line, the status line and the keys."""

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.screen import Screen

from polyspec.errors import PolySpecError
from polyspec.tui.breathing import Breathing
from polyspec.tui.widgets.key_line import KeyLine
from polyspec.tui.widgets.nav_bar import NavBar
from polyspec.tui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from polyspec.tui.app import PolySpecApp
    from polyspec.tui.model_app import ModelState

ROOMS = (
    ("translate", "Translate", "F2"),
    ("stories", "Stories", "F3"),
    ("files", "Files", "F4"),
    ("models", "Models", "F5"),
    ("settings", "Settings", "F6"),
    ("history", "History", "F7"),
)
"""Name, title and key of each screen."""


class Room(Breathing, Screen[None]):
    """One of the main screens."""

    NAME: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        # It gets its styles as it is mounted. Textual would restyle all other screens.
        self._css_update_count = self.app._css_update_count

    @property
    def ui(self) -> "PolySpecApp":
        """The application, which owns the state."""
        return cast("PolySpecApp", self.app)

    @property
    def status(self) -> StatusLine:
        return self.query_one(StatusLine)

    def compose(self) -> ComposeResult:
        yield NavBar(ROOMS, self.NAME)
        yield from self.compose_room()
        yield StatusLine()
        yield KeyLine()

    def compose_room(self) -> ComposeResult:
        """What this screen has of its own."""
        yield from ()

    def on_mount(self) -> None:
        self.watch(self.app, "model_state", self.show_model_state)

    def show_model_state(self, state: "ModelState") -> None:
        """Show how the model is."""
        bar = self.query_one(NavBar)
        bar.state, bar.mood = state.text, state.mood

    def texts_to_keep(self) -> dict[str, str]:
        """The user's texts here that would be lost, by name."""
        return {}

    def show_problem(self, error: PolySpecError) -> None:
        """Show an error where the user looks, with what to do about it."""
        self.status.show_problem(error.problem)
        self.ui.explain(error)

    @on(NavBar.Picked)
    def go(self, event: NavBar.Picked) -> None:
        event.stop()
        self.ui.action_go(event.screen)

    @on(KeyLine.Pressed)
    def press(self, event: KeyLine.Pressed) -> None:
        event.stop()
        # From here the key would not come back to this screen: it does not bubble up
        # to whoever sent it.
        self.app.call_later(self.app.simulate_key, event.key)
