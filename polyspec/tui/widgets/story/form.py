"""The wishes for a story: theme, language, length, temperature."""

from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.reactive import reactive
from textual.validation import Integer, Number
from textual.widgets import Button, Input, Label, TextArea

MAX_WORDS = 5000


@dataclass(frozen=True, slots=True)
class StoryWish:
    """What was asked for."""

    theme: str
    num_words: int
    temperature: float


class StoryForm(Vertical):
    """Takes the wishes. Knows nothing of models."""

    HELP = (
        "What the story is about, how long it is to be, and how freely words are "
        "drawn: 0 takes the likeliest, 1 surprises, above 1.3 it rambles."
    )

    language_name = reactive("")

    @dataclass
    class LanguageWanted(Message):
        """The list of languages is to be opened."""

    @dataclass
    class Wished(Message):
        """The story is to be written now."""

    def __init__(self) -> None:
        super().__init__(id="wishes")
        self.border_title = "wishes"

    def compose(self) -> ComposeResult:
        yield Label("theme", classes="heading")
        yield TextArea(
            placeholder="a lighthouse in winter",
            tab_behavior="focus",
            highlight_cursor_line=False,
            compact=True,
            id="theme",
        )
        yield Label("language", classes="heading")
        yield Button("", compact=True, id="story-language", tooltip="Pick a language")
        with Horizontal(id="amounts"):
            with Vertical():
                yield Label("words", classes="heading")
                yield Input(
                    "200",
                    type="integer",
                    validators=[Integer(1, MAX_WORDS)],
                    compact=True,
                    id="words",
                )
            with Vertical():
                yield Label("temperature", classes="heading")
                yield Input(
                    "1.0",
                    type="number",
                    validators=[Number(0, 10)],
                    compact=True,
                    id="temperature",
                )

    def on_mount(self) -> None:
        self.watch_language_name(self.language_name)

    def watch_language_name(self, name: str) -> None:
        if self.is_mounted:
            self.query_one("#story-language", Button).label = f"{name} ▾"

    @property
    def theme(self) -> str:
        """What the story is to be about."""
        return self.query_one("#theme", TextArea).text

    @theme.setter
    def theme(self, text: str) -> None:
        self.query_one("#theme", TextArea).text = text

    @property
    def wish(self) -> StoryWish | None:
        """What is asked for; None while a number is out of range."""
        words = self.query_one("#words", Input)
        temperature = self.query_one("#temperature", Input)
        for field in (words, temperature):
            result = field.validate(field.value)
            if result is not None and not result.is_valid:
                return None
        return StoryWish(self.theme.strip(), int(words.value), float(temperature.value))

    @on(Button.Pressed)
    def ask_language(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(self.LanguageWanted())

    @on(Input.Submitted)
    def wish_now(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Wished())
