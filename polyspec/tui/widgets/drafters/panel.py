"""The drafter panel: who proposed, what was accepted, what it saved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Label, Select, Static

from polyspec.tui.themes import PROPOSERS
from polyspec.tui.widgets.drafters.figures import DraftFigures
from polyspec.tui.widgets.drafters.ladder_plot import LadderPlot, draw_bar
from polyspec.tui.widgets.drafters.lines import Lines


class AcceptanceBars(Lines):
    """Accepted tokens by drafter, in the drafters' colours."""

    HELP = "How many tokens of each drafter the model accepted; the rest is its own."

    figures: reactive[DraftFigures | None] = reactive(None, always_update=True)

    def watch_figures(self) -> None:
        self.draw()

    def lines(self, width: int) -> list[Content]:
        figures = self.figures
        if figures is None or not figures.num_tokens:
            return [Content("nothing written yet")]
        width = max(4, width - 19)
        own = figures.num_tokens - figures.num_accepted
        rows = [(name, n) for name, n in sorted(figures.accepted_by_source.items())]
        lines = [
            Content.assemble(
                (f"{name:<8.8}", f"$proposer-{_coloured(name)}"),
                (
                    f"{draw_bar(count / figures.num_tokens, width):<{width}}",
                    f"$proposer-{_coloured(name)}",
                ),
                f"{count:>5} {_share(name, figures)}",
            )
            for name, count in rows
            if count
        ]
        lines.append(
            Content.assemble(
                ("target  ", "$muted"),
                (f"{draw_bar(own / figures.num_tokens, width):<{width}}", "$panel"),
                f"{own:>5}",
            )
        )
        return lines


class FigureTable(Lines):
    """How fast the run is, and what drafting did to that."""

    figures: reactive[DraftFigures | None] = reactive(None, always_update=True)
    rates: reactive[Mapping[str, float]] = reactive(dict)
    rungs: reactive[Sequence[tuple[int, float]]] = reactive(())

    def watch_figures(self) -> None:
        self.draw()

    def watch_rates(self) -> None:
        self.draw()

    def watch_rungs(self) -> None:
        self.draw()

    def lines(self, width: int) -> list[Content]:
        left = min(18, max(10, width - 10))
        right = max(4, width - left)
        return [
            Content.assemble((f"{name:<{left}.{left}}", "$muted"), f"{value:>{right}}")
            for name, value in self._rows()
        ]

    def _rows(self) -> Iterator[tuple[str, str]]:
        figures = self.figures or DraftFigures()
        yield "tokens/s now", f"{figures.rate:.1f}" if figures.rate else "–"
        for name, rate in sorted(self.rates.items()):
            yield f"  with {name}", f"{rate:.1f}"
        plain = figures.plain_rate
        yield "tokens/s plain", f"{plain:.1f}" if plain else "–"
        if self.rungs:
            yield "plain step", f"{1000 * self.rungs[0][1]:.0f} ms"
        if figures.num_drafted:
            share = figures.num_accepted / figures.num_drafted
            yield "drafted", f"{figures.num_drafted}"
            yield "accepted", f"{figures.num_accepted} ({share:.0%})"
            yield "tokens a step", f"{figures.mean_length:.2f}"
            yield "steps saved", f"{figures.num_accepted}"
        elif figures.num_tokens:
            yield "drafted", "nothing"
        if figures.drafters and figures.num_drafted:
            yield "time saved", f"{figures.saved_s:+.2f} s"


class DrafterPanel(Vertical):
    """Figures of the current run, the ladder, and the choice of the drafter."""

    HELP = (
        "Drafting, watched. Every word is the model's own choice; drafters only guess "
        "ahead, and what the model agrees with costs less. Switch drafters here, also "
        "while a text is being translated."
    )

    figures: reactive[DraftFigures | None] = reactive(None, always_update=True)
    rates: reactive[Mapping[str, float]] = reactive(dict)
    """Tokens a second of the latest run, by drafter setting."""
    rungs: reactive[Sequence[tuple[int, float]]] = reactive(())
    device = reactive("")
    memory_bytes = reactive(0)

    @dataclass
    class DrafterPicked(Message):
        """Another drafter is wanted."""

        name: str

    def __init__(self) -> None:
        super().__init__(id="drafters")
        self.border_title = "Drafting"
        self._chosen = "auto"
        self._drafters: tuple[str, ...] = ("auto",)

    def compose(self) -> ComposeResult:
        yield Select(
            [(name, name) for name in self._drafters],
            value=self._chosen,
            allow_blank=False,
            compact=True,
            id="drafter",
            tooltip="Which drafter guesses ahead",
        )
        with VerticalScroll(can_focus=False):
            yield FigureTable(id="figures")
            yield Label("accepted, by drafter", classes="heading")
            yield AcceptanceBars(id="acceptance")
            yield Label("cost of a step, by tokens in it", classes="heading")
            yield LadderPlot(id="ladder")
            yield Label("device", classes="heading")
            yield Static("", id="device", markup=False)

    def offer(self, drafters: Sequence[str], chosen: str) -> None:
        """Name the drafters there are, and the one that drafts."""
        offered = tuple(drafters if chosen in drafters else (*drafters, chosen))
        if (chosen, offered) == (self._chosen, self._drafters):
            return
        self._chosen, self._drafters = chosen, offered
        if not self.is_mounted:
            return
        select = self.query_one(Select)
        with select.prevent(Select.Changed):
            select.set_options([(name, name) for name in self._drafters])
            select.value = chosen

    def watch_figures(self) -> None:
        if self.is_mounted:
            self.query_one(FigureTable).figures = self.figures
            self.query_one(AcceptanceBars).figures = self.figures

    def watch_rates(self) -> None:
        if self.is_mounted:
            self.query_one(FigureTable).rates = self.rates

    def watch_rungs(self) -> None:
        if self.is_mounted:
            self.query_one(FigureTable).rungs = self.rungs
            self.query_one(LadderPlot).rungs = self.rungs

    def watch_device(self) -> None:
        self._show_device()

    def watch_memory_bytes(self) -> None:
        self._show_device()

    @on(Select.Changed)
    def announce(self, event: Select.Changed) -> None:
        event.stop()
        name = str(event.value)
        if name != self._chosen:
            self._chosen = name
            self.post_message(self.DrafterPicked(name))

    def _show_device(self) -> None:
        if self.is_mounted:
            memory = f"{self.memory_bytes / 1e9:.2f} GB of memory in use"
            lines = [self.device, memory if self.memory_bytes else ""]
            self.query_one("#device", Static).update("\n".join(filter(None, lines)))


def _share(name: str, figures: DraftFigures) -> str:
    """How much of what it proposed was accepted, where that is known."""
    share = figures.drafters.get(name)
    if share is None or not share.num_verified:
        return ""
    return f"{share.num_accepted / share.num_verified:>4.0%}"


def _coloured(name: str) -> str:
    return name if name in PROPOSERS else "model"
