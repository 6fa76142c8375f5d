"""Names and values, one below the other."""

import textwrap
from collections.abc import Iterable

from textual.content import Content

_NAME_WIDTH = 11


def lay_out(facts: Iterable[tuple[str, str]], width: int) -> Content:
    """A column of names and one of values, which wrap within their column.

    Args:
        facts: Names with values; a fact without a value is left out.
        width: Of both columns, in cells.
    """
    lines = []
    for name, value in facts:
        parts = textwrap.wrap(value, max(12, width - _NAME_WIDTH))
        for number, part in enumerate(parts):
            label = name if number == 0 else ""
            lines.append(Content.assemble((f"{label:<{_NAME_WIDTH}}", "$muted"), part))
    return Content("\n").join(lines)
