"""How long texts are in the model's tokens, which are counted on a thread."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on, work
from textual.message import Message
from textual.timer import Timer

from polyspec.tui.screens.room import Room
from polyspec.tui.widgets.marked import MarkedArea

if TYPE_CHECKING:
    from polyspec.tui.worker import ModelWorker

_PAUSE_S = 0.3
"""So long a changed text waits for its count, however often it changes."""


class CountingRoom(Room):
    """A screen whose panes tell how many tokens are in them."""

    @dataclass
    class Counted(Message):
        """The tokens of the panes are counted."""

        counts: Sequence[int] | None
        """One for each pane, in order; None without a model."""

    def __init__(self) -> None:
        super().__init__()
        self._counts_pause: Timer | None = None

    def on_mount(self) -> None:
        super().on_mount()
        self.watch(self.app, "model_state", self.seek_counts)

    @on(MarkedArea.LengthChanged)
    def count_again(self, event: MarkedArea.LengthChanged) -> None:
        event.stop()
        self.seek_counts()

    def seek_counts(self) -> None:
        """Count soon, and once for all that changes until then."""
        if self._counts_pause is None:
            self._counts_pause = self.set_timer(_PAUSE_S, self._count_now)

    def _count_now(self) -> None:
        self._counts_pause = None
        texts = [pane.counted_text for pane in self.query(MarkedArea)]
        if any(texts):
            self._count(self.ui.worker, texts)

    @work(thread=True, exclusive=True, group="counts")
    def _count(self, worker: "ModelWorker", texts: Sequence[str]) -> None:
        self.post_message(self.Counted(worker.count_tokens(texts)))

    @on(Counted)
    def show_counts(self, event: Counted) -> None:
        event.stop()
        for number, pane in enumerate(self.query(MarkedArea)):
            counts = event.counts
            pane.show_tokens(counts[number] if counts is not None else None)
