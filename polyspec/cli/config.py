"""`polyspec config`: show, find and check the settings."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyspec.cli import output

if TYPE_CHECKING:
    from polyspec.settings import ResolvedSettings

app = typer.Typer(
    help="Show, find and check the settings.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def show(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object.")
    ] = False,
) -> None:
    """Print every setting in effect and where it comes from.

    What is printed is itself a settings file.

    Example: polyspec config show > polyspec.toml
    """
    from polyspec.settings import resolve_settings

    resolved = resolve_settings()
    if as_json:
        output.write_json(_as_object(resolved))
        return
    for line in _as_toml(resolved):
        output.write_line(line)


@app.command()
def path() -> None:
    """Print the path of your own settings file, whether it exists or not.

    Example: "$EDITOR" "$(polyspec config path)"
    """
    from polyspec import paths

    output.write_line(str(paths.config_file()))


@app.command()
def validate(
    file: Annotated[
        Path | None,
        typer.Argument(help="Settings file; without it, all that are in effect."),
    ] = None,
) -> None:
    """Check a settings file, or the files and variables in effect.

    Example: polyspec config validate polyspec.toml
    """
    from polyspec.settings import find_files, resolve_settings, validate_file

    if file is not None:
        validate_file(file)
        output.write_line(f"{file}: no problem found")
        return
    resolve_settings()
    for kind, found in find_files():
        output.write_line(f"{found}: no problem found ({kind})")
    output.write_line("environment: no problem found")


def _as_object(resolved: "ResolvedSettings") -> dict[str, object]:
    from polyspec.settings import get_value

    return {
        key: {
            "value": get_value(resolved.settings, key),
            "origin": origin.kind,
            "name": origin.name,
        }
        for key, origin in resolved.origins.items()
    }


def _as_toml(resolved: "ResolvedSettings") -> Iterator[str]:
    from polyspec.settings import get_value, setting_keys

    for key, meaning in setting_keys().items():
        origin = resolved.origins[key]
        value = get_value(resolved.settings, key)
        place = f"{origin.kind} {origin.name}".strip()
        setting = f"# {key} is not set" if value is None else _assignment(key, value)
        yield f"# {meaning}"
        yield f"{setting}  # {_printable(place)}"
        yield ""


def _assignment(key: str, value: object) -> str:
    # A JSON text, number or truth value is TOML too, but for the character DEL.
    text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return f"{key} = {text}"


def _printable(place: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in place)
