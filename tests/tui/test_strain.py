"""What a day brings: storms of resizing, long pastes, changes in the middle of a run."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from textual.css.parse import parse
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.message import Message
from textual.message_pump import MessagePump
from textual.pilot import Pilot

from polyspec.errors import ModelError
from polyspec.tui.remembered import Remembered, keep_remembered, read_remembered
from polyspec.tui.screens.help import HelpScreen
from polyspec.tui.screens.translate import TranslateScreen
from polyspec.tui.widgets.language_bar import LanguageBar
from polyspec.tui.widgets.source.pane import MAX_CHARS
from tests.fakes_tui import PaperMaker, drive, make_app, wait_until

SIZES = [(60, 20), (200, 60), (1, 1), (80, 24), (61, 5), (120, 40)]


def test_a_storm_of_resizing_loses_nothing() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = app.screen
        assert isinstance(screen, TranslateScreen)
        screen.source.put_in("good day\n" * 30)
        await pilot.press("f8", "ctrl+t")
        for size in SIZES * 4:
            await pilot.resize_terminal(*size)
        await wait_until(pilot, lambda: "done" in screen.status.message)
        assert screen.target.text == "GOOD DAY\n" * 30
        assert screen.source.text == "good day\n" * 30

    drive(app, steps)


def test_the_longest_line_that_fits_can_be_pasted_and_edited() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = app.screen
        assert isinstance(screen, TranslateScreen)
        screen.source.put_in("word " * (MAX_CHARS // 5 - 1))
        await pilot.press("x")
        assert len(screen.source.text) == MAX_CHARS - 4

    drive(app, steps)


def test_a_megabyte_becomes_a_file_and_binary_rubbish_text() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = app.screen
        assert isinstance(screen, TranslateScreen)
        screen.source.put_in("\x00\x1b\x07ok\ufffe\ud800")
        assert screen.source.text == "ok"
        screen.source.put_in("a line\n" * 150_000)
        await wait_until(pilot, lambda: app.screen is not screen)
        (kept,) = (app_home() / "pasted").iterdir()
        assert kept.stat().st_size == 7 * 150_000

    drive(app, steps)


def test_the_language_can_change_in_the_middle_of_a_run() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = app.screen
        assert isinstance(screen, TranslateScreen)
        screen.source.put_in("good day")
        screen.action_translate()
        app.use_languages("en", "de")
        screen.action_translate()
        await wait_until(pilot, lambda: "done" in screen.status.message)
        assert screen.target.text == "GOOD DAY"
        assert screen.source.text == "good day"

    drive(app, steps)


def test_a_model_that_went_away_can_be_followed_by_another() -> None:
    maker = PaperMaker()
    app = make_app(maker)

    async def steps(pilot: Pilot[int]) -> None:
        screen = app.screen
        assert isinstance(screen, TranslateScreen)
        await wait_until(pilot, lambda: app.model_state.mood == "ready")
        maker.error = ModelError("gone is not there", remedy="choose another")
        app.load_model("gone")
        await wait_until(pilot, lambda: app.model_state.mood == "failed")
        maker.error = None
        app.load_model("tiny")
        screen.source.put_in("good day")
        screen.action_translate()
        await wait_until(pilot, lambda: screen.target.text == "GOOD DAY")

    drive(app, steps)


def test_two_at_once_leave_a_file_that_can_be_read() -> None:
    one, two = make_app(), make_app()

    async def steps(pilot: Pilot[int]) -> None:
        one.use_languages("en", "de")

        async def inner(second: Pilot[int]) -> None:
            two.use_languages("fr", "en")
            await second.pause()

        async with two.run_test() as second:
            await inner(second)
        assert two.worker.stop(5)
        await pilot.pause()

    drive(one, steps)
    assert read_remembered().target in ("de", "en")
    keep_remembered(Remembered("sw", "yo"))
    assert read_remembered().source == "sw"


def test_styles_are_parsed_again_only_when_colours_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parsed: list[str] = []

    def parse_and_note(scope: str, css: str, read_from: Any, **rest: Any) -> Any:
        parsed.append(css)
        return parse(scope, css, read_from, **rest)

    monkeypatch.setattr("textual.css.stylesheet.parse", parse_and_note)
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        await pilot.press("f3", "f2")
        parsed.clear()
        await pilot.press("f6", "f2")
        assert 0 < len(parsed) == len(set(parsed))
        num_new = len(parsed)
        app.theme = "polyspec-light"
        await pilot.pause()
        assert len(parsed) > 2 * num_new
        light = app.available_themes["polyspec-light"].background
        assert app.screen.styles.background.hex.lower() == light

    drive(app, steps)


def test_a_screen_that_is_opened_leaves_the_styles_of_others_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    restyled: list[DOMNode] = []
    apply = Stylesheet.apply

    def apply_and_note(self: Stylesheet, node: DOMNode, **rest: Any) -> None:
        restyled.append(node)
        apply(self, node, **rest)

    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        await wait_until(pilot, lambda: app.model_state.mood == "ready")
        bar = app.screen.query_one(LanguageBar)
        monkeypatch.setattr(Stylesheet, "apply", apply_and_note)
        for key in ("f3", "f4", "f5", "f6", "f7"):
            await pilot.press(key)
        assert restyled
        assert bar not in restyled

    drive(app, steps)


def test_others_have_their_turn_between_the_messages_of_a_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = make_app()
    turns: list[str] = []

    class Note(Message, bubble=False):
        pass

    async def steps(pilot: Pilot[int]) -> None:
        loop = asyncio.get_running_loop()

        async def dispatch(self: MessagePump, message: Message) -> None:
            await plain_dispatch(self, message)
            if isinstance(message, Note):
                turns.append("message")
                loop.call_soon(turns.append, "other")

        plain_dispatch = MessagePump._dispatch_message
        monkeypatch.setattr(MessagePump, "_dispatch_message", dispatch)
        for screen in (app.screen, HelpScreen([], [])):
            if screen is not app.screen:
                await app.push_screen(screen)
            turns.clear()
            for _ in range(3):
                screen.post_message(Note())
            await wait_until(pilot, lambda: turns.count("other") == 3)
            assert turns == ["message", "other"] * 3

    drive(app, steps)


def app_home() -> Path:
    from polyspec.paths import data_dir

    return data_dir()


def test_the_model_rests_while_a_screen_is_opened() -> None:
    maker = PaperMaker()
    app = make_app(maker)
    dozing = threading.Event()

    def doze(_seconds: float) -> None:
        dozing.set()
        threading.Event().wait(0.01)

    async def steps(pilot: Pilot[int]) -> None:
        await wait_until(pilot, lambda: app.model_state.mood == "ready")
        give_way: Any = vars(maker.completer)["give_way"]
        await app.worker.rest(30.0)
        resting = asyncio.create_task(asyncio.to_thread(give_way))
        await wait_until(pilot, dozing.is_set)
        assert not resting.done()
        await app.worker.rest(-1.0)
        give_way()
        # The other looks at the clock once it has slept, and goes on as well.
        await resting

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", doze)
        drive(app, steps)
