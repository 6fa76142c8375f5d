"""`--line-buffered`: each line is translated as soon as it arrives."""

import io
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from polyspec.cli import diagnostics, output
from polyspec.cli.model_choice import describe_task
from polyspec.errors import DocumentError, UsageError

if TYPE_CHECKING:
    from polyspec.settings import Settings


def translate_lines(settings: "Settings") -> None:
    """Translate standard input line by line, to follow what is still being written.

    A line stands for itself: no other is waited for, and none is its context.

    Raises:
        UsageError: Standard input is a terminal.
        DocumentError: It is not in the encoding of the settings.
    """
    from polyspec.translation.pipeline import TranslatedSegment
    from polyspec.translator import open_translator

    lines = _read_lines(settings.encoding)
    task = describe_task(settings)
    with open_translator(settings, diagnostics.note, task=task) as translator:
        for note in translator.notes:
            diagnostics.note(note)
        for number, line in enumerate(lines, 1):
            with closing(translator.translate([line], is_streaming=False)) as events:
                for event in events:
                    if isinstance(event, TranslatedSegment):
                        output.write_text(event.output)
                        if event.note:
                            diagnostics.note(f"line {number}: {event.note}")


def _read_lines(encoding: str) -> Iterator[str]:
    """Lines with their ends, each as soon as it is there."""
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "there are no lines to translate",
            remedy="send them through a pipe: tail -f FILE | polyspec translate ...",
        )
    text = io.TextIOWrapper(sys.stdin.buffer, encoding, newline="\n")
    return _decode(text, encoding)


def _decode(text: io.TextIOWrapper, encoding: str) -> Iterator[str]:
    try:
        for number in range(sys.maxsize):
            line = text.readline()
            if not line:
                return
            yield line.removeprefix("\ufeff") if number == 0 else line
    except UnicodeDecodeError as error:
        raise DocumentError(
            "cannot read standard input",
            cause=f"byte {error.object[error.start]:#04x} is not valid {encoding}",
            remedy="name the encoding with --encoding",
        ) from error
    finally:
        text.detach()
