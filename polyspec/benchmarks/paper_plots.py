"""Pictures of what `bench paper` measured, as PNG and SVG."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from polyspec.benchmarks.paper import (
    DRAFTERS,
    PaperRow,
    by_task_and_drafter,
    expected_improvement,
)
from polyspec.errors import DocumentError, UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import ColorType

_LINES = (1.0, 1.1, 1.2, 1.35, 1.5, 2.0)
"""Computed speed-ups that a line is drawn for."""
_LINE_LENGTH = 3
"""Draft tokens of a step that the lines are drawn for."""
_LEAST_COST = 1e-4
_LEAST_TRIED = 20
"""Places of a draft that were judged less often are too uncertain to be shown."""
_SUFFIXES = (".png", ".svg")
_COLOURS = {name: f"C{number}" for number, name in enumerate(DRAFTERS)}
"""The same in all pictures."""


def _colour_of(drafter: str) -> "ColorType":
    """That of a draft model given by name or path depends on its name alone."""
    import matplotlib

    if drafter in _COLOURS:
        return _COLOURS[drafter]
    others = matplotlib.colormaps["tab20b"]
    return others(crc32(drafter.encode()) % others.N)


def require_matplotlib() -> None:
    """Refuse to plot where nothing can.

    Raises:
        UsageError: matplotlib is not installed.
    """
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise UsageError(
            "the plots cannot be drawn",
            cause="matplotlib is not installed",
            remedy='install it with: pip install "polyspec[bench]"',
        )


def plot_paper(rows: Sequence[PaperRow], folder: Path) -> list[Path]:
    """Draw all pictures into a folder, each whole or not at all.

    Returns:
        The files.

    Raises:
        DocumentError: They cannot be written there.
    """
    paths: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in _figures(rows):
            for suffix in _SUFFIXES:
                path = folder / f"{name}{suffix}"
                beside = folder / f".{name}.part{suffix}"
                metadata = {"Date": None} if suffix == ".svg" else None
                figure.savefig(beside, metadata=metadata, dpi=150)
                beside.replace(path)
                paths.append(path)
    except OSError as error:
        raise DocumentError(
            f"cannot write the plots into {folder}",
            cause=(error.strerror or str(error)).lower(),
            remedy="name a folder that can be written to",
        ) from error
    return paths


def _figures(rows: Sequence[PaperRow]) -> "Iterator[tuple[str, Figure]]":
    import matplotlib as mpl

    # Without this, the same figures would give another file each time.
    with mpl.rc_context({"svg.hashsalt": "polyspec"}):
        drafted = [row for row in rows if row.num_drafted]
        for task in dict.fromkeys(row.task for row in rows):
            some = [row for row in rows if row.task == task]
            yield f"speedup-{task}", _draw_speedups(some)
        if drafted:
            yield "acceptance-cost", _draw_costs(drafted)
            yield "acceptance-by-position", _draw_positions(drafted)
            yield "tokens-saved", _draw_savings(drafted)


def _draw_speedups(rows: Sequence[PaperRow]) -> "Figure":
    """Bars: timed speed-up by language and drafter, quartiles as whiskers."""
    from matplotlib.figure import Figure

    languages = list(dict.fromkeys(row.language for row in rows))
    drafters = list(dict.fromkeys(row.drafter for row in rows))
    figure = Figure(figsize=(max(6.0, 0.06 * len(rows) + 2), 4), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(drafters)
    for number, drafter in enumerate(drafters):
        some = [row for row in rows if row.drafter == drafter]
        places = [languages.index(row.language) + number * width for row in some]
        speedups = [row.speedup for row in some]
        axes.bar(places, speedups, width, label=drafter, color=_colour_of(drafter))
        for place, row in zip(places, some, strict=True):
            low, _, high = row.spread
            axes.vlines(place, low, high, color="black", linewidth=0.6)
    axes.axhline(1.0, color="grey", linewidth=0.8)
    axes.set_xticks(
        [place + 0.4 - width / 2 for place in range(len(languages))], languages
    )
    axes.set(ylabel=f"timed speed-up, {rows[0].task}")
    axes.margins(x=0.01)
    figure.legend(loc="outside upper center", fontsize="small", ncols=len(drafters))
    return figure


def _draw_costs(rows: Sequence[PaperRow]) -> "Figure":
    """Points: acceptance against cost, with lines of equal computed speed-up."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 4.5), layout="constrained")
    axes = figure.subplots()
    costs = [max(_LEAST_COST, row.cost_ratio or 0.0) for row in rows]
    _draw_lines(axes, max(1.0, *costs))
    for drafter in dict.fromkeys(row.drafter for row in rows):
        places = [place for place, row in enumerate(rows) if row.drafter == drafter]
        axes.scatter(
            [costs[place] for place in places],
            [rows[place].acceptance or 0.0 for place in places],
            s=14,
            label=drafter,
            color=_colour_of(drafter),
        )
    axes.set(xscale="log", ylim=(0, 1), xlabel="cost ratio c", ylabel="acceptance")
    axes.set_title(f"lines: computed speed-up of {_LINE_LENGTH} draft tokens a step")
    axes.legend(fontsize="small")
    return figure


