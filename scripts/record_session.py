"""Records a real translation in a terminal, with the drafter panel open.

It pastes a text into the interface, in a home of its own, and writes what the terminal
shows as an asciicast (version 2): python scripts/record_session.py. Play it with
`asciinema play docs/pictures/session.cast`. Times are those of this machine; a player
shortens pauses to two seconds.

The text is translated twice: what was written once is drafted from memory.
"""

import argparse
import codecs
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from polyspec.paths import models_dir

ROOT = Path(__file__).resolve().parents[1]
TEXT = (
    "Your package 7731-B left our shop on Monday. Please write to us if package 7731-B "
    "is late."
)
_COLUMNS, _ROWS = 104, 28
_PATIENCE_S = 900.0
_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|[@-Z\\-_])")
_SAME_STYLE = re.compile(
    r"(\x1b\[(?!0?m)[0-9;]*m)([^\x1b]*)\x1b\[0m((?:\x1b\[[0-9;]*H|\r\n)*)\1"
)
_LADDER = "1.00"
"""The step of one token in the panel: the model is loaded and measured."""
_F8, _CTRL_Q, _CTRL_T = "\x1b[19~", "\x11", "\x14"


class Session:
    """The interface in a terminal, and all that it writes."""

    def __init__(self, command: list[str]) -> None:
        self._handle, side = pty.openpty()
        size = struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0)
        fcntl.ioctl(side, termios.TIOCSWINSZ, size)
        environment = {**os.environ, "TERM": "xterm-256color"}
        self._process = subprocess.Popen(
            command,
            stdin=side,
            stdout=side,
            stderr=side,
            env=environment,
            start_new_session=True,
        )
        os.close(side)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._begun_s = time.monotonic()
        self.events: list[tuple[float, str]] = []

    def watch(self, seconds: float) -> str:
        """Note what is written for a while; returns it without escapes."""
        until = time.monotonic() + seconds
        seen = ""
        while (left := until - time.monotonic()) > 0:
            if not select.select([self._handle], [], [], left)[0]:
                break
            try:
                text = self._decode(os.read(self._handle, 65536))
            except OSError:
                break
            self.events.append((time.monotonic() - self._begun_s, text))
            seen += text
        return _ESCAPES.sub("", seen)

    def wait_for(self, text: str) -> None:
        """Go on until something is on the screen."""
        until = time.monotonic() + _PATIENCE_S
        seen = ""
        while text not in seen:
            if time.monotonic() > until:
                self.kill()
                raise SystemExit(f"{text!r} did not appear")
            seen = (seen + self.watch(0.3))[-20_000:]

    def type(self, keys: str) -> None:
        """Send keys."""
        os.write(self._handle, keys.encode())

    def kill(self) -> None:
        """End the program, however it is."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def record(model: str, target: str) -> list[tuple[float, str]]:
    """Translate the sample twice and return what was written, with its times."""
    arguments = ["tui", "--from", "en", "--to", target, "--model", model]
    session = Session([sys.executable, "-m", "polyspec", *arguments])
    try:
        session.wait_for("ype or paste")
        session.type(_F8)
        session.wait_for(_LADDER)
        session.watch(1)
        session.type(f"\x1b[200~{TEXT}\x1b[201~")
        session.wait_for("done in")
        session.watch(2)
        session.type(_CTRL_T)
        session.wait_for("done in")
        session.watch(3)
        num_events = len(session.events)
        session.type(_CTRL_Q)
        session.watch(3)
        del session.events[num_events:]
    finally:
        session.kill()
    return session.events


def drop_repeated_styles(text: str) -> str:
    """The same on the screen, without styles that are ended and begun again."""
    while (shorter := _SAME_STYLE.sub(r"\1\2\3", text)) != text:
        text = shorter
    return text


def main() -> None:
    """Write the recording."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b-instruct")
    parser.add_argument("--to", default="fr")
    parser.add_argument("--output", default=ROOT / "docs/pictures/session.cast")
    options = parser.parse_args()
    os.environ["POLYSPEC_MODELS_DIR"] = str(models_dir())
    with tempfile.TemporaryDirectory() as home:
        os.environ["POLYSPEC_HOME"] = home
        events = record(options.model, options.to)
    head = {
        "version": 2,
        "width": _COLUMNS,
        "height": _ROWS,
        "idle_time_limit": 2.0,
        "title": f"PolySpec, {options.model}, English to {options.to}",
    }
    lines = [json.dumps(head)]
    lines += [
        json.dumps(
            [round(at_s, 3), "o", drop_repeated_styles(text)], ensure_ascii=False
        )
        for at_s, text in events
    ]
    path = Path(options.output)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
