"""One file of the queue, as it is shown."""

from dataclasses import dataclass

from textual.content import Content

from polyspec.tui.widgets.drafters.ladder_plot import draw_bar

_BAR_WIDTH = 12
_STYLES = {
    "waiting": "$muted",
    "running": "$accent",
    "paused": "$muted",
    "done": "$success",
    "failed": "$error",
}


@dataclass(frozen=True, slots=True)
class QueueRow:
    """What a line of the queue says."""

    name: str
    languages: str
    """For example `en → fr`."""
    state: str
    """`waiting`, `running`, `paused`, `done` or `failed`."""
    share: float
    """How much is done, `0..1`."""
    seconds_left: float | None = None

    def render(self) -> Content:
        """The line: state, bar, name."""
        style = _STYLES[self.state]
        bar = draw_bar(self.share, _BAR_WIDTH) if self.share else ""
        left = format_left(self.seconds_left) if self.state == "running" else ""
        return Content.assemble(
            (f"{self.state:<8} ", style),
            (f"{bar:<{_BAR_WIDTH}}", style),
            f" {self.share:>4.0%}  {self.name}",
            (f"  {left}" if left else "", "$accent"),
            (f"  {self.languages}", "$muted"),
        )


def format_left(seconds: float | None) -> str:
    """Time that is left, roughly; empty where it is not known."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.0f} s left"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min left"
    return f"{seconds / 3600:.1f} h left"
