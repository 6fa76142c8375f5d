"""Changes one value in the user's settings file, and nothing else in it."""

import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from polyspec.errors import SettingsError
from polyspec.paths import config_file
from polyspec.tui.interface_file import open_document, write_document


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting as it is shown."""

    key: str
    value: str
    """As in a settings file; empty where it is not set."""
    origin: str
    """Where the value comes from."""
    meaning: str


def read_settings() -> list[SettingLine]:
    """All settings in effect.

    Raises:
        SettingsError: A file or a variable holds what cannot be used.
    """
    from polyspec.settings import get_value, resolve_settings, setting_keys

    resolved = resolve_settings()
    lines = []
    for key, meaning in setting_keys().items():
        value = get_value(resolved.settings, key)
        origin = resolved.origins[key]
        lines.append(
            SettingLine(
                key, format_value(value), f"{origin.kind} {origin.name}", meaning
            )
        )
    return lines


def format_value(value: object) -> str:
    """A value as one would type it; empty for none."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def parse_value(typed: str) -> object:
    """A typed value: what TOML takes for a number or a truth value, else a text."""
    try:
        value = tomllib.loads(f"value = {typed}")["value"]
    except tomllib.TOMLDecodeError:
        return typed
    return value if isinstance(value, bool | int | float | str) else typed


def change_setting(key: str, typed: str) -> Path:
    """Set a key in the user's own file, or take it out where nothing is typed.

    Returns:
        The file.

    Raises:
        SettingsError: The value is not allowed, or the file cannot be changed.
    """
    path = config_file()
    document = open_document(path)
    if typed.strip():
        document[key] = parse_value(typed.strip())
    elif key in document:
        del document[key]
    _require_valid(document.as_string(), path)
    write_document(path, document)
    return path


def _require_valid(text: str, path: Path) -> None:
    """Refuse a file that could not be read at the next start."""
    from polyspec.settings import validate_file

    with tempfile.TemporaryDirectory(prefix="polyspec-") as folder:
        candidate = Path(folder) / path.name
        candidate.write_text(text, "utf-8")
        try:
            validate_file(candidate)
        except SettingsError as error:
            raise SettingsError(
                error.problem.replace(str(candidate), path.name),
                cause=error.cause,
                remedy=error.remedy,
            ) from error
