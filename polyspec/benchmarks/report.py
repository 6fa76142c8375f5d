"""Tables and plots of measurements, as plain text."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from polyspec.benchmarks.decode import DecodeRow
from polyspec.benchmarks.replay_rows import ReplayRow
from polyspec.decoding.step_cost import StepCost

_HEADINGS = (
    "language",
    "task",
    "drafter",
    "tokens",
    "plain s",
    "drafted s",
    "speed-up",
    "accepted",
    "tokens/step",
    "identical",
)
_REPLAY_HEADINGS = (
    "language",
    "task",
    "drafter",
    "tokens",
    "accepted",
    "tokens/step",
    "speed-up",
)
_MEASURED_HEADINGS = ("predicted", "measured", "ratio")


def format_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table with columns as wide as their widest cell; rows may be short."""
    cells = [
        headings,
        *([*row, *[""] * (len(headings) - len(row))] for row in rows),
    ]
    widths = [max(len(row[place]) for row in cells) for place in range(len(headings))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def format_decode(rows: Sequence[DecodeRow]) -> str:
    """Return the table of `bench decode`; tokens/step includes the bonus token."""
    cells = [list(_decode_cells(row)) for row in rows]
    for mean in mean_decode(rows):
        cells.append(_mean_cells(mean, place=6))
    return format_table(_HEADINGS, cells)


def mean_decode(rows: Sequence[DecodeRow]) -> list[dict[str, object]]:
    """The mean speed-up of each task and drafter with several languages."""
    groups: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        groups.setdefault((row.task, row.drafter), []).append(row.speedup)
    return _means(groups)


def mean_replays(rows: Sequence[ReplayRow]) -> list[dict[str, object]]:
    """The same of replays."""
    groups: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        groups.setdefault((row.task, row.drafter), []).append(row.replay.speed_up)
    return _means(groups)


def _means(
    groups: Mapping[tuple[str, str], Sequence[float]],
) -> list[dict[str, object]]:
    return [
        {
            "task": task,
            "drafter": drafter,
            "num_languages": len(speed_ups),
            "speedup": round(fmean(speed_ups), 4),
            "least": round(min(speed_ups), 4),
        }
        for (task, drafter), speed_ups in groups.items()
        if len(speed_ups) > 1
    ]


def _mean_cells(mean: Mapping[str, object], place: int) -> list[str]:
    """Cells of a mean, its speed-up in the column of that number."""
    cells = [
        f"mean of {mean['num_languages']}",
        str(mean["task"]),
        str(mean["drafter"]),
    ]
    return [*cells, *[""] * (place - len(cells)), f"{mean['speedup']:.3f}"]


def _decode_cells(row: DecodeRow) -> Iterator[str]:
    fields = row.as_fields()
    yield from (row.language, row.task, row.drafter, str(row.num_tokens))
    yield from (f"{row.plain_s:.2f}", f"{row.drafted_s:.2f}", f"{row.speedup:.3f}")
    yield f"{fields['acceptance_rate']:.2f}"
    yield f"{fields['mean_acceptance_length']:.2f}"
    yield f"{fields['identical']:.2f}"


def format_replay(rows: Sequence[ReplayRow]) -> str:
    """Return the table of `bench replay`, predictions where there is a measurement."""
    is_measured = any(row.measured is not None for row in rows)
    headings = _REPLAY_HEADINGS + (_MEASURED_HEADINGS if is_measured else ())
    cells = [list(_replay_cells(row)) for row in rows]
    cells += [_mean_cells(mean, place=6) for mean in mean_replays(rows)]
    return format_table(headings, cells)


def _replay_cells(row: ReplayRow) -> Iterator[str]:
    done = row.replay
    name = (
        row.drafter if row.fixed_length is None else f"{row.drafter} {row.fixed_length}"
    )
    yield from (row.language, row.task, name, str(done.num_tokens))
    yield from (f"{done.acceptance_rate:.2f}", f"{done.mean_acceptance_length:.2f}")
    yield f"{done.speed_up:.3f}"
    if row.predicted is not None and row.measured is not None:
        yield from (f"{row.predicted:.3f}", f"{row.measured:.3f}")
        yield f"{row.predicted / row.measured:.3f}"


def format_ladder(cost: StepCost) -> str:
    """Return the ladder as a table: time, cost, throughput and exactness by width."""
    rows = []
    for width in cost.measured_widths:
        exact = width == 1 or width in cost.identical_widths
        rows.append(
            [
                str(width),
                f"{1e3 * cost.of(width):.2f}",
                f"{cost.relative(width):.2f}",
                f"{width / cost.relative(width):.2f}",
                "yes" if exact else "no" if width <= _LAST_PROBED else "not probed",
            ]
        )
    headings = ("width", "ms", "cost", "tokens per cost", "bit-identical")
    limit = (
        f"bit-identical while the cache holds at most {cost.identical_tokens} tokens"
        if cost.identical_widths
        else "no width is bit-identical to single tokens here"
    )
    filling = (
        f"\nwider steps than {cost.tile} tokens are filled up to a multiple of it"
        if cost.tile > 1
        else ""
    )
    return f"{format_table(headings, rows)}\n\n{limit}{filling}"


_LAST_PROBED = 8


def plot_ladder(cost: StepCost, width: int = 72, height: int = 18) -> str:
    """Return a plot of cost by width for a terminal, without colours."""
    import plotext

    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plot_size(width, height)
    plotext.title("cost of a step, relative to one token")
    plotext.xlabel("tokens in the step")
    widths = list(cost.measured_widths)
    plotext.plot(widths, [cost.relative(w) for w in widths], marker="dot")
    plotext.scatter(widths, [cost.relative(w) for w in widths], marker="x")
    return str(plotext.uncolorize(plotext.build()))
