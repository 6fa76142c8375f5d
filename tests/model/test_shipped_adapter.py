"""The adapter that ships, with the model that it changes."""

from pathlib import Path

import pytest

from polyspec.cli import main
from polyspec.paths import shipped_models_dir

pytestmark = pytest.mark.model

NAME = "gemma-3-270m-translate"


def test_it_translates_without_examples(
    models_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if not (models_dir / "gemma-3-270m.gguf").exists():
        pytest.skip("gemma-3-270m is not installed: polyspec models pull gemma-3-270m")
    monkeypatch.setenv("POLYSPEC_MODELS_DIR", str(models_dir))
    adapter = shipped_models_dir() / f"{NAME}.gguf"
    command = ["translate", "--from", "en", "--to", "fr", "--model", str(adapter)]
    assert main.main([*command, "The library opens at nine."]) == 0
    assert "bibliothèque" in capsys.readouterr().out
