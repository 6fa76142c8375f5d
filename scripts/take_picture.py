"""Takes the picture of the README: a real translation with the drafter panel open.

It runs the interface without a terminal and in a home of its own, with a model that is
installed, and writes what is on the screen as SVG: python scripts/take_picture.py

The text is translated twice: what was written once is drafted from memory.
"""

import argparse
import asyncio
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from polyspec.paths import models_dir
from polyspec.tui.app import PolySpecApp
from polyspec.tui.interface_file import Interface
from polyspec.tui.making import RealMaker
from polyspec.tui.remembered import Remembered
from polyspec.tui.screens.translate import TranslateScreen

ROOT = Path(__file__).resolve().parents[1]
TEXT = """\
Dear customer,

Your package 7731-B left our shop on Monday. It should arrive in Uppsala on 12 May.

Please write to help@example.org if package 7731-B is late.
"""
_SIZE = (120, 36)
_PATIENCE_S = 300.0
_FONT_FILES = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


async def wait_until(is_true: Callable[[], bool]) -> None:
    """Let the interface go on until something is true."""
    async with asyncio.timeout(_PATIENCE_S):
        while not is_true():
            await asyncio.sleep(0.05)


async def take_picture(model: str, target: str, theme: str) -> str:
    """Translate the sample and return the screen as SVG, without fonts from afar."""
    app = PolySpecApp(
        RealMaker(),
        Interface(theme=theme),
        Remembered("en", target, detects=False),
        {"model": model},
    )
    async with app.run_test(size=_SIZE) as pilot:
        await wait_until(lambda: app.model_state.mood != "busy")
        if app.facts is None:
            raise SystemExit(f"{model} could not be loaded")
        screen = app.screen
        assert isinstance(screen, TranslateScreen)
        screen.source.cursor_blink = False
        await screen.action_toggle_drafters()
        screen.source.put_in(TEXT)
        for _ in range(2):
            screen.action_translate()
            await pilot.pause()
            await wait_until(lambda: not screen.is_writing)
        screen.source.move_cursor((0, 0))
        await pilot.pause(0.5)
        svg = app.export_screenshot(title="polyspec")
    app.worker.stop(_PATIENCE_S)
    return _FONT_FILES.sub("", svg)


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b-instruct")
    parser.add_argument("--to", default="fr")
    parser.add_argument("--theme", default="polyspec-dark")
    parser.add_argument("--output", default=ROOT / "docs/pictures/translate.svg")
    options = parser.parse_args()
    os.environ["POLYSPEC_MODELS_DIR"] = str(models_dir())
    with tempfile.TemporaryDirectory() as home:
        os.environ["POLYSPEC_HOME"] = home
        svg = asyncio.run(take_picture(options.model, options.to, options.theme))
    path = Path(options.output)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg, "utf-8")
    print(path)


if __name__ == "__main__":
    main()
