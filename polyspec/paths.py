"""Where files live. Nothing here creates anything.

`POLYSPEC_HOME` puts everything below one folder, for portable installations and tests.
"""

import os
from pathlib import Path

from platformdirs import PlatformDirs

_DIRS = PlatformDirs("polyspec", appauthor=False)


def _below_home(name: str) -> Path | None:
    home = os.environ.get("POLYSPEC_HOME")
    return Path(home) / name if home else None


def data_dir() -> Path:
    """The user's models, tables, memory and history."""
    return _below_home("data") or _DIRS.user_data_path


def cache_dir() -> Path:
    """What can be measured or fetched again."""
    return _below_home("cache") or _DIRS.user_cache_path


def state_dir() -> Path:
    """Journals of work that is not done."""
    return _below_home("state") or _DIRS.user_state_path


def config_file() -> Path:
    """The user's settings."""
    return (_below_home("config") or _DIRS.user_config_path) / "config.toml"


def models_dir() -> Path:
    """Installed models; `POLYSPEC_MODELS_DIR` moves them."""
    moved = os.environ.get("POLYSPEC_MODELS_DIR")
    return Path(moved) if moved else data_dir() / "models"


def shipped_models_dir() -> Path:
    """The catalogue and the small models that come with the program."""
    return _shipped("models")


def shipped_tables_dir() -> Path:
    """The n-gram tables that come with the program."""
    return _shipped("ngram_tables")


def _shipped(name: str) -> Path:
    package = Path(__file__).resolve().parent
    installed = package / f"_{name}"
    return installed if installed.is_dir() else package.parent / name
