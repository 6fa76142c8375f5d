"""`polyspec models`: see, fetch, import, verify and remove models."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated

import typer

from polyspec.cli import diagnostics, output

if TYPE_CHECKING:
    from polyspec.catalog.listing import ListedModel

app = typer.Typer(
    name="models",
    help="See, fetch, import, verify and remove models.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Name = Annotated[str, typer.Argument(help="Name of an installed model.")]


@app.command("list")
def list_all(
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object per model and line.")
    ] = False,
) -> None:
    """List the models of the catalogue and your own.

    Example: polyspec models list --json
    """
    from dataclasses import asdict

    from polyspec.catalog.listing import list_models

    models = list_models()
    if as_json:
        for model in models:
            output.write_json(asdict(model))
        return
    width = max(len(model.name) for model in models)
    for model in models:
        output.write_line(_row(model, width))


@app.command()
def pull(
    name: Annotated[
        str | None,
        typer.Argument(help="A name of the catalogue; without one, what suits."),
    ] = None,
) -> None:
    """Download a model, verify its SHA-256 and install it; go on if interrupted.

    Example: polyspec models pull gemma-3-270m
    """
    from polyspec.catalog.choice import choose_for_this_machine
    from polyspec.catalog.download import pull_model
    from polyspec.catalog.manifest import read_catalogue
    from polyspec.catalog.store import catalogued_model, find_installed

    if name is None:
        choice = choose_for_this_machine(read_catalogue())
        diagnostics.note(choice.reason)
        if choice.general is not None and not find_installed(choice.general.name):
            diagnostics.note(
                "for stories and for other languages: "
                f"polyspec models pull {choice.general.name}"
            )
        entry = choice.entry
    else:
        entry = catalogued_model(name)
    with _PullProgress(entry.name) as reporter:
        installed = pull_model(entry, reporter)
    output.write_line(str(installed.path))


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A GGUF file.")],
    name: Annotated[
        str | None, typer.Option(help="What to call it; by default after the file.")
    ] = None,
) -> None:
    """Copy a GGUF file of your own into the model folder.

    Example: polyspec models import ~/Downloads/my-model.gguf --name my-model
    """
    from polyspec.catalog.importing import import_model

    total_bytes = file.stat().st_size if file.is_file() else None
    with diagnostics.progress(f"importing {file.name}", total_bytes) as bar:
        installed = import_model(file, name, bar.update)
    output.write_line(f"{installed.name}: {installed.path}")


@app.command()
def verify(
    name: Annotated[
        str | None, typer.Argument(help="An installed model; without one, all.")
    ] = None,
) -> None:
    """Compare installed models with the SHA-256 they came with.

    Example: polyspec models verify gemma-3-270m
    """
    from polyspec.catalog.store import (
        installed_models,
        require_installed,
        require_intact,
        verify_model,
    )

    verifications = []
    for model in (require_installed(name),) if name else installed_models():
        with diagnostics.progress(f"verifying {model.name}", model.size_bytes) as bar:
            verifications.append(verify_model(model, bar.update))
        output.write_line(f"{model.name}: {verifications[-1].verdict}")
    require_intact(verifications)


@app.command()
def remove(name: _Name) -> None:
    """Delete an installed model, or what an unfinished download left.

    Example: polyspec models remove gemma-3-270m
    """
    from polyspec.catalog.store import remove_model

    freed_bytes = remove_model(name)
    output.write_line(f"{name}: removed, {diagnostics.format_amount(freed_bytes)} free")


@app.command()
def path(name: _Name) -> None:
    """Print where an installed model lies.

    Example: polyspec models path gemma-3-270m
    """
    from polyspec.catalog.store import find_model

    output.write_line(str(find_model(name)))


class _PullProgress:
    """Shows a download as notes and one bar per stage."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stage = ""
        self._open = ExitStack()

    def __enter__(self) -> "_PullProgress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, traceback)

    def note(self, text: str) -> None:
        self._end_stage()
        diagnostics.note(text)

    def advance(self, stage: str, done_bytes: int, total_bytes: int | None) -> None:
        if stage != self._stage:
            self._end_stage()
            self._stage = stage
            self._bar = self._open.enter_context(
                diagnostics.progress(f"{self._name}: {stage}", total_bytes)
            )
        self._bar.update(done_bytes)

    def _end_stage(self) -> None:
        self._open.close()
        self._stage = ""


def _row(model: "ListedModel", width: int) -> str:
    if model.is_installed:
        state = "damaged" if model.is_damaged else "installed"
    else:
        state = "available" if model.is_verified else "unverified"
    size = diagnostics.format_amount(model.size_bytes) if model.size_bytes else "?"
    about = "; ".join(filter(None, (model.languages, model.licence)))
    return f"{model.name:<{width}}  {size:>8}  {state:<10}  {about}".rstrip()
