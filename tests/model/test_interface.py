"""The interface with a real model behind it."""

import pytest
from textual.pilot import Pilot

from polyspec.tui.app import PolySpecApp
from polyspec.tui.interface_file import Interface
from polyspec.tui.making import RealMaker
from polyspec.tui.remembered import Remembered
from polyspec.tui.screens.translate import TranslateScreen
from tests.fakes_tui import drive, wait_until

pytestmark = pytest.mark.model


def test_a_text_is_translated_and_the_drafter_is_switched() -> None:
    settings = {"model": "gemma-3-270m", "parallel": 2}
    app = PolySpecApp(RealMaker(), Interface(), Remembered("en", "fr"), settings)

    async def steps(pilot: Pilot[int]) -> None:
        await wait_until(pilot, lambda: app.model_state.mood == "ready", 120)
        screen = app.screen
        assert isinstance(screen, TranslateScreen)
        screen.source.put_in("The library opens at nine.")
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: "done" in screen.status.message, 120)
        first = screen.target.text
        assert first.strip()
        app.switch_drafter("none")
        await wait_until(
            pilot,
            lambda: app.facts is not None and app.facts.draft_setting == "none",
            120,
        )
        screen.status.show("")
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: "done" in screen.status.message, 120)
        assert screen.target.text.strip()

    drive(app, steps)
