"""What screens share on which a model writes: one run at a time, shown as it comes."""

from typing import TYPE_CHECKING

from polyspec.tui.screens.counting import CountingRoom
from polyspec.tui.widgets.marked import Mark
from polyspec.tui.widgets.target.pane import TargetPane

if TYPE_CHECKING:
    from polyspec.tui.jobs import PieceDone, RunBegun, RunEnded, TextJob, TextWritten
    from polyspec.tui.widgets.drafters.figures import DraftFigures


class WritingRoom(CountingRoom):
    """A screen with a pane that the model fills."""

    DOING = "writing …"

    def __init__(self) -> None:
        super().__init__()
        self.run_number = 0
        """Of the latest run; messages of older ones mean nothing any more."""
        self.figures: DraftFigures | None = None
        """What drafting did in the latest run; None before the first."""
        self._job: TextJob | None = None

    @property
    def target(self) -> TargetPane:
        return self.query_one(TargetPane)

    @property
    def is_writing(self) -> bool:
        """Whether a run is under way."""
        return self._job is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to stop only what runs."""
        return self.is_writing if action == "stop" else True

    def start(self, job: "TextJob") -> None:
        """Let the model do a job; one that runs is stopped."""
        self.cancel()
        self._job = job
        self.run_number = job.run_number
        self.ui.worker.submit(job)
        self._show_running(True)

    def start_again(self) -> None:
        """Begin the run anew, if there is one."""
        if self._job is not None:
            self.start(self._job.again(self.ui.next_run()))

    def cancel(self) -> None:
        """Stop the run, if there is one."""
        if self._job is not None:
            self._job.cancel()
            self._show_running(False)

    def forget(self) -> None:
        """Stop, and ignore whatever still comes of it."""
        self.cancel()
        self.run_number = 0

    def show_figures(self) -> None:
        """Show what drafting did by now."""

    def show_begin(self) -> None:
        """Make room for a new text."""
        self.target.begin()

    def on_run_begun(self, event: "RunBegun") -> None:
        from polyspec.tui.widgets.drafters.figures import DraftFigures

        event.stop()
        if event.run == self.run_number:
            self.figures = DraftFigures()
            self.show_begin()
            self.status.show(self.DOING)

    def on_text_written(self, event: "TextWritten") -> None:
        event.stop()
        if event.run == self.run_number:
            self.target.write(event.start, event.text)

    def on_piece_done(self, event: "PieceDone") -> None:
        event.stop()
        if event.run != self.run_number or self.figures is None:
            return
        facts = event.facts
        self.figures.add(
            facts.num_tokens,
            facts.num_steps,
            facts.num_drafted,
            facts.accepted_by_source,
        )
        self.figures.elapsed_s = facts.elapsed_s
        self.target.colour(
            Mark(proposal.start, proposal.end, proposal.drafter)
            for proposal in facts.proposals
        )
        if facts.source:
            self.target.align(facts.start, facts.end, facts.source)
        if facts.note:
            self.target.flag(Mark(facts.start, facts.end, "flagged", facts.note))
        self.show_figures()

    def on_run_ended(self, event: "RunEnded") -> None:
        event.stop()
        if event.run != self.run_number:
            return
        self._show_running(False)
        if event.error is not None:
            self.target.finish()
            self.show_problem(event.error)
        elif event.is_cancelled:
            self.status.show("stopped")
        else:
            self.target.finish()
            self.status.show(f"done in {event.elapsed_s:.1f} s")
            if self.figures is not None:
                self.figures.elapsed_s = event.elapsed_s
                self.figures.drafters = event.drafters
                self.figures.is_over = True
                self.ui.note_rate(self.figures.rate)
                self.status.figures = self.figures.describe()
        self.show_figures()

    def _show_running(self, is_running: bool) -> None:
        if not is_running:
            self._job = None
        self.target.is_streaming = is_running
        self.refresh_bindings()
