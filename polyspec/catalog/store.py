"""Installed models: found, listed, verified, removed.

`NAME.gguf` is a model and `NAME.json` its record: the hash it was checked against, and
where it came from. `.partial` holds what is still being fetched, and the locks.
"""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from polyspec.catalog.hashing import hash_file
from polyspec.catalog.manifest import ModelEntry, read_catalogue
from polyspec.catalog.partial import discard_partial, write_atomically
from polyspec.catalog.ranking import rank_models
from polyspec.catalog.task import ANYTHING, Task
from polyspec.errors import ModelError
from polyspec.gguf_header import read_gguf_header
from polyspec.paths import models_dir

MODEL_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")


class CheckedAgainst(StrEnum):
    """What an installed file's hash was compared with."""

    CATALOGUE = "catalogue"
    HUB = "hub"
    """The hash that the Hub stated; the catalogue knows none."""
    NOTHING = "nothing"
    """Recorded when the file came, to notice later changes."""


@dataclass(frozen=True, slots=True)
class InstallRecord:
    """What is known about an installed file."""

    sha256: str
    size_bytes: int
    checked_against: CheckedAgainst
    source: str
    revision: str = ""
    """Commit on the Hub, where the file came from there."""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model in the user's folder."""

    name: str
    path: Path
    size_bytes: int
    record: InstallRecord | None
    """None for a file that somebody put there by hand."""


@dataclass(frozen=True, slots=True)
class Verification:
    """A model's hash now, and the one it should have."""

    model: InstalledModel
    actual_sha256: str

    @property
    def expected_sha256(self) -> str:
        """The recorded hash; empty where there is none."""
        return self.model.record.sha256 if self.model.record else ""

    @property
    def is_intact(self) -> bool:
        """Whether nothing speaks against the file."""
        return self.expected_sha256 in {"", self.actual_sha256}

    @property
    def verdict(self) -> str:
        """What the comparison says, for the user."""
        if not self.is_intact:
            return f"damaged, SHA-256 {self.actual_sha256}"
        if self.model.record is None:
            return f"nothing to compare with, SHA-256 {self.actual_sha256}"
        known_from = self.model.record.checked_against
        return f"intact, SHA-256 {self.actual_sha256} (checked against: {known_from})"


def model_path(name: str) -> Path:
    """Where the model of that name is, or will be."""
    return models_dir() / f"{name}.gguf"


def partial_path(name: str) -> Path:
    """Where the model of that name grows while it is fetched."""
    return models_dir() / ".partial" / f"{name}.partial"


def installed_models() -> tuple[InstalledModel, ...]:
    """All models in the user's folder, by name."""
    folder = models_dir()
    paths = sorted(folder.glob("*.gguf")) if folder.is_dir() else []
    return tuple(
        describe_installed(path.stem, path) for path in paths if path.is_file()
    )


def find_installed(name: str) -> InstalledModel | None:
    """The installed model of that name, or None."""
    if not MODEL_NAME.fullmatch(name):
        return next((m for m in installed_models() if m.name == name), None)
    path = model_path(name)
    return describe_installed(name, path) if path.is_file() else None


def find_model(name_or_path: str | Path) -> Path:
    """The file of an installed model, or of a user's own model given by its path.

    Raises:
        ModelError: No such file or model, or one whose size is no longer right.
    """
    name = str(name_or_path)
    model = None if _is_path(name_or_path) else find_installed(name)
    if model is not None:
        _require_size(model)
        return model.path
    with contextlib.suppress(OSError, RuntimeError, ValueError):
        path = Path(name).expanduser()
        if path.is_file():
            return path
    if _is_path(name_or_path):
        raise ModelError(
            f"there is no model at {name}",
            cause="the path leads to no file",
            remedy="see what is installed with: polyspec models list",
        )
    raise _unknown_name(name)


def default_model(task: Task = ANYTHING) -> Path:
    """The installed model that the catalogue ranks highest for a task, else any.

    Raises:
        ModelError: None is installed.
    """
    ranks = rank_models(read_catalogue(), task)
    models = installed_models()
    if not models:
        raise ModelError(
            "no model is installed",
            cause=f"{models_dir()} holds none",
            remedy="polyspec models pull",
        )
    best = min(models, key=lambda model: ranks.get(model.name, len(ranks)))
    _require_size(best)
    return best.path


def verify_model(
    model: InstalledModel, on_bytes: Callable[[int], None] = lambda done: None
) -> Verification:
    """Hash an installed model, and check its header.

    Raises:
        ModelError: The file cannot be read, or is not GGUF.
    """
    try:
        verification = Verification(model, hash_file(model.path, on_bytes))
    except OSError as error:
        raise ModelError(
            f"the model {model.name} cannot be read",
            cause=(error.strerror or str(error)).lower(),
            remedy=f"polyspec models pull {model.name}",
        ) from error
    if verification.is_intact:
        read_gguf_header(model.path)
    return verification


