"""The Translate screen: what is typed is translated, shown, swapped and copied."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.events import Paste
from textual.pilot import Pilot

from polyspec.errors import ModelError
from polyspec.paths import data_dir, models_dir
from polyspec.prompting.interfaces import Completed, Piece
from polyspec.tui.app import PolySpecApp
from polyspec.tui.remembered import Remembered, read_remembered
from polyspec.tui.screens.files import FilesScreen
from polyspec.tui.screens.help import HelpScreen
from polyspec.tui.screens.language_picker import LanguagePicker, match_languages
from polyspec.tui.screens.translate import TranslateScreen
from polyspec.tui.widgets.drafters.figures import DrafterShare, DraftFigures
from polyspec.tui.widgets.drafters.panel import DrafterPanel
from polyspec.tui.widgets.source.pane import MAX_CHARS, clean_text
from tests.fakes_completer import FakeCompleter
from tests.fakes_tui import PaperMaker, drive, make_app, wait_until
from tests.gguf_files import gguf

TEXT = "The library opens at nine.\n\nBring your card."


def screen_of(app: PolySpecApp) -> TranslateScreen:
    screen = app.screen
    assert isinstance(screen, TranslateScreen)
    return screen


async def translate(pilot: Pilot[int], app: PolySpecApp, text: str) -> None:
    screen = screen_of(app)
    screen.source.put_in(text)
    await pilot.press("ctrl+t")
    await wait_until(pilot, lambda: "done" in screen.status.message)


class GatedCompleter(FakeCompleter):
    """Writes one piece, and the rest when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def _answer(self, index: int, request: object) -> Iterator[Piece | Completed]:
        for number, event in enumerate(super()._answer(index, request)):  # type: ignore[arg-type]
            if number == 1:
                self.gate.wait(10)
            yield event


def test_the_model_loads_behind_the_first_frame() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        await wait_until(pilot, lambda: app.model_state.mood == "ready")
        assert app.model_state.text == "tiny"

    drive(app, steps)


def test_text_is_translated_on_a_key() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        await translate(pilot, app, TEXT)
        assert screen_of(app).target.text == TEXT.upper()

    drive(app, steps)


def test_typing_is_translated_after_a_pause() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        await pilot.press(*"good")
        target = screen_of(app).target
        await wait_until(pilot, lambda: target.text == "GOOD")

    drive(app, steps)


def test_an_empty_text_has_no_translation() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        await translate(pilot, app, "good")
        await pilot.press("ctrl+u")
        await wait_until(pilot, lambda: screen_of(app).target.text == "")

    drive(app, steps)


def test_escape_stops_the_run_and_keeps_what_is_written() -> None:
    completer = GatedCompleter()
    app = make_app(PaperMaker(completer))

    async def steps(pilot: Pilot[int]) -> None:
        screen = screen_of(app)
        screen.source.put_in("good morning")
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: screen.target.text == "GOO")
        await pilot.press("escape")
        await wait_until(pilot, lambda: not screen.is_writing)
        completer.gate.set()
        await wait_until(pilot, lambda: completer.num_closed == 1)
        await pilot.pause()
        assert screen.target.text == "GOO"

    drive(app, steps)


def test_a_new_run_takes_the_place_of_a_running_one() -> None:
    completer = GatedCompleter()
    app = make_app(PaperMaker(completer))

    async def steps(pilot: Pilot[int]) -> None:
        screen = screen_of(app)
        screen.source.put_in("good")
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: screen.target.text == "GOO")
        screen.source.put_in(" day")
        await pilot.press("ctrl+t")
        completer.gate.set()
        await wait_until(pilot, lambda: screen.target.text == "GOOD DAY")
        await wait_until(pilot, lambda: completer.num_closed == 2)
        assert completer.num_runs == 2

    drive(app, steps)


def test_old_text_stays_until_it_is_overwritten() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        target = screen_of(app).target
        target.show_text("one two three")
        target.begin()
        target.write(0, "four")
        assert target.text == "fourtwo three"
        target.write(4, " five")
        assert target.fresh_text == "four five"
        target.write(5, "six")
        target.finish()
        assert target.text == target.fresh_text == "four six"

    drive(app, steps)


def test_swapping_moves_languages_and_texts() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = screen_of(app)
        await translate(pilot, app, "good")
        await pilot.press("ctrl+r")
        assert screen.source.text == "GOOD"
        assert screen.target.text == "good"
        assert app.languages.source.tag == "fr"
        assert app.languages.target is not None
        assert app.languages.target.tag == "en"
        await pilot.pause(0.6)
        assert screen.target.text == "good"

    drive(app, steps)


