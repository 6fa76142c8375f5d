"""The themes that come with the interface, and the user's own."""

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from textual.app import App
from textual.theme import Theme

from polyspec.errors import SettingsError

DARK, LIGHT = "polyspec-dark", "polyspec-light"

PROPOSERS = ("table", "history", "memory", "source", "match", "model")
"""Drafters that have a colour of their own, as `proposer-<name>` in a theme."""

THEME_DEFAULTS = {
    "muted": "#8b93a3",
    "faint": "#5d6676",
    "proposer-table": "#7fb069",
    "proposer-history": "#5aa9c9",
    "proposer-memory": "#c795d6",
    "proposer-source": "#d9a441",
    "proposer-match": "#5fbfae",
    "proposer-model": "#e07a5f",
}

_DARK = Theme(
    name=DARK,
    dark=True,
    primary="#82aadc",
    secondary="#93b5b0",
    accent="#e3b56b",
    foreground="#d6dae2",
    background="#15171c",
    surface="#1a1d23",
    panel="#24282f",
    success="#8fbf8a",
    warning="#e3b56b",
    error="#e08585",
    variables={
        "border": "#82aadc",
        "border-blurred": "#373d48",
        "footer-background": "#15171c",
        "footer-key-foreground": "#e3b56b",
        "footer-description-foreground": "#8b93a3",
        "block-cursor-foreground": "#15171c",
        "block-cursor-background": "#82aadc",
        "input-selection-background": "#82aadc 30%",
    },
)
_LIGHT = Theme(
    name=LIGHT,
    dark=False,
    primary="#2c64a6",
    secondary="#4d7671",
    accent="#9a5b00",
    foreground="#2a2e36",
    background="#f6f4ef",
    surface="#fdfcf9",
    panel="#ebe8e0",
    success="#3c7738",
    warning="#9a5b00",
    error="#b03a3a",
    variables={
        "border": "#2c64a6",
        "border-blurred": "#d3cec2",
        "footer-background": "#f6f4ef",
        "footer-key-foreground": "#9a5b00",
        "footer-description-foreground": "#6a6f79",
        "block-cursor-foreground": "#fdfcf9",
        "block-cursor-background": "#2c64a6",
        "input-selection-background": "#2c64a6 25%",
        "muted": "#6a6f79",
        "faint": "#a09c92",
        "proposer-table": "#3f7d2a",
        "proposer-history": "#1d6f94",
        "proposer-memory": "#8a47a0",
        "proposer-source": "#8f6200",
        "proposer-match": "#0f766a",
        "proposer-model": "#b8492c",
    },
)
_OWN = (_DARK, _LIGHT)


def add_themes(app: App[Any], folder: Path) -> list[SettingsError]:
    """Make our themes and the user's known; returns what is wrong with the latter."""
    for theme in _OWN:
        app.register_theme(theme)
    problems = []
    for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
        try:
            app.register_theme(read_theme(path))
        except SettingsError as problem:
            problems.append(problem)
    return problems


def start_with_theme(app: App[Any], name: str) -> None:
    """Have a theme from the first frame on.

    Assigning `app.theme` would have all styles parsed once more, twice.
    """
    theme = app.available_themes[name]
    if theme.ansi:  # which also changes how everything is drawn
        app.theme = name
        return
    app.set_reactive(App.theme, name)
    app.set_class(theme.dark, "-dark-mode", update=False)
    app.set_class(not theme.dark, "-light-mode", update=False)
    app.set_class(True, f"-theme-{theme.name}", update=False)
    app.stylesheet.set_variables(app.get_css_variables())


def read_theme(path: Path) -> Theme:
    """A theme from a TOML file: `primary`, `background` and so on, as in Textual.

    Raises:
        SettingsError: It cannot be read, or names what no theme has.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
        values.setdefault("name", path.stem)
        known = {field.name for field in fields(Theme)}
        unknown = sorted(values.keys() - known)
        if unknown:
            raise ValueError(f"no theme has {unknown[0]!r}")
        theme = Theme(**values)
        theme.to_color_system().generate()
    except (OSError, ValueError, TypeError) as error:
        raise SettingsError(
            f"{path} is not a theme",
            cause=str(error),
            remedy='give at least primary = "#82aadc"',
        ) from error
    return theme