def require_intact(verifications: Iterable[Verification]) -> None:
    """Raise `ModelError` if any of the verified models is damaged."""
    damaged = [found for found in verifications if not found.is_intact]
    if damaged:
        first = damaged[0]
        names = ", ".join(found.model.name for found in damaged)
        raise ModelError(
            f"damaged: {names}",
            cause=(
                f"SHA-256 of {first.model.name} is {first.actual_sha256}, "
                f"expected {first.expected_sha256}"
            ),
            remedy=f"polyspec models remove {first.model.name}, then pull it again",
        )


def require_installed(name: str) -> InstalledModel:
    """The installed model of that name.

    Raises:
        ModelError: It is not installed; the nearest names are given.
    """
    model = find_installed(name)
    if model is None:
        raise _unknown_name(name)
    return model


def catalogued_model(name: str) -> ModelEntry:
    """The catalogue's entry of that name.

    Raises:
        ModelError: There is none; the nearest names are given.
    """
    entry = read_catalogue().find(name)
    if entry is None:
        raise _unknown_name(name)
    return entry


def remove_model(name: str) -> int:
    """Delete a model with its record and leftovers; returns the bytes set free.

    Raises:
        ModelError: There is nothing of that name, or it cannot be deleted.
    """
    partial = partial_path(name) if MODEL_NAME.fullmatch(name) else None
    if partial is None or not partial.exists():
        paths = [require_installed(name).path]
    else:
        paths = [model_path(name), partial]
    size_bytes = sum(path.stat().st_size for path in paths if path.exists())
    try:
        for path in paths:
            path.unlink(missing_ok=True)
        _record_path(name).unlink(missing_ok=True)
        if partial is not None:
            discard_partial(partial)
    except OSError as error:
        raise ModelError(
            f"the model {name} cannot be removed",
            cause=(error.strerror or str(error)).lower(),
            remedy="end the programs that use it, or check the folder's permissions",
        ) from error
    return size_bytes


def write_record(name: str, record: InstallRecord) -> None:
    """Keep what is known about an installed file."""
    write_atomically(_record_path(name), json.dumps(asdict(record), indent=1) + "\n")


def require_disk(name: str, needed_bytes: int, afterwards: str) -> None:
    """Raise `ModelError` unless the user's folder has room for `needed_bytes`."""
    folder = models_dir()
    folder.mkdir(parents=True, exist_ok=True)
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        missing = needed_bytes - free_bytes
        raise ModelError(
            f"there is no room for {name}",
            cause=(
                f"{needed_bytes / 1e9:.2f} GB are needed in {folder}, "
                f"{free_bytes / 1e9:.2f} GB are free"
            ),
            remedy=f"free {missing / 1e9:.2f} GB, {afterwards}",
        )


def disk_error(problem: str, error: OSError) -> ModelError:
    """The error to show when a file of the user's folder cannot be written."""
    return ModelError(
        problem,
        cause=(error.strerror or str(error)).lower(),
        remedy=f"check the space and the permissions of {models_dir()}",
    )


def nearest_names(name: str, names: list[str]) -> list[str]:
    """Up to three of the names that resemble the one typed, best first."""
    from rapidfuzz import fuzz, process

    found = process.extract(
        name.lower(), names, scorer=fuzz.WRatio, limit=3, score_cutoff=60
    )
    return [match[0] for match in found]


def _is_path(name: str | Path) -> bool:
    if isinstance(name, Path):
        return True
    separators = {"/", os.sep, os.altsep or "/"}
    return name.lower().endswith(".gguf") or any(s in name for s in separators)


def _record_path(name: str) -> Path:
    return models_dir() / f"{name}.json"


def describe_installed(name: str, path: Path) -> InstalledModel:
    """An installed file with its record."""
    return InstalledModel(name, path, path.stat().st_size, _read_record(name))


def _read_record(name: str) -> InstallRecord | None:
    try:
        fields = json.loads(_record_path(name).read_text("utf-8"))
        checked_against = CheckedAgainst(fields.pop("checked_against"))
        return InstallRecord(checked_against=checked_against, **fields)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _require_size(model: InstalledModel) -> None:
    if model.record is not None and model.record.size_bytes != model.size_bytes:
        raise ModelError(
            f"the model {model.name} is damaged",
            cause=f"{model.record.size_bytes} bytes came, {model.size_bytes} are there",
            remedy=f"polyspec models remove {model.name}, then pull it again",
        )


def _unknown_name(name: str) -> ModelError:
    catalogued = [entry.name for entry in read_catalogue().model]
    if name in catalogued:
        return ModelError(
            f"the model {name} is not installed",
            cause=f"it is not in {models_dir()}",
            remedy=f"polyspec models pull {name}",
        )
    known = catalogued + [model.name for model in installed_models()]
    nearest = nearest_names(name, list(dict.fromkeys(known)))
    listed = "see them with: polyspec models list"
    if nearest and find_installed(nearest[0]) is None:
        listed = f"polyspec models pull {nearest[0]}"
    return ModelError(
        f"no model is called {name}",
        cause=f"similar names: {', '.join(nearest)}" if nearest else "none is similar",
        remedy=listed,
    )