def test_a_language_is_picked_by_typing_its_name() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        await translate(pilot, app, "good")
        await pilot.press("ctrl+l")
        await wait_until(pilot, lambda: isinstance(app.screen, LanguagePicker))
        await pilot.press(*"deuts", "enter")
        await wait_until(pilot, lambda: isinstance(app.screen, TranslateScreen))
        assert app.languages.target is not None
        assert app.languages.target.tag == "de"
        await wait_until(pilot, lambda: read_remembered().target == "de")
        assert read_remembered().recent[0] == "de"

    drive(app, steps)


def test_picking_the_language_of_the_other_side_exchanges_both() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        await pilot.press("ctrl+l")
        await wait_until(pilot, lambda: isinstance(app.screen, LanguagePicker))
        await pilot.press(*"english", "enter")
        await wait_until(pilot, lambda: app.languages.source.tag == "fr")

    drive(app, steps)


def test_the_first_translation_asks_for_a_language() -> None:
    app = make_app(remembered=Remembered())

    async def steps(pilot: Pilot[int]) -> None:
        screen_of(app).source.put_in("good")
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: isinstance(app.screen, LanguagePicker))
        await pilot.press("escape")

    drive(app, steps)


def test_both_texts_can_be_copied() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        await translate(pilot, app, "good")
        await pilot.press("f9")
        assert app.clipboard == "GOOD"
        await pilot.press("alt+c")
        assert app.clipboard == "good"

    drive(app, steps)


def test_what_may_be_wrong_is_flagged_with_its_reason() -> None:
    app = make_app(PaperMaker(FakeCompleter(answer=lambda text: text)))

    async def steps(pilot: Pilot[int]) -> None:
        await translate(pilot, app, "The library opens at nine every day.")
        (flag,) = screen_of(app).target.flags
        assert flag.note
        assert screen_of(app).query_one("#notes").display

    drive(app, steps)


def test_the_drafter_panel_shows_figures_and_switches() -> None:
    maker = PaperMaker()
    app = make_app(maker)

    async def steps(pilot: Pilot[int]) -> None:
        screen = screen_of(app)
        await translate(pilot, app, "good")
        await pilot.press("f8")
        panel = screen.panel
        assert panel is not None
        assert panel.display
        figures = panel.figures
        assert figures is not None
        assert figures.accepted_by_source == {"history": 1}
        panel.query_one("#drafter").focus()
        await pilot.press("enter", "down", "enter")
        await wait_until(pilot, lambda: app.overrides.get("draft") is not None)
        await wait_until(pilot, lambda: app.model_state.mood == "ready")
        assert maker.opened[-1].draft == app.overrides["draft"]
        assert maker.num_closed == 0
        await pilot.press("f8")
        assert not panel.display

    drive(app, steps)


def test_a_switched_drafter_goes_on_with_the_running_text() -> None:
    completer = GatedCompleter()
    maker = PaperMaker(completer)
    app = make_app(maker)

    async def steps(pilot: Pilot[int]) -> None:
        screen = screen_of(app)
        screen.source.put_in("good morning")
        await pilot.press("ctrl+t", "f8")
        await wait_until(pilot, lambda: screen.target.text == "GOO")
        await wait_until(pilot, lambda: screen.panel is not None)
        assert screen.panel is not None
        screen.panel.post_message(DrafterPanel.DrafterPicked("none"))
        await pilot.pause()
        completer.gate.set()
        await wait_until(pilot, lambda: screen.target.text == "GOOD MORNING")
        assert maker.opened[-1].draft == "none"
        # The first run ends in its own thread, maybe after the second has written everything.
        await wait_until(pilot, lambda: completer.num_closed == 2)
        assert completer.num_runs == 2
        assert maker.num_closed == 0

    drive(app, steps)


def test_a_file_that_is_dropped_is_read(tmp_path: Path) -> None:
    (tmp_path / "a letter.txt").write_text("good day", "utf-8")
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = screen_of(app)
        screen.source.post_message(Paste(f"'{tmp_path}/a letter.txt'"))
        await wait_until(pilot, lambda: screen.target.text == "GOOD DAY")
        assert screen.source.text == "good day"
        await pilot.press("ctrl+u")
        screen.source.post_message(Paste(f"file://{tmp_path}/a%20letter.txt\n"))
        await wait_until(pilot, lambda: screen.source.text == "good day")

    drive(app, steps)


def test_a_document_that_is_dropped_joins_the_files(tmp_path: Path) -> None:
    (tmp_path / "picture.docx").write_bytes(b"PK\x03\x04\x00\xff")
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = screen_of(app)
        screen.source.post_message(Paste(f"{tmp_path}/picture.docx"))
        await wait_until(pilot, lambda: isinstance(app.screen, FilesScreen))
        files = app.screen
        assert isinstance(files, FilesScreen)
        await wait_until(pilot, lambda: len(files.items) == 1)
        assert screen.source.text == ""

    drive(app, steps)


