"""How the interface looks and answers to keys: `interface.toml`, beside the settings.

It is a file of its own, in plain TOML, so that the first frame need not wait for the
settings to be validated. Comments in it are kept.
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polyspec.errors import SettingsError
from polyspec.paths import config_file

if TYPE_CHECKING:
    import tomlkit

KEY_STYLES = ("plain", "vim")


@dataclass(frozen=True, slots=True)
class Interface:
    """What the user chose for the interface."""

    theme: str = ""
    """Name of a theme; empty for the one that comes first."""
    keys: str = "plain"
    """`plain`, or `vim` for its keys in the source pane."""
    keymap: dict[str, str] = field(default_factory=dict)
    """Keys by the id of what they do, as F1 shows them."""


def interface_path() -> Path:
    """Where the choices are kept."""
    return config_file().with_name("interface.toml")


def themes_dir() -> Path:
    """Where the user's own themes lie, one TOML file each."""
    return config_file().with_name("themes")


def read_interface() -> Interface:
    """The user's choices, or the defaults where nothing was chosen.

    Raises:
        SettingsError: The file cannot be used.
    """
    path = interface_path()
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Interface()
    except (OSError, ValueError) as error:
        raise _unusable(path, str(error)) from error
    return _check(path, values)


def write_choice(name: str, value: str) -> None:
    """Set one choice and leave the rest of the file as it is.

    Raises:
        SettingsError: The file cannot be read or written.
    """
    path = interface_path()
    document = open_document(path)
    document[name] = value
    write_document(path, document)


def open_document(path: Path) -> "tomlkit.TOMLDocument":
    """A TOML file with its comments; empty where there is none.

    Raises:
        SettingsError: It cannot be read, or it is not TOML.
    """
    import tomlkit
    from tomlkit.exceptions import ParseError

    try:
        return tomlkit.parse(path.read_text("utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except (OSError, ValueError, ParseError) as error:
        raise _unusable(path, str(error)) from error


def write_document(path: Path, document: "tomlkit.TOMLDocument") -> None:
    """Put a changed TOML file in the place of the old one.

    Raises:
        SettingsError: It cannot be written.
    """
    from polyspec.documents.output_file import open_output
    from polyspec.errors import DocumentError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_output(path) as output:
            output.write(document.as_string())
    except (OSError, DocumentError) as error:
        cause = error.cause if isinstance(error, DocumentError) else str(error)
        raise SettingsError(
            f"{path} cannot be written",
            cause=cause,
            remedy="check the space on the disk and who may write there",
        ) from error


def _check(path: Path, values: dict[str, Any]) -> Interface:
    unknown = sorted(values.keys() - {"theme", "keys", "keymap"})
    if unknown:
        raise _unusable(path, f"{unknown[0]!r} means nothing here")
    theme, keys = values.get("theme", ""), values.get("keys", "plain")
    keymap = values.get("keymap", {})
    if not isinstance(theme, str):
        raise _unusable(path, "theme is not a text")
    if keys not in KEY_STYLES:
        raise _unusable(path, f"keys is not one of {', '.join(KEY_STYLES)}")
    if not isinstance(keymap, dict) or not all(
        isinstance(key, str) for key in keymap.values()
    ):
        raise _unusable(path, "keymap is not a table of texts")
    return Interface(theme, keys, keymap)


def _unusable(path: Path, cause: str) -> SettingsError:
    return SettingsError(
        f"{path} cannot be used",
        cause=cause,
        remedy="mend or remove it; the defaults are in force",
    )
