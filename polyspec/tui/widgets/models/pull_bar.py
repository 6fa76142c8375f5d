"""How far a download is."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.reactive import reactive
from textual.widgets import Label, ProgressBar

from polyspec.tui.amounts import format_bytes
from polyspec.tui.pulling import PullState


class PullBar(Vertical):
    """A bar with what is fetched above it; hidden while nothing is."""

    state: reactive[PullState | None] = reactive(None)

    def __init__(self) -> None:
        super().__init__()
        self.display = False

    def compose(self) -> ComposeResult:
        yield Label("", id="pull-label", markup=False)
        yield ProgressBar(show_eta=True, id="pull-progress")
        yield Label("", id="pull-note", markup=False)

    def watch_state(self, state: PullState | None) -> None:
        self.display = state is not None
        if state is not None:
            done, total = (
                format_bytes(state.done_bytes),
                format_bytes(state.total_bytes),
            )
            self.query_one("#pull-label", Label).update(
                f"{state.name} · {state.stage} · {done} of {total}"
            )
            self.query_one("#pull-note", Label).update(state.note)
            self.query_one(ProgressBar).update(
                total=state.total_bytes, progress=state.done_bytes
            )
