"""Tokens with those before them, divided among files of a folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Windows = NDArray[np.int32]
"""Shape `(N, max_order + 1)`: the tokens before, the oldest first, then the token."""
_CHUNK_WINDOWS = 1 << 18


class WindowFiles:
    """Numbered files that windows are added to."""

    def __init__(self, folder: Path) -> None:
        """Make the folder.

        Raises:
            OSError: It cannot be made.
        """
        folder.mkdir()
        self._folder = folder
        self.numbers: set[int] = set()
        """Of the files that hold windows."""

    def path(self, number: int) -> Path:
        """Where the windows of a number are."""
        return self._folder / str(number)

    def add(self, windows: Windows, numbers: NDArray[np.signedinteger[Any]]) -> None:
        """Put each window into the file of its number.

        Args:
            windows: Shape `(N, width)`.
            numbers: Shape `(N,)`; windows of negative ones are left out.

        Raises:
            OSError: There is no room.
        """
        order = np.argsort(numbers, kind="stable")
        found, starts = np.unique(numbers[order], return_index=True)
        sorted_windows = windows[order]
        ends = [*starts[1:].tolist(), len(order)]
        for number, start, end in zip(
            found.tolist(), starts.tolist(), ends, strict=True
        ):
            if number >= 0:
                self.numbers.add(number)
                with self.path(number).open("ab") as file:
                    sorted_windows[start:end].tofile(file)


def count_windows(path: Path, width: int) -> int:
    """How many windows a file holds."""
    return path.stat().st_size // (4 * width)


def read_windows(path: Path, width: int) -> Windows:
    """All windows of a file."""
    return np.fromfile(path, np.int32).reshape(-1, width)


def read_chunks(path: Path, width: int) -> Iterator[Windows]:
    """The windows of a file, some at a time."""
    with path.open("rb") as file:
        while (flat := np.fromfile(file, np.int32, _CHUNK_WINDOWS * width)).size:
            yield flat.reshape(-1, width)
