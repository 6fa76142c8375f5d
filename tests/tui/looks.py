"""The sizes and themes in which every screen is pictured, and how to hold it still."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from polyspec.tui.app import PolySpecApp
from polyspec.tui.screens.translate import TranslateScreen
from polyspec.tui.widgets.marked import MarkedArea
from tests.fakes_tui import wait_until

Compare = Callable[..., bool]
Steps = Callable[[Pilot[Any]], Awaitable[None]]
Size = tuple[int, int]

TEXT = "The library opens at nine. Bring your card.\n\nOn Sundays it stays closed."
SMALL, NORMAL, LARGE = (60, 20), (80, 24), (120, 40)
DARK, LIGHT = "polyspec-dark", "polyspec-light"

in_every_look = pytest.mark.parametrize(
    ("size", "theme"),
    [
        pytest.param(size, theme, id=f"{size[0]}x{size[1]}-{theme.split('-')[1]}")
        for size in (SMALL, NORMAL, LARGE)
        for theme in (DARK, LIGHT)
    ],
)


def stop_blinking(app: PolySpecApp) -> None:
    """Have no cursor that is there at one moment and gone at the next."""
    for screen in app.screen_stack:
        for area in screen.query(TextArea):
            area.cursor_blink = False
        for field in screen.query(Input):
            field.cursor_blink = False


async def settle(pilot: Pilot[Any], app: PolySpecApp) -> None:
    """Have nothing blink, and wait for the model."""
    await wait_until(pilot, lambda: app.model_state.mood != "busy")
    stop_blinking(app)
    await pilot.pause()


async def wait_for_counts(pilot: Pilot[Any], app: PolySpecApp) -> None:
    """Let the tokens of all texts be counted, which takes a moment."""
    panes = [pane for pane in app.screen.query(MarkedArea) if pane.counted_text]
    await wait_until(
        pilot, lambda: all("tokens" in str(pane.border_subtitle) for pane in panes)
    )
    await pilot.pause(0.4)  # the last count may be of a text that was not complete


async def translate(pilot: Pilot[Any], app: PolySpecApp) -> TranslateScreen:
    """Translate a text, with figures that are the same everywhere."""
    screen = app.screen
    assert isinstance(screen, TranslateScreen)
    await settle(pilot, app)
    screen.source.put_in(TEXT)
    await pilot.press("ctrl+t")
    await wait_until(pilot, lambda: "done" in screen.status.message)
    await wait_for_counts(pilot, app)
    assert screen.figures is not None
    screen.figures.elapsed_s = 2.0
    app.rates = {"auto": screen.figures.rate}
    screen.show_figures()
    screen.status.show("done in 2.0 s")
    screen.status.figures = screen.figures.describe()
    return screen
