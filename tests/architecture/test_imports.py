"""What a quick command loads, and what every command tells of itself."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from polyspec.cli import app

HEAVY = ("llama_cpp", "numpy", "rich", "huggingface_hub", "langcodes", "sentencex")

SCRIPT = """
import sys
{body}
print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
"""


def loaded_by(body: str) -> str:
    """Which heavy modules a clean interpreter holds after running `body`."""
    script = SCRIPT.format(body=body, heavy=HEAVY)
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stderr.strip()


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["translate", "--help"], ["config", "path"]],
)
def test_a_quick_command_loads_nothing_heavy(arguments: list[str]) -> None:
    body = f"from polyspec.cli.main import main\nassert main({arguments!r}) == 0"
    assert loaded_by(body) == "[]"


def test_the_package_itself_loads_nothing_heavy() -> None:
    assert loaded_by("import polyspec") == "[]"


def commands(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    """All commands below a group, by what one types for them."""
    for child in group.commands.values():
        yield f"{name} {child.name}", child
        if hasattr(child, "commands"):
            yield from commands(child, f"{name} {child.name}")


ALL = dict(commands(typer.main.get_command(app.build_app()), "polyspec"))


@pytest.mark.parametrize("name", ALL)
def test_every_command_and_option_says_what_it_does(name: str) -> None:
    command = ALL[name]
    assert command.get_short_help_str(), name
    for parameter in command.params:
        assert parameter.help, f"{name}: {parameter.name}"
