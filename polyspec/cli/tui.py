"""`polyspec tui`: the terminal interface."""

import sys
from typing import Annotated

import typer

from polyspec.cli import options


def tui(
    to: Annotated[
        str | None,
        typer.Option(metavar="LANGUAGE", help="Language to translate into."),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="LANGUAGE", help="Language of the text."),
    ] = None,
    model: options.Model = None,
    draft: options.Draft = None,
    gpu_layers: options.GpuLayers = None,
    threads: options.Threads = None,
    ctx: options.Context = None,
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Open it in a browser of this machine instead."),
    ] = False,
    port: Annotated[
        int, typer.Option(min=1024, max=65535, help="Port for --serve.")
    ] = 8000,
) -> None:
    """Open the interface, as polyspec alone does in a terminal.

    Example: polyspec tui --from en --to fr
    """
    import os

    from polyspec.languages import find_language
    from polyspec.tui.run import open_interface

    for name in (to, from_):
        if name:
            find_language(name)
    chosen = {
        "to": to,
        "from_": from_,
        "model": model,
        "draft": draft,
        "gpu_layers": gpu_layers,
        "threads": threads,
        "ctx": ctx,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    if serve and not os.environ.get("TEXTUAL_DRIVER"):
        from polyspec.tui.serving import serve_interface

        serve_interface([sys.executable, "-m", "polyspec", *sys.argv[1:]], port)
        return
    status = open_interface(given)
    if status:
        raise typer.Exit(status)