def test_a_path_that_leads_nowhere_is_a_text() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = screen_of(app)
        screen.source.post_message(Paste("/nowhere/at all"))
        await wait_until(pilot, lambda: screen.source.text == "/nowhere/at all")

    drive(app, steps)


def test_plain_speed_is_that_of_the_same_run() -> None:
    figures = DraftFigures(num_tokens=30, elapsed_s=2.0)
    assert figures.plain_rate == 0
    figures.drafters = {"table": DrafterShare(10, 8, 1.0)}
    figures.is_over = True
    assert (figures.rate, figures.plain_rate) == (15, 10)


def test_help_explains_what_has_the_focus() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        await pilot.press("f1")
        await wait_until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("escape")
        await wait_until(pilot, lambda: isinstance(app.screen, TranslateScreen))

    drive(app, steps)


@pytest.mark.parametrize(
    ("pasted", "kept"),
    [("a\r\nb\rc", "a\nb\nc"), ("a\0b\x1b[0m", "ab[0m"), ("tab\tand é", "tab\tand é")],
)
def test_a_paste_is_cleaned(pasted: str, kept: str) -> None:
    assert clean_text(pasted) == kept


def test_a_paste_too_long_for_the_pane_becomes_a_file() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = screen_of(app)
        screen.source.put_in("kept")
        screen.source.put_in("x" * (MAX_CHARS + 1))
        await pilot.pause()
        assert screen.source.text == "kept"
        await wait_until(pilot, lambda: isinstance(app.screen, FilesScreen))
        files = app.screen
        assert isinstance(files, FilesScreen)
        await wait_until(pilot, lambda: len(files.items) == 1)
        assert files.items[0].path.read_text("utf-8") == "x" * (MAX_CHARS + 1)

    drive(app, steps)


def test_a_model_that_cannot_be_loaded_leaves_the_interface_alive() -> None:
    models_dir().mkdir(parents=True)
    (models_dir() / "tiny.gguf").write_bytes(gguf())
    error = ModelError("the model tiny is damaged", remedy="pull it again")
    app = make_app(PaperMaker(error=error))

    async def steps(pilot: Pilot[int]) -> None:
        await wait_until(pilot, lambda: app.model_state.mood == "failed")
        screen = screen_of(app)
        screen.source.put_in("good")
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: "damaged" in screen.status.message)
        assert screen.source.text == "good"

    drive(app, steps)


def test_no_memory_is_an_error_with_a_remedy() -> None:
    app = make_app(PaperMaker(error=MemoryError()))

    async def steps(pilot: Pilot[int]) -> None:
        await wait_until(pilot, lambda: app.model_state.mood == "failed")
        await wait_until(
            pilot, lambda: any("memory" in n.title for n in app._notifications)
        )

    drive(app, steps)


def test_a_mistake_in_the_model_s_thread_leaves_a_report_without_the_text() -> None:
    def fail(text: str) -> str:
        raise RuntimeError(text)

    app = make_app(PaperMaker(FakeCompleter(answer=fail)))

    async def steps(pilot: Pilot[int]) -> None:
        screen_of(app).source.put_in("secret")
        await pilot.press("ctrl+t")
        await wait_until(
            pilot, lambda: any("inside" in n.title for n in app._notifications)
        )
        (note,) = app._notifications
        path = note.message.split("report ")[1].split(",")[0]
        report = Path(path).read_text("utf-8")
        assert "RuntimeError" in report
        assert "secret" not in report

    drive(app, steps)


def test_a_mistake_in_the_interface_keeps_the_text_and_reports_without_it() -> None:
    app = make_app()

    def fail() -> None:
        raise RuntimeError("about secret things")

    async def steps(pilot: Pilot[Any]) -> None:
        screen_of(app).source.put_in("secret")
        await pilot.pause()
        app.call_later(fail)
        await pilot.pause(5)

    app.run(headless=True, auto_pilot=steps)
    assert app.worker.stop(5)
    assert app.return_code == 1
    assert app.farewell[0] == "internal error: RuntimeError"
    report = Path(app.farewell[-1].split(" is in ")[1]).read_text("utf-8")
    assert "fail" in report
    assert "secret" not in report
    (kept,) = (data_dir() / "rescued").iterdir()
    assert json.loads(kept.read_text("utf-8"))["source"] == "secret"


@pytest.mark.parametrize(
    ("query", "first"), [("fr", "fr"), ("日本", "ja"), ("portug", "pt"), ("germ", "de")]
)
def test_languages_are_found_by_either_name(query: str, first: str) -> None:
    assert first in [language.tag for language in match_languages(query)][:2]
