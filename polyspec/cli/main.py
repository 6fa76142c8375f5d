"""Runs the command line and turns whatever happened into an exit status."""

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Iterator, Sequence

from polyspec.cli import diagnostics, output
from polyspec.errors import EXIT_CLOSED_PIPE, EXIT_INTERRUPTED, PolySpecError


def main(argv: Sequence[str] | None = None) -> int:
    """Run `polyspec` with the arguments after its name, and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    diagnostics.set_quiet(False)
    output.prepare()
    try:
        with _stopped_by_signals():
            if not arguments:
                # Before the commands are imported: the first frame comes sooner.
                from polyspec.tui.run import has_terminal, open_interface

                if has_terminal():
                    return open_interface()
            from polyspec.cli import app

            return app.run(arguments)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(bool(error.code))
    except KeyboardInterrupt as error:
        return _explain_interruption(error)
    except Exception as error:
        return _explain(error, as_json=_wants_json(arguments))


def _explain_interruption(error: KeyboardInterrupt) -> int:
    _debug(error)
    diagnostics.start_line()
    diagnostics.note("interrupted")
    return EXIT_INTERRUPTED


def _explain(error: Exception, *, as_json: bool) -> int:
    _debug(error)
    if isinstance(error, OSError) and output.is_closed_pipe(error):
        output.abandon()
        return EXIT_CLOSED_PIPE
    shown = _for_the_user(error)
    diagnostics.print_error(shown, as_json=as_json)
    return shown.exit_code


def _for_the_user(error: Exception) -> PolySpecError:
    if isinstance(error, PolySpecError):
        return error
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        output.abandon()
        return output.write_error(error)
    return PolySpecError(
        "internal error",
        cause=f"{type(error).__name__}: {error}".rstrip(": "),
        remedy="report it with the output of polyspec doctor",
    )


def _wants_json(arguments: list[str]) -> bool:
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options


def _debug(error: BaseException) -> None:
    if os.environ.get("POLYSPEC_DEBUG") == "1":
        diagnostics.print_traceback(error)


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let a request to end, or a closed terminal, stop the work as Ctrl-C does."""
    replaced = {}
    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            with contextlib.suppress(ValueError):  # not in the main thread
                replaced[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler)
