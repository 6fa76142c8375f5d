"""What the commands for memory, history and glossaries share."""

import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyspec.cli import diagnostics
from polyspec.errors import UsageError

if TYPE_CHECKING:
    from polyspec.assets.database import Database
    from polyspec.assets.language_pair import LanguagePair

From = Annotated[
    str | None,
    typer.Option("--from", metavar="LANGUAGE", help="Only from this language."),
]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="LANGUAGE", help="Only into this language."),
]
Limit = Annotated[int, typer.Option(min=1, help="Most entries to show.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@contextmanager
def open_database(*, is_read_only: bool = True) -> Iterator["Database"]:
    """The user's database; nothing is made where it is only read."""
    from polyspec.assets.database import Database, assets_path

    with Database(
        assets_path(), diagnostics.note, is_read_only=is_read_only
    ) as database:
        yield database


def find_pair(from_: str | None, to: str | None) -> "LanguagePair | None":
    """The languages that two options name; None where they name none.

    Raises:
        UsageError: One is named without the other, or is not known.
    """
    from polyspec.assets.language_pair import LanguagePair
    from polyspec.languages import find_language

    if from_ is None and to is None:
        return None
    if from_ is None or to is None:
        raise UsageError(
            "one language is named and the other is not",
            remedy="pass both --from and --to, or neither",
        )
    return LanguagePair.of(find_language(from_), find_language(to))


def confirm(question: str, *, is_sure: bool) -> bool:
    """Ask before something is lost, unless the user is sure.

    Raises:
        UsageError: Nobody is there to be asked.
    """
    if is_sure:
        return True
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(
            "nobody can be asked whether to delete it",
            cause="standard input is no terminal",
            remedy="pass --yes",
        )
    return typer.confirm(question, err=True)


def show(text: str) -> str:
    """A text in one line, without what a terminal would obey."""
    words = " ".join(text.split())
    return "".join(char for char in words if unicodedata.category(char) != "Cc")


def write_file(path: Path, write: Callable[[Callable[[str], object]], int]) -> int:
    """Write a file whole or not at all; returns what `write` returns.

    Raises:
        DocumentError: It cannot be written.
    """
    from polyspec.documents.output_file import open_output

    with open_output(path) as file:
        return write(file.write)
