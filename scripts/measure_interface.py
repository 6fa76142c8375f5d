"""Measures the interface on this machine: its first frame, and how long it ever stalls.

python scripts/measure_interface.py --model gemma-3-270m
"""

import argparse
import asyncio
import contextlib
import json
import os
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from polyspec.paths import models_dir
from polyspec.tui.app import PolySpecApp
from polyspec.tui.interface_file import Interface
from polyspec.tui.making import RealMaker
from polyspec.tui.remembered import Remembered
from polyspec.tui.run import favour_interface
from polyspec.tui.screens.translate import TranslateScreen

TEXT = "The library opens at nine. Bring your card, and be quiet in the reading room. "
OPENINGS = {
    "the help": ("f1", "escape"),
    "the languages": ("ctrl+l", "escape"),
    "the commands": ("ctrl+p", "escape"),
    "the drafters": ("f8", "f8"),
    "Stories": ("f3", "f2"),
    "Files": ("f4", "f2"),
    "Models": ("f5", "f2"),
    "Settings": ("f6", "f2"),
    "History": ("f7", "f2"),
}
"""What can be opened, and the keys that open and close it."""
_TICK_S = 0.005
_PATIENCE_S = 300.0


BARE = """
from textual.app import App
from textual.widgets import TextArea
class Bare(App):
    def compose(self):
        yield TextArea(placeholder="Type or paste")
Bare().run()
"""
"""The least that Textual can show, to compare with: a text area and nothing else."""


def time_first_frame(arguments: list[str]) -> tuple[float, float]:
    """Seconds, and seconds of processor time, until the first screen is written.

    The first letter is under the cursor and written apart from the others.

    Args:
        arguments: Of Python.
    """
    main, side = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color"}
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=side,
        stdout=side,
        stderr=side,
        env=environment,
        start_new_session=True,
    )
    seen = b""
    try:
        while b"ype or paste" not in seen and time.perf_counter() - started < 30:
            if select.select([main], [], [], 0.05)[0]:
                seen += os.read(main, 65536)
        elapsed = time.perf_counter() - started
        busy = processor_time(process.pid)
    finally:
        process.kill()
        process.wait()
        os.close(main)
        os.close(side)
    return elapsed, busy


def processor_time(pid: int) -> float:
    """Seconds that the threads of a process ran, where the system tells; else 0."""
    tasks = Path(f"/proc/{pid}/task")
    if not tasks.is_dir():
        return 0.0
    times = [path.read_text().split()[0] for path in tasks.glob("*/schedstat")]
    return sum(map(int, times)) / 1e9


class Stalls:
    """Notes how late the event loop is, by what goes on."""

    def __init__(self) -> None:
        self.by_phase: dict[str, list[float]] = {}
        self.busiest_s: dict[str, float] = {}
        """Most processor time that the loop took between two ticks."""
        self._phase = ""

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        """Count what is late from here on to this phase."""
        self._phase = phase
        yield
        self._phase = ""

    async def watch(self) -> None:
        """Sleep for short times and note how much longer they were."""
        clock = asyncio.get_running_loop().time
        while True:
            before, busy_before = clock(), time.thread_time()
            await asyncio.sleep(_TICK_S)
            late_s = clock() - before - _TICK_S
            busy_s = time.thread_time() - busy_before
            if self._phase:
                most = self.busiest_s.get(self._phase, 0.0)
                self.busiest_s[self._phase] = max(most, busy_s)
                self.by_phase.setdefault(self._phase, []).append(max(0.0, late_s))

    def summarize(self) -> dict[str, dict[str, float]]:
        """Milliseconds of each phase."""
        return {
            phase: {
                **summarize(late),
                "busiest_ms": round(1000 * self.busiest_s[phase], 1),
            }
            for phase, late in self.by_phase.items()
        }


async def wait_until(is_true: Callable[[], bool]) -> None:
    """Let the interface go on until something is true."""
    async with asyncio.timeout(_PATIENCE_S):
        while not is_true():
            await asyncio.sleep(0.02)


