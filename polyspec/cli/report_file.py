"""`--report FILE`: the segments that need a look, as JSON, Markdown or a page."""

import json
from collections.abc import Callable
from html import escape
from pathlib import Path

from polyspec.cli.job_tally import Flag, Tally
from polyspec.errors import UsageError

_COLUMNS = ("document", "segment", "source", "translation", "reason")


def require_report_name(path: Path | None) -> None:
    """Raise `UsageError` for a report whose name says no format."""
    if path is not None and path.suffix.lower() not in _WRITERS:
        raise UsageError(
            f"--report {path} names no format",
            cause=f"a report is written as {', '.join(_WRITERS)}",
            remedy="end the name with one of them",
        )


def write_report(path: Path, tally: Tally) -> None:
    """Write the report.

    Raises:
        DocumentError: It cannot be written.
    """
    from polyspec.documents.output_file import open_output

    text = _WRITERS[path.suffix.lower()](tally)
    with open_output(path) as file:
        # Half a character, as JSON can hold it, is shown as an escape.
        file.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))


def _as_json(tally: Tally) -> str:
    return json.dumps(tally.as_fields(), ensure_ascii=False, indent=1) + "\n"


def _as_markdown(tally: Tally) -> str:
    lines = [f"# {_sum_up(tally)}", ""]
    if tally.flags:
        lines += [_markdown_row(_COLUMNS), _markdown_row(["---"] * len(_COLUMNS))]
        lines += [_markdown_row(_cells(flag)) for flag in tally.flags]
    return "\n".join(lines) + "\n"


def _markdown_row(cells: list[str] | tuple[str, ...]) -> str:
    shown = (" ".join(cell.split()).replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(shown)} |"


def _as_page(tally: Tally) -> str:
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _cells(flag))}</tr>\n"
        for flag in tally.flags
    )
    head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
    title = escape(_sum_up(tally))
    return (
        f'<!DOCTYPE html>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        "<style>body{font-family:sans-serif}td,th{text-align:start;"
        "vertical-align:top;padding:.3em;border-bottom:1px solid #ccc}</style>\n"
        f'<h1>{title}</h1>\n<table dir="auto">\n<tr>{head}</tr>\n{rows}</table>\n'
    )


def _cells(flag: Flag) -> list[str]:
    number = f"{flag.number} {flag.key}".strip()
    return [flag.document, number, flag.source, flag.translation, flag.reason]


def _sum_up(tally: Tally) -> str:
    return f"{len(tally.flags)} of {tally.num_segments} segments need a look"


_WRITERS: dict[str, Callable[[Tally], str]] = {
    ".json": _as_json,
    ".md": _as_markdown,
    ".html": _as_page,
}
