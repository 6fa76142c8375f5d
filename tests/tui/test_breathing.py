"""Screens draw in pieces, others have their turn meanwhile, and nothing is left out."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.geometry import Size
from textual.pilot import Pilot
from textual.screen import ModalScreen, Screen
from textual.scroll_view import ScrollView
from textual.strip import Strip

from polyspec.tui import breathing
from polyspec.tui.breathing import Breathing
from tests.fakes_tui import wait_until

SIZE = (40, 24)


class Sheet(ScrollView):
    """Rows of one letter; says when one is drawn."""

    def __init__(self, drawn: Callable[[], None]) -> None:
        super().__init__()
        self.letter = "a"
        self._drawn = drawn
        self.virtual_size = Size(*SIZE)

    def render_line(self, y: int) -> Strip:
        self._drawn()
        if self.letter == "?" and y == SIZE[1] - 1:
            raise ValueError("no such row")
        return Strip([Segment(self.letter * self.size.width, self.rich_style)])


class SheetScreen(Breathing, Screen[None]):
    """Nothing but a sheet."""

    def __init__(self, drawn: Callable[[], None]) -> None:
        super().__init__()
        self._drawn = drawn

    def compose(self) -> ComposeResult:
        yield Sheet(self._drawn)


class Veil(Breathing, ModalScreen[None]):
    """Lets what is below it shine through."""


class SheetApp(App[int]):
    """Counts rows, and notes where the event loop had a turn."""

    def __init__(self) -> None:
        super().__init__()
        self.rows_at_turns: list[int] = []
        self.written = ""
        """The latest frame, as it goes to the terminal."""
        self._num_rows = 0

    def on_mount(self) -> None:
        self.push_screen(SheetScreen(self._note_row))

    @property
    def sheet(self) -> Sheet:
        return next(
            sheet for screen in self.screen_stack for sheet in screen.query(Sheet)
        )

    def _note_row(self) -> None:
        if self._num_rows == 0:
            asyncio.get_running_loop().call_soon(self._note_turn)
        self._num_rows += 1

    def _note_turn(self) -> None:
        self.rows_at_turns.append(self._num_rows)
        self._num_rows = 0

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        if renderable is not None and screen is self.screen:
            self.written = renderable.render_segments(self.console)
        super()._display(screen, renderable)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_FIRST_S", "_PIECE_S"):
        monkeypatch.setattr(breathing, name, 0.0)


def use(steps: Callable[[SheetApp, Pilot[int]], Awaitable[None]]) -> SheetApp:
    """Run the application and do something with it."""
    app = SheetApp()

    async def run() -> None:
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause()
            app.rows_at_turns.clear()
            await steps(app, pilot)

    asyncio.run(run())
    return app


def test_others_have_their_turn_while_a_screen_is_drawn() -> None:
    async def draw(app: SheetApp, pilot: Pilot[int]) -> None:
        app.sheet.refresh()
        await pilot.pause()

    turns = use(draw).rows_at_turns
    assert sum(turns) == SIZE[1]
    assert max(turns) < SIZE[1]


def test_what_changes_while_it_is_drawn_is_drawn_again() -> None:
    async def draw(app: SheetApp, pilot: Pilot[int]) -> None:
        app.sheet.letter = "b"
        app.sheet.refresh()
        await wait_until(pilot, lambda: bool(app.rows_at_turns))
        app.sheet.letter = "c"
        app.sheet.refresh()
        await pilot.pause()
        assert app.written.count("c" * SIZE[0]) == SIZE[1]
        assert "b" * SIZE[0] not in app.written

    use(draw)


def test_an_error_while_it_is_drawn_ends_the_program() -> None:
    async def draw(app: SheetApp, pilot: Pilot[int]) -> None:
        app.sheet.letter = "?"
        app.sheet.refresh()
        await pilot.pause()

    with pytest.raises(ValueError, match="no such row"):
        use(draw)


def test_a_veil_shows_what_is_below_it() -> None:
    async def draw(app: SheetApp, pilot: Pilot[int]) -> None:
        await app.push_screen(Veil())
        await pilot.pause()
        assert app.written.count("a" * SIZE[0]) == SIZE[1]

    use(draw)


def test_a_screen_that_goes_while_it_is_drawn_leaves_no_trace() -> None:
    async def draw(app: SheetApp, pilot: Pilot[int]) -> None:
        app.sheet.letter = "b"
        app.sheet.refresh()
        app.pop_screen()
        await pilot.pause()
        assert "b" * SIZE[0] not in app.written

    use(draw)
