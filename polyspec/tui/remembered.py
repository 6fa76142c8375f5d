"""What the interface remembers from one run to the next: languages, never texts."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from polyspec.paths import data_dir

_MAX_RECENT = 6


@dataclass(frozen=True, slots=True)
class Remembered:
    """Languages by BCP-47 tag."""

    source: str = "en"
    target: str = ""
    """Empty until one was chosen."""
    recent: tuple[str, ...] = ()
    """The latest first."""
    detects: bool = True
    """Whether the source language is told from the text."""

    def with_languages(self, source: str, target: str, picked: str) -> "Remembered":
        """These languages in use, and `picked` the latest."""
        others = tuple(tag for tag in self.recent if tag != picked)
        return replace(
            self, source=source, target=target, recent=(picked, *others)[:_MAX_RECENT]
        )


def read_remembered() -> Remembered:
    """What was kept; the defaults where that cannot be read."""
    try:
        values = json.loads(_path().read_text("utf-8"))
        return Remembered(
            str(values["source"]),
            str(values["target"]),
            tuple(str(tag) for tag in values["recent"])[:_MAX_RECENT],
            bool(values.get("detects", True)),
        )
    except (OSError, ValueError, TypeError, KeyError):
        return Remembered()


def keep_remembered(remembered: Remembered) -> None:
    """Keep it; a disk that cannot be written is no reason to stop."""
    from polyspec.catalog.partial import write_atomically

    try:
        _path().parent.mkdir(parents=True, exist_ok=True)
        write_atomically(_path(), json.dumps(asdict(remembered)) + "\n")
    except OSError:
        return


def _path() -> Path:
    return data_dir() / "interface.json"
