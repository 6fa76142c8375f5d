"""What is kept when the program is ended from outside or goes wrong.

The user's text goes into a file of its own and comes back at the next start. A crash
report says where the program went wrong and never holds a text: neither messages of
errors nor values of variables are in it.
"""

import platform
import time
import traceback
from pathlib import Path

from polyspec import __version__
from polyspec.paths import cache_dir, data_dir


def keep_text(text: str) -> Path | None:
    """Put a text aside; None where there is none or it cannot be written."""
    path = data_dir() / "rescued.txt"
    try:
        if text.strip():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8", "replace")
            return path
    except OSError:
        return None
    return None


def take_text() -> str:
    """The text that was put aside, which is then forgotten; empty without one."""
    path = data_dir() / "rescued.txt"
    try:
        text = path.read_text("utf-8")
        path.unlink()
    except (OSError, ValueError):
        return ""
    return text


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
