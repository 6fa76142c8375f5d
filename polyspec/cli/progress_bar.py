"""A progress bar on a terminal, drawn by rich on standard error."""

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as RichProgress

_SPEED_S = 120.0
"""The time left is reckoned from the speed of the last so many seconds."""


class _Bar:
    def __init__(self, drawn: RichProgress, task: TaskID) -> None:
        self._drawn, self._task = drawn, task

    def update(self, done: int) -> None:
        self._drawn.update(self._task, completed=done)

    def stage(self, text: str) -> None:
        self._drawn.update(self._task, description=text)

    def resume(self, done: int) -> None:
        self._drawn.reset(self._task, completed=done)


@contextlib.contextmanager
def show_bar(
    label: str,
    total: int | None,
    unit: str,
    clock: Callable[[], float],
    *,
    use_colour: bool,
) -> Iterator[_Bar]:
    """Draw a bar until the block ends, then take it away."""
    console = Console(stderr=True, no_color=not use_colour, markup=False)
    text = TextColumn("{task.description}", markup=False)
    columns = [text, BarColumn(), *_amount_columns(unit), TimeRemainingColumn()]
    with RichProgress(
        *columns,
        console=console,
        transient=True,
        get_time=clock,
        speed_estimate_period=_SPEED_S,
    ) as drawn:
        yield _Bar(drawn, drawn.add_task(label, total=total))


def _amount_columns(unit: str) -> list[ProgressColumn]:
    if unit == "B":
        return [DownloadColumn(), TransferSpeedColumn()]
    return [MofNCompleteColumn(), TextColumn(unit, markup=False)]
