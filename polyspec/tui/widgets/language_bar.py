"""From which language into which, with the exchange of both between them."""

from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Button

from polyspec.languages import Language


def describe_language(language: Language) -> str:
    """The language's own name, and the English one where that differs."""
    if language.native_name.casefold() == language.name.casefold():
        return language.name
    return f"{language.native_name} · {language.name}"


class LanguageBar(Horizontal):
    """Shows both languages; each is a button that opens the list."""

    HELP = (
        "Languages. The left one is that of the text, the right one that of the "
        "translation. The arrows between them exchange both, texts and all."
    )

    source: reactive[Language | None] = reactive(None)
    target: reactive[Language | None] = reactive(None)
    is_detected = reactive(False)
    """Whether the source language was told from the text."""

    @dataclass
    class Opened(Message):
        """A language is to be picked."""

        is_source: bool

    @dataclass
    class Swapped(Message):
        """Both languages are to change places."""

    def compose(self) -> ComposeResult:
        yield Button("", id="source-language", compact=True, tooltip="Language of text")
        yield Button("⇄", id="swap", compact=True, tooltip="Exchange both sides")
        yield Button("", id="target-language", compact=True, tooltip="Translate into")

    def on_mount(self) -> None:
        self._show("#source-language", self.source, self.is_detected)
        self._show("#target-language", self.target)

    def watch_source(self) -> None:
        if self.is_mounted:
            self._show("#source-language", self.source, self.is_detected)

    def watch_is_detected(self) -> None:
        self.watch_source()

    def watch_target(self, target: Language | None) -> None:
        if self.is_mounted:
            self._show("#target-language", target)

    @on(Button.Pressed)
    def announce(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "swap":
            self.post_message(self.Swapped())
        else:
            self.post_message(self.Opened(event.button.id == "source-language"))

    def _show(
        self, selector: str, language: Language | None, is_detected: bool = False
    ) -> None:
        name = "pick a language" if language is None else describe_language(language)
        if is_detected:
            name = f"detected: {name}"
        self.query_one(selector, Button).label = f"{name} ▾"
