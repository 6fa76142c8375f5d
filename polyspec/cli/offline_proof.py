"""Translates while every connection is refused and counted."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

SAMPLE = "The library opens at nine."

_REFUSED = frozenset(
    {
        "socket.__new__",
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyaddr",
        "socket.gethostbyname",
        "socket.sendmsg",
        "socket.sendto",
        "urllib.Request",
    }
)
_PROCESSES = frozenset({"subprocess.Popen", "os.posix_spawn", "os.system", "os.exec"})


@dataclass(slots=True)
class Watch:
    """What was tried while connections were refused."""

    attempts: list[str] = field(default_factory=list)
    processes: list[str] = field(default_factory=list)
    """Programs that were started; they are not watched."""

    def describe(self) -> Iterator[str]:
        """The outcome, line by line."""
        if self.attempts:
            number = len(self.attempts)
            were = "connection was" if number == 1 else "connections were"
            yield f"{number} {were} attempted and refused:"
            yield from (f"  {attempt}" for attempt in self.attempts)
        else:
            yield "no connection was attempted: the translation ran offline"
        if self.processes:
            yield "other programs were started, which this cannot watch:"
            yield from (f"  {program}" for program in self.processes)


class ConnectionRefusedForProof(OSError):
    """Stands where the network would have been."""


@contextlib.contextmanager
def refuse_connections() -> Iterator[Watch]:
    """Refuse every socket of this process's Python code until the block ends.

    NOTE: an audit hook cannot be taken away again, so it is left switched off.
    """
    watch = Watch()
    is_on = True

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        if is_on and event in _REFUSED:
            watch.attempts.append(f"{event} {arguments[1:]!r:.120}")
            raise ConnectionRefusedForProof(f"{event} is refused")
        if is_on and event in _PROCESSES:
            watch.processes.append(f"{arguments[0]!r:.120}")

    sys.addaudithook(refuse)
    try:
        yield watch
    finally:
        is_on = False


def translate_sample() -> str:
    """Translate one sentence with the settings in effect."""
    from polyspec.settings import load_settings
    from polyspec.translation.pipeline import TranslatedSegment
    from polyspec.translator import open_translator

    # The sample is none of the user's texts.
    settings = load_settings({"private": True, "memory": False})
    with open_translator(settings) as translator:
        events = translator.translate([SAMPLE], to="fr", is_streaming=False)
        return "".join(e.text for e in events if isinstance(e, TranslatedSegment))
