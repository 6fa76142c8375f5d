"""The commands of the palette: all that a key does, by name."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from textual.app import App, SystemCommand
from textual.command import CommandPalette
from textual.screen import Screen

from polyspec.tui.breathing import Breathing

_LEFT_OUT = ("help_quit", "command_palette")


class Palette(Breathing, CommandPalette):
    """Textual's list of commands, to be searched."""


def list_commands(app: App[Any], screen: Screen[Any]) -> Iterator[SystemCommand]:
    """What can be done on a screen, with the key that does it."""
    seen: set[str] = set()
    for active in screen.active_bindings.values():
        binding = active.binding
        if not binding.description or not binding.id or binding.action in seen:
            continue
        if binding.action in _LEFT_OUT:
            continue
        seen.add(binding.action)
        key = app.get_key_display(binding)
        yield SystemCommand(
            binding.tooltip or binding.description,
            f"{binding.description} · {key}",
            partial(_run, screen, binding.action, active.node),
        )
    yield SystemCommand("Change the theme", "Theme", app.action_change_theme)
    if app.ansi_color is not None:
        yield SystemCommand(
            "Save a picture of the screen",
            "SVG file",
            partial(app.set_timer, 0.2, app.action_screenshot),
        )


async def _run(screen: Screen[Any], action: str, node: Any) -> None:
    await screen.app.run_action(action, node)
