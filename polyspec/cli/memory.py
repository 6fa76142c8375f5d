"""`polyspec memory`: see and delete what was learned from the model's texts."""

from pathlib import Path
from typing import Annotated

import typer

from polyspec.cli import output
from polyspec.errors import TableError

app = typer.Typer(
    name="memory",
    help="See and delete what was learned from texts that the model wrote.\n\n"
    "So that documents of a kind grow faster to write, PolySpec counts which tokens "
    "the model wrote after which. These counts are kept on this machine only, in files "
    "that no other user may read; but tokens are text, and whoever has the files can "
    "guess parts of it. --no-memory, or memory = false in the settings, turns it off.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Language = Annotated[
    str | None,
    typer.Option(metavar="LANGUAGE", help="Of this language only."),
]


@app.command()
def show(
    language: _Language = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, one a line.")] = False,
) -> None:
    """List what was learned, by language, task and tokenizer.

    Example: polyspec memory show
    """
    from polyspec.cli.diagnostics import format_amount
    from polyspec.drafting.memory_file import list_files

    code = _find_code(language)
    for file in list_files(_folder()):
        if code not in (None, file.language):
            continue
        if as_json:
            output.write_json(
                {
                    "language": file.language,
                    "task": file.task,
                    "tokenizer": file.fingerprint,
                    "num_tokens": file.num_tokens,
                    "size_bytes": file.size_bytes,
                    "path": str(file.path),
                }
            )
            continue
        learned = (
            "damaged" if file.num_tokens is None else f"{file.num_tokens} tokens seen"
        )
        output.write_line(
            f"{file.language}  {file.task:<9}  {file.fingerprint}  "
            f"{format_amount(file.size_bytes):>8}  {learned}"
        )


@app.command()
def clear(language: _Language = None) -> None:
    """Delete what was learned, all of it or that of one language.

    Example: polyspec memory clear --language de
    """
    from polyspec.drafting.memory_file import remove_files

    try:
        removed = remove_files(_folder(), _find_code(language))
    except OSError as error:
        raise TableError(
            "what was learned cannot be deleted",
            cause=error.strerror or str(error),
            remedy=f"delete {_folder()} yourself",
        ) from error
    for file in removed:
        output.write_line(f"deleted {file.language} {file.task} {file.fingerprint}")


def _folder() -> Path:
    from polyspec.paths import data_dir

    return data_dir() / "memory"


def _find_code(language: str | None) -> str | None:
    from polyspec.languages import find_language

    return None if language is None else find_language(language).code
