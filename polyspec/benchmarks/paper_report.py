"""What `bench paper` measured: tables for the terminal and for Markdown."""

from collections.abc import Iterator, Sequence
from statistics import fmean

from polyspec.benchmarks.paper import PAPER_LANGUAGES, PaperRow, by_task_and_drafter
from polyspec.benchmarks.report import format_table

HEADINGS = (
    "language",
    "task",
    "drafter",
    "accepted",
    "tokens/step",
    "c",
    "f",
    "timed",
    "median",
    "quartiles",
    "tokens/s",
    "chars/s",
    "fertility",
    "identical",
)
_MEAN_HEADINGS = ("mean of", "task", "drafter", "accepted", "c", "f", "timed", "least")
_ROUTER_HEADINGS = ("language", "task", "auto", "best other", "its speed-up", "ratio")
_LEGEND = """\
accepted: chance that a draft token is accepted once those before it are. tokens/step:
mean acceptance length, the target's own token included. c: the drafter's time for a
draft token over the target's for one token. f: the speed-up that the paper computes
from these, by Leviathan et al. 2023. timed: tokens per second over those of plain
decoding, reading of prompts included; median and quartiles are those of single texts.
fertility: tokens for a word, for a character in Chinese and Japanese. identical: share
of texts equal to plain decoding."""


def mean_rows(rows: Sequence[PaperRow]) -> list[dict[str, object]]:
    """Means over languages for each task and drafter: the paper's eleven, and all."""
    means: list[dict[str, object]] = []
    eleven = [row for row in rows if row.language in PAPER_LANGUAGES]
    sets = [("paper", eleven)]
    if len(eleven) < len(rows):
        sets.append(("all", list(rows)))
    for name, some in sets:
        for (task, drafter), group in by_task_and_drafter(some).items():
            if len(group) > 1:
                means.append(
                    {
                        "languages": name,
                        "num_languages": len(group),
                        "task": task,
                        "drafter": drafter,
                        **_mean(group),
                    }
                )
    return means


def _mean(rows: Sequence[PaperRow]) -> dict[str, object]:
    acceptances = [row.acceptance for row in rows if row.acceptance is not None]
    costs = [row.cost_ratio for row in rows if row.cost_ratio is not None]
    return {
        "acceptance": round(fmean(acceptances), 4) if acceptances else None,
        "cost_ratio": round(fmean(costs), 6) if costs else None,
        "computed_speedup": round(fmean(row.computed for row in rows), 4),
        "speedup": round(fmean(row.speedup for row in rows), 4),
        "least": round(min(row.speedup for row in rows), 4),
    }


def compare_router(rows: Sequence[PaperRow]) -> list[dict[str, object]]:
    """`auto` beside the best of the others, for each language and task it has.

    Plain decoding, a speed-up of 1, is one of the others.
    """
    compared: list[dict[str, object]] = []
    for auto in rows:
        if auto.drafter != "auto":
            continue
        best, name = 1.0, "plain"
        for row in rows:
            is_rival = (row.language, row.task) == (auto.language, auto.task)
            if is_rival and row.drafter not in {"auto", "none"} and row.speedup > best:
                best, name = row.speedup, row.drafter
        compared.append(
            {
                "language": auto.language,
                "task": auto.task,
                "auto": round(auto.speedup, 4),
                "best": name,
                "best_speedup": round(best, 4),
                "ratio": round(auto.speedup / best, 4),
            }
        )
    return compared


def format_paper(rows: Sequence[PaperRow]) -> str:
    """Return the tables for a terminal."""
    tables = [format_table(headings, cells) for headings, cells in _tables(rows)]
    return "\n\n".join([*tables, _LEGEND])


def format_markdown(rows: Sequence[PaperRow], signature: dict[str, object]) -> str:
    """Return the tables as Markdown, with what the figures depend on."""
    parts = [
        f"- {name.replace('_', ' ')}: {value}" for name, value in signature.items()
    ]
    tables = [_markdown_table(headings, cells) for headings, cells in _tables(rows)]
    return "\n\n".join(["\n".join(parts), *tables, _LEGEND]) + "\n"


def _tables(
    rows: Sequence[PaperRow],
) -> Iterator[tuple[Sequence[str], list[list[str]]]]:
    yield HEADINGS, [_cells(row) for row in rows]
    means = mean_rows(rows)
    if means:
        yield _MEAN_HEADINGS, [_mean_cells(mean) for mean in means]
    compared = compare_router(rows)
    if compared:
        cells = [
            [
                str(each["language"]),
                str(each["task"]),
                f"{each['auto']:.3f}",
                str(each["best"]),
                f"{each['best_speedup']:.3f}",
                f"{each['ratio']:.3f}",
            ]
            for each in compared
        ]
        yield _ROUTER_HEADINGS, cells


def _cells(row: PaperRow) -> list[str]:
    fields = row.as_fields()
    low, middle, high = row.spread
    name = row.drafter
    if row.fixed_length is not None:
        name = f"{name} {row.fixed_length}"
    return [
        row.language,
        row.task,
        name,
        _number(fields["acceptance"], 2),
        _number(fields["mean_acceptance_length"], 2),
        _number(fields["cost_ratio"], 4),
        _number(fields["computed_speedup"], 3),
        _number(fields["speedup"], 3),
        _number(middle, 3),
        f"{low:.2f}-{high:.2f}",
        _number(fields["tokens_per_s"], 1),
        _number(fields["chars_per_s"], 1),
        _number(fields["fertility"], 2),
        _number(fields["identical"], 2),
    ]


def _mean_cells(mean: dict[str, object]) -> list[str]:
    return [
        f"{mean['num_languages']} ({mean['languages']})",
        str(mean["task"]),
        str(mean["drafter"]),
        _number(mean["acceptance"], 2),
        _number(mean["cost_ratio"], 4),
        _number(mean["computed_speedup"], 3),
        _number(mean["speedup"], 3),
        _number(mean["least"], 3),
    ]


def _number(value: object, digits: int) -> str:
    """Format a number; a dash stands for none."""
    return f"{value:.{digits}f}" if isinstance(value, int | float) else "-"


def _markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
