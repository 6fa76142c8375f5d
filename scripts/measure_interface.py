"""Measures the interface on this machine: its first frame, and how long it ever stalls.

python scripts/measure_interface.py --model gemma-3-270m
"""

import argparse
import asyncio
import json
import os
import pty
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from polyspec.tui.app import PolySpecApp
from polyspec.tui.interface_file import Interface
from polyspec.tui.making import RealMaker
from polyspec.tui.remembered import Remembered
from polyspec.tui.screens.translate import TranslateScreen

TEXT = "The library opens at nine. Bring your card, and be quiet in the reading room. "
_TICK_S = 0.005
_PATIENCE_S = 300.0


def time_first_frame() -> float:
    """Seconds from the start of the program until the first screen is written."""
    main, side = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color"}
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "polyspec"],
        stdin=side,
        stdout=side,
        stderr=side,
        env=environment,
        start_new_session=True,
    )
    seen = b""
    try:
        while b"Type or paste" not in seen and time.perf_counter() - started < 30:
            if select.select([main], [], [], 0.05)[0]:
                seen += os.read(main, 65536)
        elapsed = time.perf_counter() - started
    finally:
        process.kill()
        process.wait()
        os.close(main)
        os.close(side)
    return elapsed


class Stalls:
    """Notes how late the event loop is, by what goes on."""

    def __init__(self) -> None:
        self.by_phase: dict[str, list[float]] = {}
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
            before = clock()
            await asyncio.sleep(_TICK_S)
            late_s = clock() - before - _TICK_S
            if self._phase:
                self.by_phase.setdefault(self._phase, []).append(max(0.0, late_s))


async def wait_until(is_true: Callable[[], bool]) -> None:
    """Let the interface go on until something is true."""
    async with asyncio.timeout(_PATIENCE_S):
        while not is_true():
            await asyncio.sleep(0.02)


async def measure_stalls(model: str) -> dict[str, list[float]]:
    """Load a model, be idle, and translate; how late the event loop was each time."""
    app = PolySpecApp(
        RealMaker(), Interface(), Remembered("en", "fr"), {"model": model}
    )
    stalls = Stalls()
    async with app.run_test(size=(120, 40)) as pilot:
        watching = asyncio.create_task(stalls.watch())
        with stalls.during("loading"):
            await wait_until(lambda: app.model_state.mood != "busy")
        if app.facts is None:
            raise SystemExit(f"{model} could not be loaded")
        with stalls.during("idle"):
            await pilot.pause(2)
        screen = app.screen
        assert isinstance(screen, TranslateScreen)
        with stalls.during("decoding"):
            screen.source.put_in(TEXT * 12)
            screen.action_translate()
            await wait_until(lambda: not screen.is_writing)
        watching.cancel()
    app.worker.stop(_PATIENCE_S)
    return stalls.by_phase


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
    options = parser.parse_args()
    frames = [time_first_frame() for _ in range(options.frames)]
    stalls = asyncio.run(measure_stalls(options.model))
    report = {
        "first_frame_s": [round(seconds, 3) for seconds in sorted(frames)],
        "model": options.model,
        "load_average": os.getloadavg()[0],
        "event_loop": {phase: summarize(late) for phase, late in stalls.items()},
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
