"""`polyspec glossary`: look at a file of terms before it is used."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyspec.cli import assets, output
from polyspec.errors import UsageError

if TYPE_CHECKING:
    from polyspec.assets.glossary import Glossary

_MANY_WORDS = 6

app = typer.Typer(
    name="glossary",
    help="Look at a file of terms.\n\n"
    "translate --glossary FILE has the model use the terms of a text, and tells where "
    "it did not.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A .csv, .tsv or .tbx file.")],
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="LANGUAGE", help="Language of the translations."),
    ] = None,
    from_: Annotated[
        str,
        typer.Option("--from", metavar="LANGUAGE", help="Language of the terms."),
    ] = "en",
) -> None:
    """Read a glossary and tell what may not be meant.

    Example: polyspec glossary check terms.csv --from en --to de
    """
    from polyspec.assets.glossary_file import read_glossary
    from polyspec.assets.language_pair import LanguagePair
    from polyspec.languages import find_language
    from polyspec.settings import load_settings

    settings = load_settings({"to": to})
    if settings.to is None:
        raise UsageError(
            "no target language is named",
            remedy="pass --to CODE, for example --to fr",
        )
    pair = LanguagePair.of(find_language(from_), find_language(settings.to))
    glossary = read_glossary(file, pair)
    output.write_line(f"{len(glossary.terms)} terms, {pair.source} > {pair.target}")
    for line in _find_doubts(glossary):
        output.write_line(assets.show(line))


def _find_doubts(glossary: "Glossary") -> Iterator[str]:
    for term in glossary.terms:
        if len(term.targets) > 1:
            yield (
                f"{term.source}: {len(term.targets)} translations, "
                f"{', '.join(term.targets)}; the first is asked for, each is accepted"
            )
        if len(term.source.split()) > _MANY_WORDS:
            yield f"{term.source}: so long a term is seldom found"
        if not any(char.isalnum() for char in term.source):
            yield f"{term.source}: there is no word in it"
