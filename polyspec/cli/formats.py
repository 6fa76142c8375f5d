"""`polyspec formats`: the documents that can be translated."""

from typing import Annotated

import typer

from polyspec.cli import output


def formats(
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object per format and line.")
    ] = False,
) -> None:
    """List the document formats, their extensions and their limits.

    Example: polyspec formats --json
    """
    from polyspec.documents.registry import all_formats

    for known in all_formats():
        if as_json:
            fields = {
                "name": known.name,
                "title": known.title,
                "extensions": list(known.extensions),
                "is_streamed": known.is_streamed,
                "limits": known.limits,
            }
            output.write_json(fields)
        else:
            extensions = " ".join(known.extensions)
            output.write_line(f"{known.name:<12} {known.title} ({extensions})")
            output.write_line(f"{'':<12} {known.limits}")
