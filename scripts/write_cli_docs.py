"""Writes docs/cli.md from the help of every command.

`--check` writes nothing and ends with 1 where the page is not fresh.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
PREFACE = """# The command line

Written by `make docs` from what `--help` says. See also [exit codes](exit-codes.md).
"""


def sections(command: Any, name: str, parent: Any = None) -> Iterator[str]:
    """The help of a command and of all below it."""
    context = command.make_context(
        name, [], parent=parent, resilient_parsing=True, terminal_width=80
    )
    yield f"## {context.command_path}\n\n```text\n{context.get_help().strip()}\n```\n"
    for child in getattr(command, "commands", {}).values():
        yield from sections(child, child.name, context)


def make_page() -> str:
    """The whole page."""
    import typer

    from polyspec.cli.app import build_app

    command = typer.main.get_command(build_app())
    return "\n".join([PREFACE, *sections(command, "polyspec")])


def main() -> int:
    """Write the page, or check that it is fresh."""
    os.environ["COLUMNS"] = "80"
    page = make_page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page, encoding="utf-8", newline="\n")
        return 0
    return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page)


if __name__ == "__main__":
    sys.exit(main())
