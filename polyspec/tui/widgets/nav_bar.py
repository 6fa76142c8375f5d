"""The line at the top: where one is, and where one can go."""

from collections.abc import Iterable
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Label


class NavItem(Horizontal):
    """The key and the name of a screen."""

    def __init__(self, screen: str, title: str, key: str, *, is_current: bool) -> None:
        super().__init__(classes="-current" if is_current else "")
        self._screen = screen
        self._title = title
        self._key = key

    def compose(self) -> ComposeResult:
        yield Label(f"{self._key} ", classes="key")
        yield Label(self._title, classes="title")

    def on_click(self, event: Click) -> None:
        event.stop()
        self.post_message(NavBar.Picked(self._screen))


class NavBar(Horizontal):
    """Names all screens, marks the current one, and says how the model is."""

    state = reactive("")
    """What the model does, in a few words."""
    mood = reactive("")
    """`ready`, `busy` or `failed`."""

    @dataclass
    class Picked(Message):
        """A screen was clicked."""

        screen: str

    def __init__(self, items: Iterable[tuple[str, str, str]], current: str) -> None:
        super().__init__()
        self._items = tuple(items)
        self._current = current

    def compose(self) -> ComposeResult:
        yield Label("PolySpec", id="brand")
        for screen, title, key in self._items:
            yield NavItem(screen, title, key, is_current=screen == self._current)
        yield Label("", id="model-state", markup=False)

    def watch_state(self, state: str) -> None:
        if self.is_mounted:
            self.query_one("#model-state", Label).update(f"● {state}" if state else "")

    def watch_mood(self, old: str, new: str) -> None:
        if self.is_mounted:
            label = self.query_one("#model-state", Label)
            label.remove_class(f"-{old}").add_class(f"-{new}")

    def on_mount(self) -> None:
        self.watch_state(self.state)
        self.watch_mood("", self.mood)
