"""Which model suits a machine."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from polyspec.catalog.manifest import Catalogue, ModelEntry, Role
from polyspec.errors import ModelError
from polyspec.paths import models_dir


@dataclass(frozen=True, slots=True)
class Choice:
    """A model, and why it was chosen."""

    entry: ModelEntry
    reason: str
    general: ModelEntry | None = None
    """What to take besides where the model only translates; None if it does more, or
    if nothing better fits than what it changes."""


def choose_model(
    catalogue: Catalogue,
    *,
    free_memory_bytes: int,
    free_disk_bytes: int,
    gpu_memory_bytes: int = 0,
) -> Choice:
    """The first verified target of the catalogue that the machine can hold.

    Args:
        catalogue: The models to choose among, best first.
        free_memory_bytes: What programs can still take.
        free_disk_bytes: What is free where models are kept.
        gpu_memory_bytes: Memory of the GPU, 0 without one.

    Raises:
        ModelError: None fits.
    """
    memory_bytes = max(free_memory_bytes, gpu_memory_bytes)
    candidates = [
        entry
        for entry in catalogue.model
        if entry.verified and entry.role is Role.TARGET
    ]
    fitting = [
        entry
        for entry in candidates
        if entry.min_memory_bytes <= memory_bytes
        and _size_on_disk(catalogue, entry) <= free_disk_bytes
    ]
    if fitting:
        entry = fitting[0]
        reason = (
            f"{entry.name} is the best verified model for this machine: "
            f"it needs {_gigabytes(entry.min_memory_bytes)} of memory and "
            f"{_gigabytes(_size_on_disk(catalogue, entry))} on disk, free are "
            f"{_gigabytes(memory_bytes)} and {_gigabytes(free_disk_bytes)}"
        )
        return Choice(entry, reason, _find_general(fitting))
    smallest = min((entry.min_memory_bytes for entry in candidates), default=0)
    raise ModelError(
        "no verified model fits this machine",
        cause=(
            f"free are {_gigabytes(memory_bytes)} of memory and "
            f"{_gigabytes(free_disk_bytes)} on disk, "
            f"the smallest model needs {_gigabytes(smallest)} of memory"
        ),
        remedy="close programs or free disk space, then: polyspec models pull",
    )


def choose_for_this_machine(catalogue: Catalogue, gpu_memory_bytes: int = 0) -> Choice:
    """The model of the catalogue that suits this machine as it is now.

    Raises:
        ModelError: None fits.
    """
    import psutil

    folder = models_dir()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return choose_model(
        catalogue,
        free_memory_bytes=psutil.virtual_memory().available,
        free_disk_bytes=shutil.disk_usage(folder).free,
        gpu_memory_bytes=gpu_memory_bytes,
    )


def _size_on_disk(catalogue: Catalogue, entry: ModelEntry) -> int:
    """Of a model and, if it is an adapter, of the one that it changes."""
    base = catalogue.find(entry.base) if entry.base else None
    return sum(part.size_bytes or 0 for part in (entry, base) if part)


def _find_general(fitting: Sequence[ModelEntry]) -> ModelEntry | None:
    first = fitting[0]
    if first.translates is None:
        return None
    others = (entry for entry in fitting if entry.translates is None)
    best = next(others, None)
    return None if best is None or best.name == first.base else best


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB"
