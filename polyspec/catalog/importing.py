"""Taking a user's own GGUF file into the store."""

import os
import re
from collections.abc import Callable
from pathlib import Path

from polyspec.catalog.hashing import read_chunks
from polyspec.catalog.manifest import Catalogue, ModelEntry, read_catalogue
from polyspec.catalog.partial import PartialFile, discard_partial
from polyspec.catalog.store import (
    MODEL_NAME,
    CheckedAgainst,
    InstalledModel,
    InstallRecord,
    describe_installed,
    disk_error,
    find_installed,
    model_path,
    partial_path,
    require_disk,
    write_record,
)
from polyspec.errors import ModelError, UsageError
from polyspec.gguf_header import read_gguf_header


def import_model(
    path: Path,
    name: str | None = None,
    on_bytes: Callable[[int], None] = lambda done: None,
) -> InstalledModel:
    """Copy a GGUF file into the user's folder.

    A file that the catalogue knows by its hash gets the catalogue's name and record.

    Raises:
        ModelError: It is not a usable GGUF file, or the name is taken.
        UsageError: The name cannot be one.
    """
    size_bytes = read_gguf_header(path).file_size
    wanted = name or _as_name(path.stem)
    if not MODEL_NAME.fullmatch(wanted):
        raise UsageError(
            f"a model cannot be called {wanted!r}",
            cause="names have small letters, digits, dots, dashes and underscores",
            remedy="choose another with --name",
        )
    _require_free_name(wanted)
    require_disk(wanted, size_bytes, "then import it again")
    beside = partial_path(f"{wanted}.import-{os.getpid()}")
    try:
        with PartialFile(beside) as partial:
            partial.rewind()
            for chunk in read_chunks(path):
                partial.write(chunk)
                on_bytes(partial.size_bytes)
            return _install(partial, path, wanted, is_named=name is not None)
    except OSError as error:
        raise disk_error(f"{path} cannot be imported", error) from error
    finally:
        discard_partial(beside)


def _install(
    partial: PartialFile, path: Path, wanted: str, *, is_named: bool
) -> InstalledModel:
    digest = partial.hex_digest()
    entry = _entry_with_hash(read_catalogue(), digest)
    if entry is not None and not is_named:
        wanted = entry.name
        _require_free_name(wanted)
    record = InstallRecord(
        sha256=digest,
        size_bytes=partial.size_bytes,
        checked_against=(
            CheckedAgainst.NOTHING if entry is None else CheckedAgainst.CATALOGUE
        ),
        source=f"imported from {path}",
        licence=entry.licence if entry else "",
    )
    write_record(wanted, record)
    partial.move_to(model_path(wanted))
    return describe_installed(wanted, model_path(wanted))


def _entry_with_hash(catalogue: Catalogue, sha256: str) -> ModelEntry | None:
    return next((entry for entry in catalogue.model if entry.sha256 == sha256), None)


def _require_free_name(name: str) -> None:
    if find_installed(name) is not None:
        raise ModelError(
            f"a model called {name} is installed already",
            cause=f"{model_path(name)} exists",
            remedy=f"choose another with --name, or: polyspec models remove {name}",
        )


def _as_name(stem: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", stem.lower()).strip("._-") or "model"
