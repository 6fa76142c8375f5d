"""The step-cost ladder as bars: what a step of several tokens costs."""

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive

from polyspec.tui.widgets.drafters.lines import Lines

_EIGHTHS = " ▏▎▍▌▋▊▉"


def draw_bar(share: float, width: int) -> str:
    """A bar of `share` times `width` cells, to an eighth of a cell."""
    eighths = max(1, round(min(1.0, share) * width * 8))
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


class LadderPlot(Lines):
    """One bar for each power of two that was measured; the cost of one token is 1."""

    HELP = (
        "What the model pays for a step of 1, 2, 3 ... tokens, in steps of one token, "
        "measured on this machine. Flat is good: there drafts are nearly free."
    )

    rungs: reactive[Sequence[tuple[int, float]]] = reactive(())
    """Tokens in a step, and its seconds."""

    def watch_rungs(self) -> None:
        self.draw()

    def lines(self, width: int) -> list[Content]:
        if not self.rungs:
            return [Content("not measured yet")]
        first = self.rungs[0][1] or 1.0
        shown = [rung for rung in self.rungs if rung[0].bit_count() == 1]
        most = max(seconds for _, seconds in shown) / first
        width = max(4, width - 11)
        return [
            Content.assemble(
                (f"{tokens:>3} ", "$muted"),
                (f"{draw_bar(seconds / first / most, width):<{width}}", "$primary"),
                f" {seconds / first:5.2f}",
            )
            for tokens, seconds in shown
        ]
