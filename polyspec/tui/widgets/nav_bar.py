"""The line at the top: where one is, and where one can go."""

from collections.abc import Iterable
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Label

from polyspec.tui.widgets.word_line import Word, WordLine

_WIDTH_FOR_KEYS = 90
_WIDTH_FOR_STATE = 68


class NavBar(Horizontal):
    """Names all screens, marks the current one, and says how the model is."""

    state = reactive("")
    """What the model does, in a few words."""
    mood = reactive("")
    """`ready`, `busy` or `failed`."""
    has_keys = reactive(True)
    """Whether there is room for the keys of the screens."""
    has_room = reactive(True)
    """Whether there is room for more of the model's state than its colour."""

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
        yield WordLine(self._words(), id="rooms")
        yield Label("", id="model-state", markup=False)

    def on_mount(self) -> None:
        self.watch_state(self.state)
        self.watch_mood("", self.mood)

    def on_resize(self, event: Resize) -> None:
        self.has_keys = event.size.width >= _WIDTH_FOR_KEYS
        self.has_room = event.size.width >= _WIDTH_FOR_STATE

    @on(WordLine.Clicked)
    def announce(self, event: WordLine.Clicked) -> None:
        event.stop()
        self.post_message(self.Picked(event.value))

    def watch_has_keys(self) -> None:
        if self.is_mounted:
            self.query_one("#rooms", WordLine).words = self._words()

    def watch_has_room(self) -> None:
        self.watch_state(self.state)

    def watch_state(self, state: str) -> None:
        if self.is_mounted:
            text = f"● {state}" if self.has_room else "●"
            self.query_one("#model-state", Label).update(text if state else "")

    def watch_mood(self, old: str, new: str) -> None:
        if self.is_mounted:
            label = self.query_one("#model-state", Label)
            label.remove_class(f"-{old}").add_class(f"-{new}")

    def _words(self) -> list[Word]:
        return [self._word(*item) for item in self._items]

    def _word(self, screen: str, title: str, key: str) -> Word:
        is_current = screen == self._current
        name = Content.assemble(
            " ",
            (f"{key} ", "$muted") if self.has_keys else "",
            title,
            " ",
        )
        if is_current:
            name = name.stylize_before("bold $foreground on $panel")
        return Word(name, screen)
