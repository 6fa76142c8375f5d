"""Which files of a folder are translated, and which have changed."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import TypeAlias

from polyspec.errors import DocumentError, UsageError

Stamp: TypeAlias = tuple[int, int]
"""Time of the last change in nanoseconds, and size in bytes."""


@dataclass(frozen=True, slots=True)
class FileFilter:
    """Patterns with `*` for paths below a folder, or for names alone."""

    include: tuple[str, ...] = ()
    """Empty takes all."""
    exclude: tuple[str, ...] = ()

    def takes(self, path: PurePath) -> bool:
        """Whether a path, relative to the folder, is wanted."""
        is_included = not self.include or _matches(path, self.include)
        return is_included and not _matches(path, self.exclude)


def find_files(folder: Path, wanted: FileFilter, apart: Path) -> list[Path]:
    """The files below a folder, relative to it and sorted.

    Hidden files and folders are left out, and so is the folder `apart`, into which the
    translations go. Links to folders are not followed.

    Raises:
        DocumentError: The folder cannot be read.
    """
    return sorted(
        path for path in _walk(folder, os.path.realpath(apart)) if wanted.takes(path)
    )


def require_folders(source: Path, target: Path | None) -> Path:
    """The folder to write to.

    Raises:
        UsageError: It is not named, is the source itself, or is a file.
    """
    if target is None or str(target) == "-":
        raise UsageError(
            f"{source} is a folder, and no other is named for the translations",
            remedy="name it with -o FOLDER",
        )
    if target.exists() and not target.is_dir():
        raise UsageError(
            f"{target} is no folder", remedy="name another one with -o FOLDER"
        )
    if os.path.realpath(source) == os.path.realpath(target):
        raise UsageError(
            "the translations of a folder cannot take the place of its files",
            remedy="name another folder with -o FOLDER",
        )
    return target


@dataclass(slots=True)
class Watch:
    """Finds files that are new or changed, once nobody writes to them any more."""

    list_files: Callable[[], dict[Path, Stamp]]
    _known: dict[Path, Stamp] = field(default_factory=dict)
    """What each file was when it was last given."""
    _seen: dict[Path, Stamp] = field(default_factory=dict)

    def take_changed(self) -> list[Path]:
        """Files that changed since they were last given, and not since the last look.

        So a file is given at the second look at the earliest.
        """
        files = self.list_files()
        changed = [
            path
            for path, stamp in files.items()
            if self._seen.get(path) == stamp and self._known.get(path) != stamp
        ]
        self._seen = files
        self._known = {path: old for path, old in self._known.items() if path in files}
        self._known.update((path, files[path]) for path in changed)
        return changed


def stamp_files(folder: Path, paths: list[Path]) -> dict[Path, Stamp]:
    """What each file is now; those that vanished are left out."""
    stamps = {}
    for path in paths:
        try:
            found = (folder / path).stat()
        except OSError:
            continue
        stamps[path] = (found.st_mtime_ns, found.st_size)
    return stamps


def _walk(folder: Path, apart: str) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise DocumentError(
            f"cannot read the folder {error.filename}",
            cause=(error.strerror or str(error)).lower(),
            remedy="see who may read it, or leave it out with --exclude",
        ) from error

    for name, folders, files in os.walk(folder, onerror=fail):
        here = Path(name)
        folders[:] = sorted(
            sub
            for sub in folders
            if not sub.startswith(".") and os.path.realpath(here / sub) != apart
        )
        for file in files:
            if not file.startswith(".") and (here / file).is_file():
                yield (here / file).relative_to(folder)


def _matches(path: PurePath, patterns: tuple[str, ...]) -> bool:
    return any(
        fnmatchcase(path.as_posix(), pattern) or fnmatchcase(path.name, pattern)
        for pattern in patterns
    )
