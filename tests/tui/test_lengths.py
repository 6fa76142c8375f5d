"""How long texts are, in characters, words and the model's tokens."""

import threading

import pytest
from textual.pilot import Pilot

from polyspec.errors import ModelError
from polyspec.tui.app import PolySpecApp
from polyspec.tui.screens.translate import TranslateScreen
from polyspec.tui.widgets.lengths import Length
from tests.fakes_completer import FakeCompleter
from tests.fakes_tui import PaperMaker, drive, make_app, wait_until


class WatchedCompleter(FakeCompleter):
    """Counts two characters a token, and knows in which threads it was asked to."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[str] = set()

    def count_tokens(self, text: str) -> int:
        self.threads.add(threading.current_thread().name)
        return len(text) // 2


def screen_of(app: PolySpecApp) -> TranslateScreen:
    screen = app.screen
    assert isinstance(screen, TranslateScreen)
    return screen


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (60, "12,345 characters · 2,000 words · 3,000 tokens"),
        (40, "12,345 characters · 3,000 tokens"),
        (30, "12,345 chars · 3,000 tokens"),
        (24, "12,345 · 3,000 tokens"),
        (5, "12,345 · 3,000 tokens"),
    ],
)
def test_a_length_is_as_full_as_there_is_room(width: int, shown: str) -> None:
    assert Length(12_345, 2_000, 3_000).describe(width) == shown


def test_lengths_are_worded_for_one_and_for_none() -> None:
    assert Length.of("a").describe(80) == "1 character · 1 word"
    assert Length.of("").describe(80) == ""
    assert Length.of("a b c").describe(12) == "5 characters"
    assert Length(1, 1, 1).describe(80) == "1 character · 1 word · 1 token"


def test_both_panes_tell_their_tokens_counted_beside_the_interface() -> None:
    completer = WatchedCompleter()
    app = make_app(PaperMaker(completer))

    async def steps(pilot: Pilot[int]) -> None:
        screen = screen_of(app)
        screen.source.put_in("good day")
        for pane in (screen.source, screen.target):
            await wait_until(
                pilot,
                lambda pane=pane: (  # type: ignore[misc]
                    pane.border_subtitle == "8 characters · 2 words · 4 tokens"
                ),
            )
        assert threading.current_thread().name not in completer.threads
        await pilot.press("ctrl+u")
        await wait_until(pilot, lambda: screen.target.border_subtitle == "")

    drive(app, steps)


def test_without_a_model_no_tokens_are_told() -> None:
    maker = PaperMaker()
    app = make_app(maker)

    async def steps(pilot: Pilot[int]) -> None:
        screen = screen_of(app)
        screen.source.put_in("good")
        await wait_until(
            pilot, lambda: "4 tokens" in str(screen.source.border_subtitle)
        )
        maker.error = ModelError("gone is not there", remedy="choose another")
        app.load_model("gone")
        await wait_until(
            pilot, lambda: screen.source.border_subtitle == "4 characters · 1 word"
        )

    drive(app, steps)


def test_a_narrower_pane_tells_less() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = screen_of(app)
        screen.source.put_in("word " * 2000)
        await wait_until(pilot, lambda: "tokens" in str(screen.source.border_subtitle))
        assert "words" in str(screen.source.border_subtitle)
        await pilot.resize_terminal(80, 24)
        await wait_until(
            pilot,
            lambda: (
                screen.source.border_subtitle == "10,000 characters · 10,000 tokens"
            ),
        )

    drive(app, steps)
