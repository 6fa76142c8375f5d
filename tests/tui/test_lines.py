"""The lines at the top and at the bottom: what fits is shown, a click does what a key does."""

from textual.pilot import Pilot

from polyspec.tui.screens.stories import StoriesScreen
from polyspec.tui.screens.translate import TranslateScreen
from polyspec.tui.widgets.drafters.panel import DrafterPanel
from polyspec.tui.widgets.key_line import KeyLine
from polyspec.tui.widgets.word_line import WordLine
from tests.fakes_tui import drive, make_app, wait_until


def test_a_click_on_a_name_goes_to_that_screen() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        rooms = app.screen.query_one("#rooms", WordLine)
        column = str(rooms.render()).index("Stories")
        await pilot.click(rooms, offset=(column, 0))
        await wait_until(pilot, lambda: isinstance(app.screen, StoriesScreen))

    drive(app, steps)


def test_a_click_on_a_key_presses_it() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        keys = app.screen.query_one(KeyLine)
        await wait_until(pilot, lambda: "Drafting" in str(keys.render()))
        column = str(keys.render()).index("Drafting")
        await pilot.hover(keys, offset=(column, 0))
        assert keys.tooltip == "Show or hide what drafting does"
        await pilot.click(keys, offset=(column, 0))
        await wait_until(pilot, lambda: bool(app.screen.query(DrafterPanel)))

    drive(app, steps)


def test_a_narrow_line_shows_whole_words_and_always_the_palette() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        keys = app.screen.query_one(KeyLine)
        await wait_until(pilot, lambda: "palette" in str(keys.render()))
        shown = str(keys.render())
        assert "Translate" in shown
        assert "Drafting" not in shown
        assert len(shown) <= 58
        rooms = str(app.screen.query_one("#rooms", WordLine).render())
        assert "Settings" in rooms
        assert "F6" not in rooms

    drive(app, steps, (60, 20))


def test_other_screens_do_not_change_how_this_one_looks() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        desk = app.screen.query_one("#desk")
        before = desk.region
        for key in ("f3", "f4", "f5", "f6", "f2"):
            await pilot.press(key)
            await pilot.pause()
        assert isinstance(app.screen, TranslateScreen)
        assert desk.region == before

    drive(app, steps)
