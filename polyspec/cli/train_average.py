"""`polyspec train average`: one adapter from several."""

from pathlib import Path
from typing import Annotated

import typer

from polyspec.cli import output


def average(
    adapters: Annotated[
        list[str],
        typer.Argument(
            metavar="ADAPTER...",
            help="Names or .gguf files; one that is named twice counts twice.",
        ),
    ],
    out: Annotated[Path, typer.Option("--output", "-o", help="The mean.")],
    number_format: Annotated[
        str, typer.Option("--format", help="Numbers of the file: f16 or q8_0.")
    ] = "f16",
    corpus: Annotated[
        str, typer.Option(help="Names the pairs of all and their licences.")
    ] = "",
    figures: Annotated[str, typer.Option(help="What was measured with it.")] = "",
) -> None:
    """Take the mean of adapters, which often translates better than each.

    They should have begun with each other, or all with the same adapter: those of
    unrelated runs have little in common that a mean could keep.

    Example: polyspec train average before.gguf after.gguf -o mean.gguf
    """
    from polyspec.catalog.store import find_model
    from polyspec.gguf_header import read_gguf_header
    from polyspec.training.adapter_average import average_adapters
    from polyspec.training.requirements import require_libraries

    require_libraries("gguf")
    headers = [read_gguf_header(find_model(adapter)) for adapter in adapters]
    card = {"corpus": corpus, "figures": figures}
    told = {key: text for key, text in card.items() if text}
    average_adapters(headers, told, out, number_format=number_format)
    output.write_line(str(out))
