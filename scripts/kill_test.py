"""Kill a translation at random moments, go on each time, and compare the result.

    python scripts/kill_test.py long.po --to fr --model gemma-3-270m --kills 20

The document is translated once undisturbed and once with `kill -9`, with `--exact` and
drawing nothing, so that both must give the same bytes. Each run has a home of its own;
what was measured of the machine is shared.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def translate(
    arguments: argparse.Namespace, home: Path, output: Path
) -> "subprocess.Popen[bytes]":
    """Start the command."""
    command = [sys.executable, "-m", "polyspec", "translate", "--exact"]
    command += ["--in", str(arguments.document), "-o", str(output)]
    command += ["--to", arguments.to, "--model", arguments.model, *arguments.option]
    environment = {**os.environ, "POLYSPEC_HOME": str(home)}
    environment.setdefault("POLYSPEC_MODELS_DIR", str(models_folder()))
    return subprocess.Popen(command, env=environment)


def models_folder() -> Path:
    """Where the models are that are used outside of this test."""
    from polyspec.paths import models_dir

    return models_dir()


def count_lines(home: Path) -> int:
    """Lines of the only journal there is."""
    return sum(
        path.read_bytes().count(b"\n") for path in (home / "state").rglob("*.jsonl")
    )


def run_killed(arguments: argparse.Namespace, home: Path, output: Path) -> int:
    """Kill the command so many times, then let it end; returns how often it was."""
    draw = random.Random(arguments.seed)
    num_kills = 0
    while True:
        process = translate(arguments, home, output)
        if num_kills == arguments.kills:
            wait_for(process)
            return num_kills
        try:
            status = process.wait(draw.uniform(*arguments.seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            num_kills += 1
            print(f"kill {num_kills}: journal of {count_lines(home)} lines", flush=True)
        else:
            require(status == 0, f"it ended with {status}")
            print(f"it was done after {num_kills} kills", flush=True)
            return num_kills


def wait_for(process: "subprocess.Popen[bytes]") -> None:
    """Let a run end."""
    status = process.wait()
    require(status == 0, f"it ended with {status}")


def require(is_right: bool, problem: str) -> None:
    """Leave with what is wrong."""
    if not is_right:
        raise SystemExit(problem)


def main() -> None:
    """Run both and compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("document", type=Path)
    parser.add_argument("--to", default="fr")
    parser.add_argument("--model", default="gemma-3-270m")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, nargs=2, default=(0.5, 30.0))
    parser.add_argument("--option", action="append", default=[])
    parser.add_argument("--expected", type=Path, help="an undisturbed translation")
    parser.add_argument("--cache", type=Path, help="of the run that made it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        killed = folder / f"killed{arguments.document.suffix}"
        whole = arguments.expected
        if whole is None:
            whole = folder / f"whole{arguments.document.suffix}"
            started = time.monotonic()
            wait_for(translate(arguments, folder / "home-1", whole))
            print(f"undisturbed: {time.monotonic() - started:.0f} s", flush=True)
        cache = arguments.cache or folder / "home-1" / "cache"
        shutil.copytree(cache, folder / "home-2" / "cache")
        num_kills = run_killed(arguments, folder / "home-2", killed)
        left = [path.name for path in folder.iterdir() if path.name.startswith(".")]
        require(not left, f"left behind: {left}")
        require(count_lines(folder / "home-2") == 0, "the journal was not removed")
        is_same = whole.read_bytes() == killed.read_bytes()
        require(is_same, "the results differ")
        print(f"{num_kills} kills, {len(whole.read_bytes())} bytes, the same result")


if __name__ == "__main__":
    main()
