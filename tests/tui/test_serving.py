"""The interface in a browser: reached from this machine alone, with the key alone."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from polyspec.cli.main import main
from polyspec.tui.serving import make_server

ROOT = Path(__file__).resolve().parents[2]
DRIVER = shutil.which("chromedriver")
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


def run_session(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.tui.browser_session", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "NO_COLOR"},
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


@pytest.mark.slow
def test_only_who_has_the_key_gets_in() -> None:
    pytest.importorskip("textual_serve")
    found = run_session()
    assert found["host"] == "127.0.0.1"
    assert found["with_key"] == 200
    assert found["without_key"] == 403
    assert found["from_another_page"] == 403
    assert found["by_another_name"] == 403


@pytest.mark.slow
@pytest.mark.skipif(
    not (DRIVER and BROWSER), reason="needs chromedriver and Chromium or Chrome"
)
def test_a_browser_shows_it_and_takes_keys() -> None:
    pytest.importorskip("textual_serve")
    found = run_session(str(DRIVER), str(BROWSER))
    assert "paste a text to translate" in found["first"]
    assert "GOOD DAY" in found["translated"]
    assert found["foreign"] == []


def test_each_server_has_a_key_of_its_own() -> None:
    pytest.importorskip("textual_serve")
    one, another = (make_server(["true"], 8000) for _ in range(2))
    assert one.key != another.key
    assert one.key in one.address


def test_without_the_library_there_is_a_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    assert main(["tui", "--serve"]) == 2
    assert "polyspec[serve]" in capsys.readouterr().err
