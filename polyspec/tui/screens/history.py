"""What was translated, to be found again: the history, and the memory of segments."""

from collections.abc import Callable
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from polyspec.errors import PolySpecError
from polyspec.tui.archive import (
    HISTORY,
    MEMORY,
    Record,
    delete_records,
    export_records,
    find_records,
)
from polyspec.tui.bindings import bind
from polyspec.tui.screens.ask import AskScreen
from polyspec.tui.screens.room import Room
from polyspec.tui.widgets.records.record import RecordCard, ShownRecord


class RecordList(OptionList):
    """What was found, one a line."""

    HELP = (
        "Kept translations, the latest first. Enter puts the marked one back into the "
        "panes; ctrl+t changes between the history of texts and the memory of segments."
    )


class HistoryScreen(Room):
    """A line to search in, what was found, and the marked one in full."""

    NAME = "history"
    AUTO_FOCUS = "#sought"
    BINDINGS = [
        bind(
            "ctrl+t", "change", "Memory", "Change to the other list", "history.change"
        ),
        bind("ctrl+r", "reuse", "Reuse", "Put it back into the panes", "history.reuse"),
        bind("f8", "forget", "Forget", "Delete the marked one", "history.forget"),
        bind("ctrl+s", "export", "Export", "Write all into a file", "history.export"),
        bind("f9", "copy", "Copy", "Copy the translation", "history.copy"),
        bind("down", "move(1)", "Next", "Mark the next", "history.next", show=False),
        bind("up", "move(-1)", "Previous", "Mark the last", "history.up", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.shelf = HISTORY
        self.records: tuple[Record, ...] = ()

    def compose_room(self) -> ComposeResult:
        with Container(id="desk"):
            with Vertical(id="found"):
                yield Input(placeholder="search", compact=True, id="sought")
                yield RecordList(id="records", compact=True)
            with VerticalScroll(id="record-side", can_focus=False) as side:
                side.border_title = "translation"
                yield RecordCard(id="record")

    def on_screen_resume(self) -> None:
        self._search()

    @on(Input.Changed)
    def search(self, event: Input.Changed) -> None:
        event.stop()
        self._search()

    @on(Input.Submitted)
    def reuse_first(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_reuse()

    @on(OptionList.OptionSelected)
    def reuse_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_reuse()

    @on(OptionList.OptionHighlighted)
    def show_marked(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._show_card()

    def action_change(self) -> None:
        """Show the memory in place of the history, or the other way round."""
        self.shelf = MEMORY if self.shelf == HISTORY else HISTORY
        self._search()

    def action_move(self, by: int) -> None:
        """Mark the next one or the one before."""
        options = self.query_one(RecordList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def action_reuse(self) -> None:
        """Put the marked text and its translation into the panes."""
        record = self._marked
        if record is not None:
            self.ui.reuse(
                record.source_tag, record.target_tag, record.source, record.translation
            )

    def action_copy(self) -> None:
        """Copy the marked translation."""
        record = self._marked
        if record is not None and record.translation:
            self.app.copy_to_clipboard(record.translation)
            self.status.show("translation copied")

    def action_forget(self) -> None:
        """Delete the marked record."""
        record = self._marked
        if record is not None:
            self._run(lambda: delete_records(self.shelf, [record.id]), "forgotten")

    def action_export(self) -> None:
        """Write the whole list into a file whose name is asked for."""
        name = "history.csv" if self.shelf == HISTORY else "memory.tmx"

        def export(path: str | None) -> None:
            if path:
                target = Path(path).expanduser()
                self._run(
                    lambda: export_records(self.shelf, target), f"written to {target}"
                )

        self.app.push_screen(
            AskScreen(f"Write the {self.shelf} to", name, name), export
        )

    @property
    def _marked(self) -> Record | None:
        index = self.query_one(RecordList).highlighted
        if index is None or index >= len(self.records):
            return None
        return self.records[index]

    def _search(self) -> None:
        self._find(self.shelf, self.query_one("#sought", Input).value.strip())

    @work(thread=True, exclusive=True, group="records")
    def _find(self, shelf: str, text: str) -> None:
        try:
            records = find_records(shelf, text)
        except PolySpecError as error:
            self.app.call_from_thread(self.show_problem, error)
        else:
            self.app.call_from_thread(self._show, shelf, records)

    @work(thread=True, group="changes")
    def _run(self, change: Callable[[], int], done: str) -> None:
        try:
            number = change()
        except PolySpecError as error:
            self.app.call_from_thread(self.show_problem, error)
        else:
            self.app.call_from_thread(self.status.show, f"{number:,} {done}")
            self.app.call_from_thread(self._search)

    def _show(self, shelf: str, records: tuple[Record, ...]) -> None:
        if shelf != self.shelf:
            return
        options = self.query_one(RecordList)
        marked = options.highlighted or 0
        self.records = records
        options.clear_options()
        options.add_options(Option(_shown(record).line()) for record in records)
        if records:
            options.highlighted = min(marked, len(records) - 1)
        box = self.query_one("#found")
        box.border_title = shelf
        box.border_subtitle = f"{len(records):,} found" if records else "nothing found"
        self._show_card()

    def _show_card(self) -> None:
        record = self._marked
        card = self.query_one(RecordCard)
        card.record = _shown(record) if record is not None else None


def _shown(record: Record) -> ShownRecord:
    return ShownRecord(
        f"{record.source_tag} → {record.target_tag}",
        record.source,
        record.translation,
        record.when,
        record.origin,
    )
