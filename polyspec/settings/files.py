"""Finds settings files and reads them as TOML."""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from polyspec import paths
from polyspec.errors import SettingsError

FileKind = Literal["user file", "project file", "named file"]

PROJECT_FILE = "polyspec.toml"
_MAX_BYTES = 1 << 20


def find_files() -> Iterator[tuple[FileKind, Path]]:
    """The settings files to read, the weakest first.

    `POLYSPEC_CONFIG` names one that is read in place of all others.
    """
    named = os.environ.get("POLYSPEC_CONFIG")
    if named:
        yield "named file", Path(named)
        return
    user_file = paths.config_file()
    if user_file.exists():
        yield "user file", user_file
    try:
        project_file = find_project_file(Path.cwd())
    except OSError:  # the working directory is gone, or closed to this user
        return
    if project_file is not None:
        yield "project file", project_file


def find_project_file(folder: Path) -> Path | None:
    """The `polyspec.toml` nearest to a folder, up to its repository or the home.

    Outside both, only the folder itself is looked at: a file that somebody else put
    higher up must not decide what happens here.
    """
    for candidate in _folders_to_search(folder):
        if (candidate / PROJECT_FILE).is_file():
            return candidate / PROJECT_FILE
    return None


def _folders_to_search(folder: Path) -> list[Path]:
    searched: list[Path] = []
    for candidate in (folder, *folder.parents):
        searched.append(candidate)
        if candidate == _home() or (candidate / ".git").exists():
            return searched
    return [folder]


def read_file(path: Path) -> dict[str, object]:
    """The keys and values of a settings file.

    Raises:
        SettingsError: It cannot be read, or it is not TOML.
    """
    try:
        return tomllib.loads(_read_bytes(path).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{path} is not UTF-8",
            cause=f"byte {error.start} cannot be decoded",
            remedy="save it as UTF-8",
        ) from error
    except (ValueError, RecursionError) as error:
        cause = str(error) if isinstance(error, ValueError) else "it nests too deep"
        raise SettingsError(
            f"{path} is not a settings file",
            cause=cause[:1].lower() + cause[1:],
            remedy="write one 'key = value' a line, with quotes around texts",
        ) from error


def _read_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read",
            cause=(error.strerror or str(error)).lower(),
            remedy="check the name and who may read it",
        ) from error
    if len(data) > _MAX_BYTES:
        raise SettingsError(
            f"{path} is no settings file",
            cause=f"it is larger than {_MAX_BYTES} bytes",
            remedy="name another file",
        )
    return data


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # neither a variable nor an account says where it is
        return None
