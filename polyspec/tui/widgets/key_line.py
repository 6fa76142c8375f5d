"""The line at the bottom: the keys that work now."""

from dataclasses import dataclass

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.screen import Screen

from polyspec.tui.widgets.word_line import Word, WordLine

_PALETTE = "command_palette"
_HELP = "help"


class KeyLine(WordLine):
    """Shows the keys of the screen and of what has the focus; a click presses one."""

    @dataclass
    class Pressed(Message):
        """A key was clicked."""

        key: str

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._take_bindings)

    def _take_bindings(self, screen: Screen[object]) -> None:
        if self.is_attached and screen is self.screen:
            self.call_after_refresh(self._show_keys)

    def _show_keys(self) -> None:
        if not self.is_attached:  # the screen is gone by now
            return
        screen = self.screen
        # A pane with the keys of vim uses some for itself.
        taken: frozenset[str] = getattr(screen.focused, "taken_keys", frozenset())
        seen = set()
        words: list[Word] = []
        palette = None
        for _, binding, is_enabled, tooltip in screen.active_bindings.values():
            if binding.action.endswith(_PALETTE):
                palette = binding
            if not binding.show or binding.action in seen or binding.key in taken:
                continue
            seen.add(binding.action)
            label = self._label(screen, binding, is_enabled=is_enabled)
            word = Word(label, binding.key, tooltip or binding.description)
            # What says what all the others are for comes first, so that it always fits.
            words.insert(0 if binding.action == _HELP else len(words), word)
        self.words = words
        if palette is not None:
            label = self._label(screen, palette, is_enabled=True)
            self.last = Word(label, palette.key, "Everything that can be done")

    @on(WordLine.Clicked)
    def announce(self, event: WordLine.Clicked) -> None:
        event.stop()
        self.post_message(self.Pressed(event.value))

    def _label(
        self, screen: Screen[object], binding: Binding, *, is_enabled: bool
    ) -> Content:
        key = screen.app.get_key_display(binding)
        style = "" if is_enabled else "dim"
        return Content.assemble(
            (key, f"bold $footer-key-foreground {style}".strip()),
            (f" {binding.description} ", f"$footer-description-foreground {style}"),
        )
