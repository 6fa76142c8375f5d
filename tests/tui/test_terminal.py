"""The interface in a terminal of its own: foreign bytes, a closed terminal, the end."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.cli.main import main
from polyspec.tui.driver import PasteGuard

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import sys
from polyspec.tui import making, run
from tests.fakes_tui import PaperMaker
making.RealMaker = PaperMaker
sys.exit(run.open_interface({"to": "fr", "from_": "en"}))
"""


class Terminal:
    """What a program in a terminal shows, and keys for it."""

    def __init__(self, process: "subprocess.Popen[bytes]", handle: int) -> None:
        self.process = process
        self.handle = handle
        self.seen = b""

    def wait_for(self, text: bytes, limit_s: float = 60) -> None:
        """Read until the program writes a text."""
        until = time.monotonic() + limit_s
        while text not in self.seen:
            assert time.monotonic() < until, self.seen[-2000:]
            if select.select([self.handle], [], [], 0.1)[0]:
                self.seen += os.read(self.handle, 65536)

    def type(self, keys: bytes) -> None:
        os.write(self.handle, keys)

    def wait_for_end(self) -> int:
        """Read on until the program is over."""
        until = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < until:
            if select.select([self.handle], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.handle, 65536)
                except OSError:
                    break
        return self.process.wait(10)


@contextmanager
def open_terminal(name: str = "xterm-256color") -> Iterator[Terminal]:
    main_handle, side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", RUN],
        stdin=side,
        stdout=side,
        stderr=side,
        env={**os.environ, "TERM": name},
        cwd=ROOT,
        start_new_session=True,
    )
    os.close(side)
    try:
        yield Terminal(process, main_handle)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(main_handle)


def rescued() -> list[str]:
    folder = Path(os.environ["POLYSPEC_HOME"]) / "data" / "rescued"
    return [json.loads(path.read_text())["source"] for path in folder.glob("*.json")]


def test_bytes_that_are_no_text_do_no_harm() -> None:
    with open_terminal() as terminal:
        terminal.wait_for(b"Type or paste")
        terminal.type(b"\x1b[200~\xe0\xff\xfe\x00ok\x1b[201~")
        terminal.wait_for(b"OK")
        terminal.type(b"\x11")
        assert terminal.wait_for_end() == 0
        assert b"\x1b[?1049l" in terminal.seen


def test_no_byte_of_a_paste_is_a_key() -> None:
    with open_terminal() as terminal:
        terminal.wait_for(b"Type or paste")
        terminal.type(b"\x1b[200~\x1b\x11\x1b\x1b[24~\x11\x1bfine\x1b[201~")
        terminal.wait_for(b"FINE")
        terminal.type(b"\x11")
        assert terminal.wait_for_end() == 0


pasted = st.lists(st.sampled_from(["\x1b", "[200~", "[201~", "[20", "1~", "a", "\x11"]))


@given(pasted, st.lists(st.integers(1, 4), min_size=1))
def test_pastes_hold_no_escapes_however_they_are_cut(
    pieces: list[str], sizes: list[int]
) -> None:
    text = "".join(pieces)
    guard, whole, at = PasteGuard(), PasteGuard().guard(text), 0
    parts = []
    for size in cycle(sizes):
        if at >= len(text):
            break
        parts.append(guard.guard(text[at : at + size]))
        at += size
    cut = "".join(parts)
    for guarded in (cut, whole):
        assert text.replace("\x1b", "\a").startswith(guarded.replace("\x1b", "\a"))
        for paste in guarded.split("\x1b[200~")[1:]:
            assert "\x1b" not in paste.split("\x1b[201~")[0]
    assert whole.startswith(cut) or cut.startswith(whole)


def wait_for_kept(texts: list[str]) -> None:
    until = time.monotonic() + 30
    while sorted(rescued()) != texts:
        assert time.monotonic() < until, rescued()
        time.sleep(0.1)


def test_texts_of_two_killed_at_once_come_back_one_after_another() -> None:
    with open_terminal() as one, open_terminal() as two:
        for terminal, text in ((one, b"first text"), (two, b"other text")):
            terminal.wait_for(b"Type or paste")
            terminal.type(text)
            terminal.wait_for(text.upper())
        wait_for_kept(["first text", "other text"])
        one.process.kill()
        one.wait_for_end()
        with open_terminal() as three:
            three.wait_for(b"FIRST TEXT")
            three.type(b"\x11")
            assert three.wait_for_end() == 0
        assert rescued() == ["other text"]


def test_what_is_private_is_not_kept() -> None:
    os.environ["POLYSPEC_PRIVATE"] = "true"
    with open_terminal() as terminal:
        terminal.wait_for(b"Type or paste")
        terminal.type(b"keep nothing")
        terminal.wait_for(b"KEEP NOTHING")
        terminal.process.send_signal(signal.SIGHUP)
        assert terminal.wait_for_end() == 130
    assert rescued() == []


def test_a_mouse_presses_what_it_points_at() -> None:
    with open_terminal() as terminal:
        terminal.wait_for(b"Type or paste")
        terminal.type(b"\x1b[<0;13;1M\x1b[<0;13;1m")  # Stories, in the top line
        terminal.wait_for(b"temperature")
        terminal.type(b"\x11")
        assert terminal.wait_for_end() == 0


@pytest.mark.parametrize("name", ["xterm-256color", "vt100", "linux", "screen"])
def test_terminals_of_all_kinds_are_left_as_they_were(name: str) -> None:
    with open_terminal(name) as terminal:
        terminal.wait_for(b"Type or paste")
        terminal.type(b"good")
        terminal.wait_for(b"GOOD")
        terminal.type(b"\x11")
        assert terminal.wait_for_end() == 0
        assert terminal.seen.rindex(b"\x1b[?1049l") > terminal.seen.rindex(b"GOOD")
        assert b"\x1b[?1000l" in terminal.seen  # the mouse is the terminal's again


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_text_outlives_the_end_of_the_program(number: int) -> None:
    with open_terminal() as terminal:
        terminal.wait_for(b"Type or paste")
        terminal.type(b"keep me")
        terminal.wait_for(b"KEEP ME")
        terminal.process.send_signal(number)
        assert terminal.wait_for_end() == 130
    assert rescued() == ["keep me"]
    with open_terminal() as terminal:
        terminal.wait_for(b"KEEP ME")
        terminal.type(b"\x11")
        assert terminal.wait_for_end() == 0
    assert rescued() == []


def test_without_a_terminal_there_is_no_interface(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["tui"]) == 2
    assert "needs a terminal" in capsys.readouterr().err
    assert main([]) == 0
    assert "Usage" in capsys.readouterr().out
