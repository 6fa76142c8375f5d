"""Tables and plots of measurements, as plain text."""

from collections.abc import Iterator, Sequence

from polyspec.benchmarks.decode import DecodeRow
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


def format_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table with columns as wide as their widest cell."""
    cells = [headings, *rows]
    widths = [max(len(row[place]) for row in cells) for place in range(len(headings))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def format_decode(rows: Sequence[DecodeRow]) -> str:
    """Return the table of `bench decode`; tokens/step includes the bonus token."""
    return format_table(_HEADINGS, [list(_decode_cells(row)) for row in rows])


def _decode_cells(row: DecodeRow) -> Iterator[str]:
    fields = row.as_fields()
    yield from (row.language, row.task, row.drafter, str(row.num_tokens))
    yield from (f"{row.plain_s:.2f}", f"{row.drafted_s:.2f}", f"{row.speedup:.3f}")
    yield f"{fields['acceptance_rate']:.2f}"
    yield f"{fields['mean_acceptance_length']:.2f}"
    yield f"{fields['identical']:.2f}"


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
    return f"{format_table(headings, rows)}\n\n{limit}"


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
