"""The Stories screen: write, stop, go on, save."""

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from polyspec.errors import DocumentError
from polyspec.prompting.profiles import PAIRS
from polyspec.tui.app import PolySpecApp
from polyspec.tui.screens.ask import AskScreen
from polyspec.tui.screens.stories import StoriesScreen, file_name, save_story
from tests.fakes_completer import FakeCompleter
from tests.fakes_tui import PaperMaker, drive, make_app, wait_until

STORY = "Once a keeper lit the lamp."


async def open_stories(pilot: Pilot[int], app: PolySpecApp) -> StoriesScreen:
    await pilot.press("f3")
    await wait_until(pilot, lambda: isinstance(app.screen, StoriesScreen))
    screen = app.screen
    assert isinstance(screen, StoriesScreen)
    return screen


async def tell(pilot: Pilot[int], screen: StoriesScreen, theme: str) -> None:
    screen.query_one("#theme", TextArea).text = theme
    await pilot.press("ctrl+t")
    await wait_until(pilot, lambda: "done" in screen.status.message)


def make_writer() -> PaperMaker:
    return PaperMaker(FakeCompleter(answer=lambda _: STORY))


def test_a_story_is_written() -> None:
    maker = make_writer()
    app = make_app(maker)

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_stories(pilot, app)
        screen.query_one("#temperature", Input).value = "0.5"
        await tell(pilot, screen, "a lighthouse")
        assert screen.target.text == STORY
        (request,) = maker.completer.requests
        assert request.sampling.temperature == 0.5

    drive(app, steps)


def test_a_story_goes_on_where_it_ended() -> None:
    maker = make_writer()
    app = make_app(maker)

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_stories(pilot, app)
        await tell(pilot, screen, "a lighthouse")
        maker.completer.answer = lambda _: " It burned all night."
        await pilot.press("ctrl+n")
        await wait_until(
            pilot, lambda: screen.target.text == f"{STORY} It burned all night."
        )
        assert maker.completer.requests[-1].prompt.own[-1].text == STORY

    drive(app, steps)


def test_who_only_translates_is_said_once_to_write_poor_stories() -> None:
    maker = make_writer()
    maker.profile = PAIRS
    app = make_app(maker)

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_stories(pilot, app)
        for theme in ("a lighthouse", "a ferry"):
            await tell(pilot, screen, theme)
        (told,) = app._notifications
        assert told.severity == "warning"
        assert "tiny was made to translate" in told.message

    drive(app, steps)


def test_a_story_is_saved_as_markdown(tmp_path: Path) -> None:
    app = make_app(make_writer())

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_stories(pilot, app)
        await tell(pilot, screen, "a lighthouse")
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: isinstance(app.screen, AskScreen))
        field = app.screen.query_one(Input)
        assert field.value == "a-lighthouse.md"
        field.value = str(tmp_path / "story.md")
        await pilot.press("enter")
        await wait_until(pilot, lambda: "saved" in screen.status.message)

    drive(app, steps)
    written = (tmp_path / "story.md").read_text("utf-8")
    assert written == f"# a lighthouse\n\n{STORY}\n"


def test_without_a_theme_nothing_is_written() -> None:
    app = make_app(make_writer())

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_stories(pilot, app)
        await pilot.press("ctrl+t")
        assert "about" in screen.status.message
        await pilot.press("ctrl+n", "ctrl+s")
        assert screen.status.message == "there is no story yet"

    drive(app, steps)


def test_amounts_out_of_range_are_refused() -> None:
    app = make_app(make_writer())

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_stories(pilot, app)
        screen.query_one("#words", Input).value = "0"
        await pilot.press("ctrl+t")
        assert "from 1" in screen.status.message

    drive(app, steps)


def test_a_story_never_replaces_a_file(tmp_path: Path) -> None:
    path = tmp_path / "kept.md"
    path.write_text("kept", "utf-8")
    with pytest.raises(DocumentError):
        save_story(str(path), "x", "y")
    assert path.read_text("utf-8") == "kept"


@pytest.mark.parametrize(
    ("title", "name"), [("A lost key!", "A-lost-key"), ("/../", "story"), ("", "story")]
)
def test_file_names_are_made_of_the_title(title: str, name: str) -> None:
    assert file_name(title) == name