def _draw_lines(axes: "Axes", most: float) -> None:
    import numpy as np

    costs = np.geomspace(_LEAST_COST, most, 80)
    chances = np.linspace(0, 1, 101)
    speedups = [
        [
            expected_improvement(chance, _LINE_LENGTH, _LINE_LENGTH * cost)
            for cost in costs
        ]
        for chance in chances
    ]
    lines = axes.contour(
        costs, chances, speedups, levels=_LINES, colors="grey", linewidths=0.7
    )
    # Labels within the lines would leave gaps as long as half the picture.
    axes.clabel(lines, fontsize="x-small", inline=False)


def _draw_positions(rows: Sequence[PaperRow]) -> "Figure":
    """Lines: chance to be accepted by place in the draft, all languages together."""
    from matplotlib.figure import Figure

    tasks = list(dict.fromkeys(row.task for row in rows))
    figure = Figure(figsize=(4.5 * len(tasks), 3.6), layout="constrained")
    panels = figure.subplots(1, len(tasks), squeeze=False, sharey=True)[0]
    groups = by_task_and_drafter(rows)
    for panel, task in zip(panels, tasks, strict=True):
        for (of_task, drafter), some in groups.items():
            if of_task == task:
                rates = list(_rates(some))
                panel.plot(
                    range(1, 1 + len(rates)),
                    rates,
                    marker="o",
                    markersize=4,
                    label=drafter,
                    color=_colour_of(drafter),
                )
        panel.set(title=task, xlabel="place in the draft", ylim=(0, 1))
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.legend(fontsize="small")
    panels[0].set_ylabel("accepted, once all before are")
    return figure


def _rates(rows: Sequence[PaperRow]) -> Iterator[float]:
    for place in range(max(len(row.tried_at) for row in rows)):
        some = [row for row in rows if place < len(row.tried_at)]
        tried = sum(row.tried_at[place] for row in some)
        if tried < _LEAST_TRIED:
            return
        yield sum(row.accepted_at[place] for row in some) / tried


def _draw_savings(rows: Sequence[PaperRow]) -> "Figure":
    """Bars: share of tokens that each drafter of `auto`, or each alone, saved."""
    from matplotlib.figure import Figure

    joined = [row for row in rows if row.drafter == "auto"]
    shown = joined or list(rows)
    names = [
        f"{row.language} {row.task}" + ("" if joined else f" {row.drafter}")
        for row in shown
    ]
    figure = Figure(figsize=(7, 0.22 * len(shown) + 1.4), layout="constrained")
    axes = figure.subplots()
    left = [0.0] * len(shown)
    for source in dict.fromkeys(name for row in shown for name in row.saved_by_source):
        shares = [row.saved_by_source.get(source, 0) / row.num_tokens for row in shown]
        colour = _COLOURS.get(source, "grey")
        axes.barh(names, shares, left=left, label=source, color=colour)
        left = [sum(pair) for pair in zip(left, shares, strict=True)]
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.set(xlabel="share of tokens saved" + (", auto" if joined else ""))
    axes.tick_params(axis="y", labelsize="small")
    if any(row.saved_by_source for row in shown):
        figure.legend(loc="outside upper center", fontsize="small", ncols=4)
    return figure
