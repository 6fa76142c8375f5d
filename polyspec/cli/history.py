"""`polyspec history`: what was translated, to be found again."""

from pathlib import Path
from typing import Annotated

import typer

from polyspec.cli import assets, output
from polyspec.errors import UsageError

app = typer.Typer(
    name="history",
    help="Find, export and delete what was translated.\n\n"
    "Texts and their translations are listed on this machine, in a file that no other "
    "user may read; of documents only the names. --no-history, or history = false in "
    "the settings, turns it off; --private keeps nothing at all.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def search(
    text: Annotated[
        str, typer.Argument(help="Sought in texts and names, whatever the case.")
    ] = "",
    from_: assets.From = None,
    to: assets.To = None,
    limit: assets.Limit = 20,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, one a line.")] = False,
) -> None:
    """List translations, the latest first.

    Example: polyspec history search library
    """
    from polyspec.assets.exports import describe_entry, format_time
    from polyspec.assets.history import History

    pair = assets.find_pair(from_, to)
    with assets.open_database() as database:
        for one in History(database).search(text, pair=pair, limit=limit):
            if as_json:
                output.write_json({"id": str(one.id), **describe_entry(one)})
                continue
            title = f"  {assets.show(one.title)}" if one.title else ""
            output.write_line(
                f"{format_time(one.written_s)}  {one.pair.source} > {one.pair.target}"
                f"{title}"
            )
            for part in (one.source, one.translation):
                if part:
                    output.write_line(f"    {assets.show(part)}")


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="A .csv, .tsv or .jsonl file.")],
) -> None:
    """Write the history to a file, the oldest entry first.

    Example: polyspec history export history.csv
    """
    from polyspec.assets.exports import write_history_csv, write_history_lines
    from polyspec.assets.history import History

    kind = file.suffix.lower()
    if kind not in {".csv", ".tsv", ".jsonl"}:
        raise UsageError(
            f"{file} has no known format", remedy="name a .csv, .tsv or .jsonl file"
        )
    with assets.open_database() as database:
        entries = History(database).entries()
        if kind == ".jsonl":
            number = assets.write_file(
                file, lambda write: write_history_lines(entries, write)
            )
        else:
            delimiter = "\t" if kind == ".tsv" else ","
            number = assets.write_file(
                file, lambda write: write_history_csv(entries, write, delimiter)
            )
    output.write_line(f"{number} entries written to {file}")


@app.command()
def clear(yes: assets.Yes = False) -> None:
    """Delete the whole history.

    Example: polyspec history clear --yes
    """
    from polyspec.assets.history import History

    if not assets.confirm("Delete it for good?", is_sure=yes):
        return
    with assets.open_database(is_read_only=False) as database:
        number = History(database).clear()
    output.write_line(f"{number} entries deleted")
