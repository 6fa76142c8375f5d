"""`polyspec memory`: what is kept of translations, and learned from texts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyspec.cli import assets, diagnostics, output
from polyspec.errors import TableError, UsageError

if TYPE_CHECKING:
    from polyspec.drafting.memory_file import LearnedFile

app = typer.Typer(
    name="memory",
    help="See, exchange and delete what is kept of translations.\n\n"
    "The translation memory holds sentences with their translations: those that the "
    "model wrote and that passed all checks, and those of files that you import. "
    "--reuse takes identical ones without asking the model; similar ones make it "
    "faster. Beside it, PolySpec counts which tokens the model wrote after which. All "
    "of it stays on this machine, in files that no other user may read. --no-memory, "
    "or memory = false in the settings, turns both off; --private keeps nothing.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_AsJson = Annotated[bool, typer.Option("--json", help="JSON, one a line.")]
_Language = Annotated[
    str | None, typer.Option(metavar="LANGUAGE", help="Only texts in this language.")
]


@app.command()
def search(
    text: Annotated[
        str, typer.Argument(help="Sought in both languages, whatever the case.")
    ] = "",
    from_: assets.From = None,
    to: assets.To = None,
    limit: assets.Limit = 20,
    as_json: _AsJson = False,
) -> None:
    """List sentences that hold a text, the latest first.

    Example: polyspec memory search library --from en --to de
    """
    from polyspec.assets.exports import format_time
    from polyspec.assets.translation_memory import TranslationMemory

    pair = assets.find_pair(from_, to)
    with assets.open_database() as database:
        for one in TranslationMemory(database).search(text, pair=pair, limit=limit):
            if as_json:
                output.write_json(
                    {
                        "id": one.id,
                        "source_language": one.pair.source,
                        "target_language": one.pair.target,
                        "source": one.source,
                        "translation": one.translation,
                        "origin": one.origin.value,
                        "changed": format_time(one.changed_s),
                        "uses": one.num_uses,
                    }
                )
                continue
            pair_name = f"{one.pair.source} > {one.pair.target}"
            output.write_line(f"{one.id}  {pair_name}  {one.origin}")
            output.write_line(f"    {assets.show(one.source)}")
            output.write_line(f"    {assets.show(one.translation)}")


@app.command("import")
def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="A .tmx, .csv or .tsv file.")
    ],
    from_: assets.From = None,
    to: assets.To = None,
) -> None:
    """Take in the sentences of translation memories.

    A table has columns source and translation, or these two without a header; --from
    and --to say which languages they are, unless columns source_language and
    target_language do. Of a TMX file --from and --to choose the languages, and regional
    varieties count as the language named. What is in a file stays in it.

    Example: polyspec memory import project.tmx --from en --to de
    """
    from polyspec.assets.exchange import import_file
    from polyspec.assets.translation_memory import TranslationMemory

    pair = assets.find_pair(from_, to)
    with assets.open_database(is_read_only=False) as database:
        memory = TranslationMemory(database)
        for path in files:
            with diagnostics.progress(f"importing {path}", None, "units") as progress:
                counts = import_file(
                    memory,
                    path,
                    pair,
                    lambda done, total, bar=progress: bar.update(done),  # type: ignore[misc]
                )
            output.write_line(
                f"{path}: {counts.num_kept} sentences kept, {counts.num_skipped} not"
            )


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="A .tmx, .csv or .tsv file.")],
    from_: assets.From = None,
    to: assets.To = None,
) -> None:
    """Write the translation memory to a file for other programs.

    Example: polyspec memory export all.tmx
    """
    from polyspec.assets.exports import write_segments_csv
    from polyspec.assets.tmx_writer import write_tmx
    from polyspec.assets.translation_memory import TranslationMemory

    pair, kind = assets.find_pair(from_, to), file.suffix.lower()
    if kind not in {".tmx", ".csv", ".tsv"}:
        raise UsageError(
            f"{file} has no known format", remedy="name a .tmx, .csv or .tsv file"
        )
    with assets.open_database() as database:
        segments = TranslationMemory(database).segments(pair)
        if kind == ".tmx":
            number = assets.write_file(file, lambda write: write_tmx(segments, write))
        else:
            delimiter = "\t" if kind == ".tsv" else ","
            number = assets.write_file(
                file, lambda write: write_segments_csv(segments, write, delimiter)
            )
    output.write_line(f"{number} sentences written to {file}")


@app.command()
def stats(as_json: _AsJson = False) -> None:
    """Say how much is kept, by languages, and what was learned.

    Example: polyspec memory stats
    """
    from polyspec.assets.failed_answers import FailedAnswers
    from polyspec.assets.translation_memory import TranslationMemory
    from polyspec.drafting.memory_file import list_files

    with assets.open_database() as database:
        num_failed = FailedAnswers(database).count()
        if num_failed and as_json:
            output.write_json({"kind": "failed", "num_answers": num_failed})
        elif num_failed:
            output.write_line(f"{num_failed} answers that failed and are not asked for")
        for one in TranslationMemory(database).count():
            if as_json:
                output.write_json(
                    {
                        "kind": "sentences",
                        "source_language": one.pair.source,
                        "target_language": one.pair.target,
                        "num_segments": one.num_segments,
                        "num_by_user": one.num_by_user,
                        "num_imported": one.num_imported,
                        "num_uses": one.num_uses,
                    }
                )
                continue
            output.write_line(
                f"{one.pair.source} > {one.pair.target}  {one.num_segments} sentences "
                f"({one.num_imported} imported, {one.num_by_user} yours), "
                f"used {one.num_uses} times"
            )
    for file in list_files(_folder()):
        _write_learned(file, as_json=as_json)


@app.command()
def delete(
    ids: Annotated[
        list[int], typer.Argument(metavar="ID", help="As memory search shows it.")
    ],
) -> None:
    """Forget single sentences.

    Example: polyspec memory delete 12
    """
    from polyspec.assets.translation_memory import TranslationMemory

    with assets.open_database(is_read_only=False) as database:
        number = TranslationMemory(database).delete(ids)
    output.write_line(f"{number} sentences deleted")


@app.command()
def clear(
    from_: assets.From = None,
    to: assets.To = None,
    language: _Language = None,
    yes: assets.Yes = False,
) -> None:
    """Delete the translation memory and what was learned.

    With --from and --to only the sentences of these languages; with --language only
    what was learned from texts in that language.

    Example: polyspec memory clear --yes
    """
    from polyspec.assets.failed_answers import FailedAnswers
    from polyspec.assets.translation_memory import TranslationMemory
    from polyspec.languages import find_language

    pair = assets.find_pair(from_, to)
    code = None if language is None else find_language(language).code
    if not assets.confirm("Delete it for good?", is_sure=yes):
        return
    if pair is not None or code is None:
        with assets.open_database(is_read_only=False) as database:
            number = TranslationMemory(database).clear(pair)
            FailedAnswers(database).clear(pair)
        output.write_line(f"{number} sentences deleted")
    if code is not None or pair is None:
        _clear_learned(code)


def _clear_learned(code: str | None) -> None:
    from polyspec.drafting.memory_file import remove_files

    try:
        removed = remove_files(_folder(), code)
    except OSError as error:
        raise TableError(
            "what was learned cannot be deleted",
            cause=error.strerror or str(error),
            remedy=f"delete {_folder()} yourself",
        ) from error
    for file in removed:
        output.write_line(
            f"deleted what was learned: {file.language} {file.task} {file.fingerprint}"
        )


def _write_learned(file: "LearnedFile", *, as_json: bool) -> None:
    if as_json:
        output.write_json(
            {
                "kind": "learned",
                "language": file.language,
                "task": file.task,
                "tokenizer": file.fingerprint,
                "num_tokens": file.num_tokens,
                "size_bytes": file.size_bytes,
                "path": str(file.path),
            }
        )
        return
    learned = "damaged" if file.num_tokens is None else f"{file.num_tokens} tokens seen"
    output.write_line(
        f"{file.language}  {file.task:<9}  {file.fingerprint}  "
        f"{diagnostics.format_amount(file.size_bytes):>8}  {learned}"
    )


def _folder() -> Path:
    from polyspec.paths import data_dir

    return data_dir() / "memory"