async def measure_stalls(model: str) -> Stalls:
    """Load a model, be idle, translate, open everything; how late the loop was.

    To be run in a terminal, since much of the work is to write to it.
    """
    favour_interface()
    app = PolySpecApp(
        RealMaker(),
        Interface(),
        Remembered("en", "fr", detects=False),
        {"model": model},
    )
    stalls = Stalls()

    async def use(pilot: Pilot[Any]) -> None:
        watching = asyncio.create_task(stalls.watch())
        await use_interface(app, pilot, stalls)
        watching.cancel()
        app.exit()

    await app.run_async(auto_pilot=use)
    app.worker.stop(_PATIENCE_S)
    return stalls


async def use_interface(app: PolySpecApp, pilot: Pilot[Any], stalls: Stalls) -> None:
    """Do what a user does."""
    with stalls.during("loading"):
        await wait_until(lambda: app.model_state.mood != "busy")
    if app.facts is None:
        raise SystemExit(f"{app.overrides['model']} could not be loaded")
    with stalls.during("idle"):
        await pilot.pause(2)
    screen = app.screen
    assert isinstance(screen, TranslateScreen)
    with stalls.during("decoding"):
        screen.source.put_in(TEXT * 12)
        screen.action_translate()
        await wait_until(lambda: not screen.is_writing)
    for place, keys in OPENINGS.items():
        for order in ("first", "again"):
            # Another text each time: a known one is not decoded.
            screen.source.put_in(f"{place}, {order}. " + TEXT * 12)
            screen.action_translate()
            await wait_until(lambda: screen.is_writing)
            await pilot.pause(0.5)
            with stalls.during(f"{place}, {order}"):
                for key in keys:
                    await pilot.press(key)
                    await pilot.pause(0.4)


def measure_in_terminal(model: str) -> dict[str, dict[str, float]]:
    """Run this program in a terminal of 120x40, and take what it measured."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "stalls.json"
        main, side = pty.openpty()
        termios.tcsetwinsize(side, (40, 120))
        process = subprocess.Popen(
            [sys.executable, __file__, "--model", model, "--report", str(report)],
            stdin=side,
            stdout=side,
            stderr=side,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            start_new_session=True,
        )
        os.close(side)
        written = b""
        with contextlib.suppress(OSError):  # how the end of a terminal is told
            while some := os.read(main, 65536):
                written = (written + some)[-2000:]
        os.close(main)
        if process.wait() or not report.exists():
            raise SystemExit(written.decode(errors="replace"))
        return json.loads(report.read_text(encoding="utf-8"))


def summarize_frames(
    frames: dict[str, list[tuple[float, float]]], column: int
) -> dict[str, list[float]]:
    """All measurements of one kind, the least first."""
    return {
        name: sorted(round(measured[column], 3) for measured in found)
        for name, found in frames.items()
    }


def summarize(late_s: list[float]) -> dict[str, float]:
    """Milliseconds: the middle, all but one in a hundred, and the worst."""
    ordered = sorted(1000 * late for late in late_s)
    return {
        "ticks": len(ordered),
        "median_ms": round(statistics.median(ordered), 1),
        "p99_ms": round(ordered[int(0.99 * (len(ordered) - 1))], 1),
        "max_ms": round(ordered[-1], 1),
    }


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="gemma-3-270m")
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.report is not None:
        stalls = asyncio.run(measure_stalls(options.model))
        options.report.write_text(json.dumps(stalls.summarize()), encoding="utf-8")
        return
    os.environ["POLYSPEC_MODELS_DIR"] = str(models_dir())
    with tempfile.TemporaryDirectory() as home:
        os.environ["POLYSPEC_HOME"] = home
        print(json.dumps(measure(options.model, options.frames), indent=1))


def measure(model: str, num_frames: int) -> dict[str, Any]:
    """All measurements, in a home of their own."""
    frames: dict[str, list[tuple[float, float]]] = {"polyspec": [], "bare Textual": []}
    for _ in range(num_frames):  # in turn, so that both have the same company
        frames["polyspec"].append(time_first_frame(["-m", "polyspec"]))
        frames["bare Textual"].append(time_first_frame(["-c", BARE]))
    return {
        "first_frame_s": summarize_frames(frames, 0),
        "first_frame_processor_s": summarize_frames(frames, 1),
        "model": model,
        "load_average": os.getloadavg()[0],
        "event_loop": measure_in_terminal(model),
    }


if __name__ == "__main__":
    main()
