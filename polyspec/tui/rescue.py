"""What is kept for the case that the program is ended from outside or goes wrong.

The user's texts go into a file of each run's own while they are written, and come back
at a later start. A crash report says where the program went wrong and never holds a
text: neither messages of errors nor values of variables are in it.
"""

import json
import os
import platform
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

from polyspec import __version__
from polyspec.paths import cache_dir, data_dir


class TextKeeper:
    """Keeps the texts of one run, and finds those of a run that ended badly."""

    def __init__(self) -> None:
        self._folder = data_dir() / "rescued"
        self._path = self._folder / f"{os.getpid()}-{time.time_ns()}.json"
        self._lock = threading.Lock()
        self._is_over = False

    def keep(self, texts: Mapping[str, str]) -> bool:
        """Put texts aside by their names; returns whether there is something kept."""
        from polyspec.catalog.partial import write_atomically

        with self._lock:
            if self._is_over:
                return False
            try:
                if not any(text.strip() for text in texts.values()):
                    self._path.unlink(missing_ok=True)
                    return False
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_atomically(self._path, json.dumps(dict(texts)))
            except OSError:
                return False
            return True

    def take(self) -> dict[str, str]:
        """The latest texts that no running program keeps; they are this run's now."""
        for path in self._left():
            try:
                texts = json.loads(path.read_text("utf-8"))
                path.replace(self._path)
            except (OSError, ValueError):
                continue
            if isinstance(texts, dict):
                return {str(name): str(text) for name, text in texts.items()}
        return {}

    def forget(self) -> None:
        """Keep nothing from now on: the user has left."""
        with self._lock:
            self._is_over = True
            try:
                self._path.unlink(missing_ok=True)
            except OSError:
                return

    def _left(self) -> Iterator[Path]:
        try:
            times = {path: path.stat().st_mtime for path in self._folder.glob("*.json")}
        except OSError:
            return
        for path in sorted(times, key=lambda path: -times[path]):
            if not _is_running(path.name.partition("-")[0], times[path]):
                yield path


def _is_running(pid: str, written_s: float) -> bool:
    """Whether the program that wrote a file still runs."""
    import psutil

    try:
        return bool(psutil.Process(int(pid)).create_time() <= written_s)
    except (psutil.Error, ValueError):
        return False


def write_report(error: BaseException) -> Path | None:
    """Write down where the program went wrong; None where that cannot be written."""
    path = cache_dir() / f"crash-{time.strftime('%Y%m%d-%H%M%S')}.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(describe_crash(error), "utf-8")
    except OSError:
        return None
    return path


def describe_crash(error: BaseException) -> str:
    """Kinds of errors and places in the program, down to the line."""
    lines = [
        f"PolySpec {__version__}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}",
    ]
    cause: BaseException | None = error
    while cause is not None:
        lines.append(type(cause).__qualname__)
        lines += [
            f"  {Path(frame.filename).parent.name}/{Path(frame.filename).name}:"
            f"{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(cause.__traceback__)
        ]
        cause = cause.__cause__ or cause.__context__
    return "\n".join(lines) + "\n"
