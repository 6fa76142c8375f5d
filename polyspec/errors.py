"""Errors meant for the user's eyes, and their exit codes.

    PolySpecError            1
    ├── UsageError           2  what was typed cannot be done
    ├── SettingsError        2  a settings file or variable is wrong
    ├── ModelError           3  a model is missing, unsuitable or corrupt
    ├── DocumentError        4  an input or output text cannot be read or written
    ├── TableError           5  an n-gram table cannot be used
    │   ├── TableFormatError
    │   └── TableMismatchError
    ├── EngineError          6  llama.cpp could not do it
    ├── DownloadError        7  a file could not be fetched
    └── AssetError           8  the memory or the history cannot be used

An interrupted run ends with 130, a closed pipe with 141. The codes are part of the
public contract. A wrong argument inside the program is a `ValueError` or a
`TypeError`, never one of these.
"""

from typing import ClassVar

EXIT_INTERRUPTED = 130
EXIT_CLOSED_PIPE = 141


class PolySpecError(Exception):
    """Base of every error meant for the user's eyes."""

    exit_code: ClassVar[int] = 1

    def __init__(self, problem: str, *, cause: str = "", remedy: str = "") -> None:
        super().__init__(problem)
        self.problem, self.cause, self.remedy = problem, cause, remedy


class UsageError(PolySpecError):
    """What was typed cannot be done."""

    exit_code = 2


class SettingsError(PolySpecError):
    """A settings file or an environment variable is wrong."""

    exit_code = 2


class ModelError(PolySpecError):
    """A model is missing, unsuitable or corrupt."""

    exit_code = 3


class DocumentError(PolySpecError):
    """An input or output text cannot be read or written."""

    exit_code = 4


class TableError(PolySpecError):
    """An n-gram table cannot be used."""

    exit_code = 5


class TableFormatError(TableError):
    """Not a table, a damaged one, or a newer version."""


class TableMismatchError(TableError):
    """A table made for another tokenizer."""


class EngineError(PolySpecError):
    """llama.cpp could not do what was asked."""

    exit_code = 6


class DownloadError(PolySpecError):
    """A file could not be fetched."""

    exit_code = 7


class AssetError(PolySpecError):
    """The translation memory or the history cannot be used."""

    exit_code = 8
