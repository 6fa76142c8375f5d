"""Texts from outside: a file, or the user's own editor."""

import os
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

from polyspec.errors import DocumentError, UsageError
from polyspec.paths import data_dir
from polyspec.tui.widgets.source.pane import MAX_CHARS, clean_text


def read_text_file(name: str) -> str:
    """The text of a file that fits into a pane.

    Raises:
        DocumentError: It cannot be read, is no text, or is too long.
    """
    from polyspec.documents.plain_text import read_text

    path = Path(name.strip().strip("'\"")).expanduser()
    parts: list[str] = []
    num_chars = 0
    for chunk in read_text(path):
        parts.append(chunk)
        num_chars += len(chunk)
        if num_chars > MAX_CHARS:
            raise DocumentError(
                f"{path.name} is too long for the pane",
                cause=f"it has more than {MAX_CHARS:,} characters",
                remedy="translate it under Files",
            )
    return clean_text("".join(parts))


def keep_pasted(text: str) -> Path:
    """Put a text into a file of its own, among the user's data.

    Raises:
        DocumentError: It cannot be written.
    """
    import time

    from polyspec.documents.output_file import open_output

    folder = data_dir() / "pasted"
    path = folder / f"pasted-{time.strftime('%Y%m%d-%H%M%S')}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DocumentError(
            f"cannot write {path}",
            cause=str(error),
            remedy="save the text as a file yourself",
        ) from error
    with open_output(path) as output:
        output.write(text)
    return path


def edit_text(app: App[Any], text: str) -> str:
    """Show a text in `$VISUAL` or `$EDITOR` and return what it is afterwards.

    Raises:
        UsageError: No editor is named, it cannot be run, or this terminal cannot be
            given to it.
        DocumentError: What it left cannot be read.
    """
    import shlex
    import subprocess
    import tempfile

    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise UsageError(
            "no editor is named",
            cause="neither VISUAL nor EDITOR is set",
            remedy="set one, for example: export EDITOR=nano",
        )
    with tempfile.TemporaryDirectory(prefix="polyspec-") as folder:
        path = Path(folder) / "source.txt"
        path.write_text(text, "utf-8")
        try:
            with app.suspend():
                subprocess.run([*shlex.split(editor), str(path)], check=True)
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            raise UsageError(
                "the editor did not work",
                cause=str(error),
                remedy="check the variables VISUAL and EDITOR",
            ) from error
        except SuspendNotSupported as error:
            raise UsageError(
                "no editor can be opened here",
                cause="this terminal cannot be handed over",
                remedy="open the text as a file",
            ) from error
        return read_text_file(str(path))
