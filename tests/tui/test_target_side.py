"""What is done with a translation: corrected by hand, replaced, read as plain lines."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot
from textual.widgets import OptionList
from textual.widgets.text_area import Selection

from polyspec.tui.app import PolySpecApp
from polyspec.tui.archive import MEMORY, find_records
from polyspec.tui.remembered import Remembered
from polyspec.tui.screens.alternatives import AlternativesScreen
from polyspec.tui.screens.plain_lines import PlainLinesScreen, reorder, wrap_line
from polyspec.tui.screens.translate import TranslateScreen
from polyspec.tui.widgets.language_bar import LanguageBar
from polyspec.tui.widgets.marked import Mark
from polyspec.tui.widgets.target.alignment import Alignment, Stretch
from tests.fakes_completer import FakeCompleter
from tests.fakes_tui import PaperMaker, drive, make_app, wait_until

TEXT = "The library opens at nine. Bring your card."


async def translate(pilot: Pilot[int], app: PolySpecApp, text: str) -> TranslateScreen:
    screen = app.screen
    assert isinstance(screen, TranslateScreen)
    screen.source.put_in(text)
    await pilot.press("ctrl+t")
    await wait_until(pilot, lambda: "done" in screen.status.message)
    return screen


def test_a_correction_by_hand_goes_into_the_memory() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await translate(pilot, app, TEXT)
        target = screen.target
        target.focus()
        start = target.text.index("CARD")
        target.selection = Selection((0, start), (0, start + 4))
        await pilot.press(*"pass")
        assert target.text == "THE LIBRARY OPENS AT NINE. BRING YOUR pass."
        await pilot.press("ctrl+s")
        await wait_until(pilot, lambda: "1 correction" in screen.status.message)
        (record,) = find_records(MEMORY, "pass")
        assert record.source == "Bring your card."
        assert record.translation == "BRING YOUR pass."
        assert record.origin == "user"
        screen.source.focus()
        await pilot.pause()
        assert len(find_records(MEMORY, "")) == 1

    drive(app, steps)


def test_a_translation_cannot_be_edited_while_there_is_none() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = app.screen
        assert isinstance(screen, TranslateScreen)
        screen.target.focus()
        await pilot.press("x")
        assert screen.target.text == ""

    drive(app, steps)


def test_an_undone_edit_leaves_the_text_as_it_was() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await translate(pilot, app, TEXT)
        screen.target.focus()
        await pilot.press("x", "y", "ctrl+z")
        await pilot.pause()
        assert screen.target.text == TEXT.upper()
        assert screen.target.fresh_text == TEXT.upper()

    drive(app, steps)


class VariedCompleter(FakeCompleter):
    """Answers in another way each time."""

    def _answer(self, index, request):  # type: ignore[no-untyped-def]
        ways = ("one way", "another way", "one way")
        self.answer = lambda text: (
            ways[index % 3] if request.sampling.temperature else text.upper()
        )
        return super()._answer(index, request)


def test_another_translation_of_a_sentence_takes_its_place() -> None:
    app = make_app(PaperMaker(VariedCompleter()))

    async def steps(pilot: Pilot[int]) -> None:
        screen = await translate(pilot, app, TEXT)
        screen.target.focus()
        screen.target.move_cursor((0, 30))
        await pilot.press("ctrl+n")
        await wait_until(pilot, lambda: isinstance(app.screen, AlternativesScreen))
        asking = app.screen
        assert isinstance(asking, AlternativesScreen)
        await wait_until(pilot, lambda: len(asking.texts) == 2)
        assert sorted(asking.texts) == ["another way", "one way"]
        chosen = asking.texts[0]
        asking.query_one(OptionList).focus()
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.screen is screen)
        assert screen.target.text == f"THE LIBRARY OPENS AT NINE. {chosen}"
        await wait_until(pilot, lambda: len(find_records(MEMORY, "")) == 1)

    drive(app, steps)


def test_without_a_sentence_there_are_no_alternatives() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = app.screen
        assert isinstance(screen, TranslateScreen)
        await pilot.press("ctrl+n")
        assert "cursor" in screen.status.message

    drive(app, steps)


def test_the_source_language_is_told_from_the_text() -> None:
    app = make_app(remembered=Remembered("en", "de"))

    async def steps(pilot: Pilot[int]) -> None:
        await translate(pilot, app, "La bibliothèque ouvre ses portes à neuf heures.")
        assert app.languages.source.tag == "fr"
        bar = app.screen.query_one(LanguageBar)
        label = bar.query_one("#source-language").render()
        assert str(label).startswith("detected: français")

    drive(app, steps)


def test_a_text_in_the_target_language_is_translated_back() -> None:
    app = make_app(remembered=Remembered("en", "fr"))

    async def steps(pilot: Pilot[int]) -> None:
        await translate(pilot, app, "La bibliothèque ouvre ses portes à neuf heures.")
        assert app.languages.source.tag == "fr"
        assert app.languages.target is not None
        assert app.languages.target.tag == "en"

    drive(app, steps)


def test_a_picked_language_is_not_overruled() -> None:
    app = make_app(remembered=Remembered("en", "de"), from_="en")

    async def steps(pilot: Pilot[int]) -> None:
        await translate(pilot, app, "La bibliothèque ouvre ses portes à neuf heures.")
        assert app.languages.source.tag == "en"
        await pilot.press("ctrl+g")
        await pilot.press("ctrl+d")
        await wait_until(pilot, lambda: app.languages.source.tag == "fr")

    drive(app, steps)


def test_a_translation_is_read_as_plain_lines() -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await translate(pilot, app, TEXT)
        await pilot.press("alt+p")
        await wait_until(pilot, lambda: isinstance(app.screen, PlainLinesScreen))
        shown = app.screen.query_one("#plain-text")
        assert str(shown.render()) == TEXT.upper()
        await pilot.press("r", "escape")
        await wait_until(pilot, lambda: app.screen is screen)

    drive(app, steps)


@pytest.mark.parametrize(
    ("row", "is_rtl", "seen"),
    [
        ("שלום", True, "םולש"),
        ("abc שלום", False, "abc םולש"),
        ("abc שלום", True, "םולש abc"),
        ("مرحبا 123", True, "123 ابحرم"),
        ("नमस्ते", False, "नमस्ते"),
    ],
)
def test_rows_are_reordered_for_terminals_that_do_not(
    row: str, is_rtl: bool, seen: str
) -> None:
    assert reorder(row, is_rtl=is_rtl) == seen


@given(st.text(st.sampled_from("ab 日本नम्"), max_size=40), st.integers(2, 12))
def test_wrapped_rows_hold_the_line_and_fit(line: str, width: int) -> None:
    from rich.cells import cell_len

    rows = list(wrap_line(line, width))
    assert "".join(rows).replace(" ", "") == line.replace(" ", "")
    assert all(cell_len(row) <= width for row in rows)


@given(st.data())
def test_stretches_follow_their_text_through_edits(data: st.DataObject) -> None:
    parts = ["one. ", "two. ", "three."]
    text, alignment = "", Alignment()
    for number, part in enumerate(parts):
        alignment.add(Stretch(len(text), len(text) + len(part), str(number)))
        text += part
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, len(text)))
        new = data.draw(st.sampled_from(["", "x", "yz"]))
        text = text[:start] + new + text[end:]
        alignment.edit(start, end, len(new))
    untouched = {
        stretch.source: text[stretch.start : stretch.end]
        for index in range(len(text) + 1)
        if (stretch := alignment.at(index)) is not None and not stretch.is_edited
    }
    for source, found in untouched.items():
        assert found == parts[int(source)]


def test_marks_of_a_long_line_are_looked_for_once_not_for_each_row() -> None:
    app = make_app()
    asked: list[tuple[int, int]] = []

    async def steps(pilot: Pilot[int]) -> None:
        screen = app.screen
        assert isinstance(screen, TranslateScreen)
        pane = screen.target
        find = pane.marks_between

        def find_and_note(first: int, last: int) -> Iterator[Mark]:
            asked.append((first, last))
            return find(first, last)

        pane.show_text("one line " * 100)
        with patch.object(pane, "marks_between", find_and_note):
            pane.flag(Mark(9, 17, "flagged", "why"))
            await pilot.pause()
            assert asked == [(0, 900)]
        assert [(span.start, span.end) for span in pane.get_line(0).spans] == [(9, 17)]

    drive(app, steps)
