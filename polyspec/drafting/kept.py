"""What drafters were seen to be worth, kept between runs in one small file a model.

The file is JSON and holds numbers under labels, never text:
`{"format": 1, "numbers": {PART: {LABEL: {NAME: [NUMBER, ...]}}}}`.
"""

import json
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import Protocol, TypeAlias

from polyspec.drafting.state_file import locked, replace_file, set_aside

_FORMAT = 1
_MAX_BYTES = 4 << 20
_MAX_NUMBER = 1e9

Numbers: TypeAlias = Mapping[str, Mapping[str, list[float]]]
"""Label to name to numbers."""


class Learner(Protocol):
    """Whoever learns numbers under labels."""

    def numbers(self) -> Numbers: ...

    def restore(self, numbers: Numbers) -> None: ...


class KeptNumbers:
    """Gives learners at the start what they knew at the end of the last run."""

    def __init__(
        self, path: Path, learners: Mapping[str, Learner], tell: Callable[[str], None]
    ) -> None:
        """Keep nothing yet.

        Args:
            path: The file; it need not exist.
            learners: By the name of their part of the file.
            tell: Told, in a line, when the file is damaged or cannot be written.
        """
        self._path = path
        self._learners = learners
        self._tell = tell

    def load(self) -> None:
        """Restore what is kept; a damaged file is set aside."""
        found = self._read()
        for part, learner in self._learners.items():
            learner.restore(found.get(part, {}))

    def save(self) -> None:
        """Write what was learned, beside what other processes know of other labels."""
        try:
            with locked(self._path):
                parts = self._read()
                for part, learner in self._learners.items():
                    parts[part] = {**parts.get(part, {}), **learner.numbers()}
                content = {"format": _FORMAT, "numbers": parts}
                replace_file(self._path, json.dumps(content).encode())
        except OSError as error:
            reason = error.strerror or str(error)
            self._tell(f"what was learned is not kept in {self._path}: {reason}")

    def _read(self) -> dict[str, Numbers]:
        try:
            with self._path.open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
            return _parse(content)
        except FileNotFoundError:
            return {}
        except OSError as error:
            self._tell(f"{self._path} cannot be read: {error.strerror or error}")
        except (ValueError, RecursionError):
            self._tell(set_aside(self._path))
        return {}


def _parse(content: bytes) -> dict[str, Numbers]:
    """Raise `ValueError` for whatever is not as it was written."""
    found = json.loads(content) if len(content) <= _MAX_BYTES else None
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        raise ValueError("not a file of kept numbers")
    return {
        part: {
            label: {name: _numbers(values) for name, values in _items(by_name)}
            for label, by_name in _items(by_label)
        }
        for part, by_label in _items(found.get("numbers"))
    }


def _items(found: object) -> list[tuple[str, object]]:
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return list(found.items())


def _numbers(found: object) -> list[float]:
    if not isinstance(found, list):
        raise ValueError("not a list")
    numbers = [float(value) for value in found if isinstance(value, int | float)]
    is_sound = all(isfinite(value) and 0 <= value <= _MAX_NUMBER for value in numbers)
    if len(numbers) != len(found) or not is_sound:
        raise ValueError("not a number that could have been written")
    return numbers
