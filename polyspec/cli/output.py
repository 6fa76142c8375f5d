"""The only writer of standard output: results and nothing else.

Bytes are written, not characters: UTF-8 on every system, and lines end as they came.
"""

import contextlib
import errno
import json
import os
import sys

from polyspec.errors import DocumentError

_CLOSED = {errno.EPIPE, errno.ESHUTDOWN} | (
    {errno.EINVAL} if os.name == "nt" else set()
)


def prepare() -> None:
    """Make what others print, such as `--help`, leave as UTF-8 too."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")


def write_text(text: str) -> None:
    """Write text as it comes and let it be seen at once.

    Raises:
        BrokenPipeError: The reader went away.
        DocumentError: Standard output cannot take it, for example a full disk.
    """
    _write(text.encode("utf-8", "surrogateescape"))


def write_line(text: str = "") -> None:
    """Write one line; raises as `write_text` does."""
    write_text(text + "\n")


def write_bytes(data: bytes) -> None:
    """Write bytes of a document; raises as `write_text` does."""
    _write(data)


def write_json(obj: object) -> None:
    """Write an object as JSON on a line of its own; raises as `write_text` does."""
    line = json.dumps(obj, ensure_ascii=False, allow_nan=False) + "\n"
    # A lone surrogate is left as an escape, which JSON can read.
    _write(line.encode("utf-8", "backslashreplace"))


def abandon() -> None:
    """Drop what could not be written, so that leaving does not try again."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def is_closed_pipe(error: OSError) -> bool:
    """Whether the error says that the reader of a pipe went away."""
    return isinstance(error, BrokenPipeError) or error.errno in _CLOSED


def write_error(error: OSError) -> DocumentError:
    """The error to show when standard output cannot be written."""
    is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return DocumentError(
        "the result cannot be written to standard output",
        cause=(error.strerror or str(error)).lower(),
        remedy="free some space there" if is_full else "send it somewhere else",
    )


def _write(data: bytes) -> None:
    if sys.stdout is None:
        raise write_error(OSError(errno.EBADF, "it is closed"))
    try:
        binary = getattr(sys.stdout, "buffer", None)
        if binary is None:
            sys.stdout.write(data.decode("utf-8", "replace"))
        else:
            binary.write(data)
        sys.stdout.flush()
    except OSError as error:
        abandon()
        if is_closed_pipe(error):
            raise BrokenPipeError(errno.EPIPE, "the reader went away") from error
        raise write_error(error) from error
