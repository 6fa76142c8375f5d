"""The commands and the options that come before them.

Command modules import nothing heavy at their top, so that `--help` stays quick.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from polyspec import __version__
from polyspec.cli import diagnostics, output
from polyspec.errors import UsageError

_COMPLETION_VARIABLE = "_POLYSPEC_COMPLETE"


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status.

    Raises:
        UsageError: What was typed is not a command or its options.
        KeyboardInterrupt: The user gave up at a question.
    """
    command = typer.main.get_command(build_app())
    if os.environ.get(_COMPLETION_VARIABLE):
        command.main(arguments, prog_name="polyspec", standalone_mode=False)
    try:
        with command.make_context("polyspec", arguments) as context:
            command.invoke(context)
    except typer.Exit as leave:
        return leave.exit_code
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except typer.TyperException as error:
        if type(error).__name__ != "NoArgsIsHelpError":
            raise _usage_error(error) from error
        output.write_line(error.format_message())
    return 0


def build_app() -> typer.Typer:
    """All commands, ready to be run or described."""
    from polyspec.cli import (
        bench,
        config,
        doctor,
        drafts,
        formats,
        glossary,
        history,
        memory,
        models,
        story,
        tables,
        train,
        translate,
        tui,
    )

    app = typer.Typer(
        name="polyspec",
        help="Translate and write stories offline, with models on your own machine.",
        epilog=_EXAMPLES,
        context_settings={"help_option_names": ["-h", "--help"]},
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback(invoke_without_command=True)(_before_any_command)
    app.command("translate")(translate.translate)
    app.command("story")(story.story)
    app.command("tui")(tui.tui)
    app.add_typer(models.app, name="models")
    app.add_typer(tables.app, name="tables")
    app.add_typer(memory.app, name="memory")
    app.add_typer(history.app, name="history")
    app.add_typer(glossary.app, name="glossary")
    app.add_typer(drafts.app, name="drafts")
    app.add_typer(train.app, name="train")
    app.add_typer(bench.app, name="bench")
    app.add_typer(config.app, name="config")
    app.command("formats")(formats.formats)
    app.command("doctor")(doctor.doctor)
    return app


_EXAMPLES = """\b
Examples:
  polyspec models pull
  polyspec translate "The library opens at nine." --to fr
  polyspec translate --in letter.txt -o brief.txt --to German
  polyspec story --language de --theme "a lighthouse in winter"
"""


def _print_version(is_asked: bool) -> None:
    if is_asked:
        output.write_line(f"polyspec {__version__}")
        raise typer.Exit


def _before_any_command(
    context: typer.Context,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print errors, but no notes.")
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="Read settings from FILE and from no other file.",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and leave.",
        ),
    ] = False,
) -> None:
    diagnostics.set_quiet(quiet)
    if config is not None:
        os.environ["POLYSPEC_CONFIG"] = str(config)
    if context.invoked_subcommand is None:
        output.write_line(context.get_help())


def _usage_error(error: typer.TyperException) -> UsageError:
    message = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    name = context.command_path if context is not None else "polyspec"
    return UsageError(message[:1].lower() + message[1:], remedy=f"see {name} --help")
