"""Opens the interface and leaves the terminal as it was found."""

import gc
import os
import sys
from typing import Any

from polyspec.errors import SettingsError, UsageError
from polyspec.tui.heap import postpone_full_collections

_PATIENCE_S = 5.0
_SWITCH_S = 0.001


def has_terminal() -> bool:
    """Whether a person sits there, with a terminal that can be drawn on.

    It is drawn through standard error, so that must be one too. A page in a browser
    counts as one.
    """
    if os.environ.get("TEXTUAL_DRIVER"):
        return True
    return os.environ.get("TERM") != "dumb" and all(
        stream is not None and stream.isatty()
        for stream in (sys.stdin, sys.stdout, sys.stderr)
    )


def favour_interface() -> None:
    """Have keys and frames wait less for other threads; for the whole process."""
    postpone_full_collections()
    sys.setswitchinterval(_SWITCH_S)


def open_interface(overrides: dict[str, Any] | None = None) -> int:
    """Run the interface until the user leaves, and return the exit status.

    Args:
        overrides: Settings by field name that this run takes in place of others.

    Raises:
        UsageError: There is no terminal.
    """
    if not has_terminal():
        raise UsageError(
            "the interface needs a terminal",
            cause="standard input, output or error is a file or a pipe",
            remedy="use polyspec translate in scripts",
        )
    gc.disable()  # the application enables it when its first frame stands
    favour_interface()
    from polyspec.tui.app import PolySpecApp
    from polyspec.tui.driver import choose_driver
    from polyspec.tui.interface_file import Interface, read_interface
    from polyspec.tui.making import RealMaker
    from polyspec.tui.remembered import read_remembered

    problem: SettingsError | None = None
    try:
        interface = read_interface()
    except SettingsError as error:
        interface, problem = Interface(), error
    app = PolySpecApp(
        RealMaker(),
        interface,
        read_remembered(),
        overrides,
        driver=choose_driver(),
    )
    if problem is not None:
        app.add_problem(problem)
    asked = app.run()
    status = app.return_code or asked or 0
    if status == 0:
        app.forget_texts()
    return _leave(app, status)


def _leave(app: Any, status: int) -> int:
    for line in app.farewell:
        sys.stderr.write(f"polyspec: {line}\n")
    if not app.worker.stop(_PATIENCE_S):
        # The model's thread is inside llama.cpp, which must not be torn down under it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
