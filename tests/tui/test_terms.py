"""Terms of the glossary are underlined where they stand in the source text."""

from pathlib import Path

from textual.pilot import Pilot

from polyspec.tui.app import PolySpecApp
from polyspec.tui.screens.translate import TranslateScreen
from polyspec.tui.widgets.marked import Mark, move_marks
from tests.fakes_tui import drive, make_app, wait_until


def make_glossary(folder: Path) -> Path:
    path = folder / "terms.csv"
    path.write_text("en,fr,de\nreading room,salle de lecture,Lesesaal\ncard,carte,\n")
    return path


def screen_of(app: PolySpecApp) -> TranslateScreen:
    screen = app.screen
    assert isinstance(screen, TranslateScreen)
    return screen


def underlined(screen: TranslateScreen) -> list[str]:
    """The stretches of the first line that are drawn with a line under them."""
    line = screen.source.get_line(0)
    return [line.plain[span.start : span.end] for span in line.spans]


def test_terms_are_underlined_while_one_types(tmp_path: Path) -> None:
    app = make_app(glossary=str(make_glossary(tmp_path)))

    async def steps(pilot: Pilot[int]) -> None:
        screen = screen_of(app)
        screen.source.put_in("A card for the Reading room, no cardboard")
        await wait_until(pilot, lambda: underlined(screen) != [])
        assert underlined(screen) == ["card", "Reading room"]
        screen.source.text = "Their reading room is open"
        await wait_until(pilot, lambda: underlined(screen) == ["reading room"])
        screen.source.move_cursor((0, 0))
        await pilot.press("x", "y")  # terms move with the text at once
        assert underlined(screen) == ["reading room"]

    drive(app, steps)


def test_a_term_tells_its_translation_under_the_cursor(tmp_path: Path) -> None:
    app = make_app(glossary=str(make_glossary(tmp_path)))

    async def steps(pilot: Pilot[int]) -> None:
        screen = screen_of(app)
        screen.source.put_in("A card")
        await wait_until(pilot, lambda: underlined(screen) == ["card"])
        await wait_until(pilot, lambda: "done" in screen.status.message)
        await pilot.press("left", "left")
        await wait_until(pilot, lambda: "carte" in screen.status.message)

    drive(app, steps)


def test_another_language_has_other_terms(tmp_path: Path) -> None:
    app = make_app(glossary=str(make_glossary(tmp_path)))

    async def steps(pilot: Pilot[int]) -> None:
        screen = screen_of(app)
        screen.source.put_in("reading room")
        await wait_until(pilot, lambda: underlined(screen) == ["reading room"])
        app.use_languages("en", "sw")
        await wait_until(pilot, lambda: underlined(screen) == [])

    drive(app, steps)


def test_a_glossary_that_is_not_there_marks_nothing(tmp_path: Path) -> None:
    app = make_app(glossary=str(tmp_path / "gone.csv"))

    async def steps(pilot: Pilot[int]) -> None:
        screen = screen_of(app)
        screen.source.put_in("reading room")
        await pilot.pause(0.3)
        await app.workers.wait_for_complete()
        assert underlined(screen) == []

    drive(app, steps)


def test_rows_are_drawn_anew_when_the_pane_gets_narrower() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = screen_of(app)
        screen.source.put_in("The library opens at nine. Bring your card and be quiet.")
        await pilot.pause(0.1)
        await pilot.press("f8")
        await wait_until(pilot, lambda: screen.source.size.width < 40)
        await pilot.pause(0.1)
        region = screen.source.region.reset_offset
        rows = [strip.text for strip in screen.source.render_lines(region)]
        assert any("Bring  " in row for row in rows)
        assert any("your card and be quiet." in row for row in rows)

    drive(app, steps)


def test_marks_move_with_the_text_and_go_when_they_are_touched() -> None:
    marks = [Mark(0, 2, "term"), Mark(4, 6, "term"), Mark(8, 9, "term")]
    assert move_marks(marks, 5, 7, 3) == [Mark(0, 2, "term"), Mark(11, 12, "term")]
    assert move_marks(marks, 2, 2, 1) == [
        Mark(0, 2, "term"),
        Mark(5, 7, "term"),
        Mark(9, 10, "term"),
    ]


def test_a_long_line_is_drawn_as_textual_draws_it() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = screen_of(app)
        screen.source.put_in("ein\twort 図書館 " * 200)
        screen.source.show_terms([Mark(1, 40, "term"), Mark(300, 310, "term")])
        await pilot.pause()
        line = screen.source.get_line(0)
        offsets = screen.source.wrapped_document.get_offsets(0)
        rows = list(line.divide(offsets))
        assert "".join(row.plain for row in rows) == line.plain
        ends = [0, *offsets, len(line)]
        for row, start, end in zip(rows, ends, ends[1:], strict=False):
            assert row.plain == line.plain[start:end]
            assert row.markup == line[start:end].markup

    drive(app, steps)
