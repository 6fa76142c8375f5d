"""Which model suits a machine."""

import shutil
from dataclasses import dataclass

from polyspec.catalog.manifest import Catalogue, ModelEntry, Role
from polyspec.errors import ModelError
from polyspec.paths import models_dir


@dataclass(frozen=True, slots=True)
class Choice:
    """A model, and why it was chosen."""

    entry: ModelEntry
    reason: str


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
    for entry in candidates:
        base = catalogue.find(entry.base) if entry.base else None
        size_bytes = sum(part.size_bytes or 0 for part in (entry, base) if part)
        if entry.min_memory_bytes <= memory_bytes and size_bytes <= free_disk_bytes:
            reason = (
                f"{entry.name} is the best verified model for this machine: "
                f"it needs {_gigabytes(entry.min_memory_bytes)} of memory and "
                f"{_gigabytes(size_bytes)} on disk, free are "
                f"{_gigabytes(memory_bytes)} and {_gigabytes(free_disk_bytes)}"
            )
            return Choice(entry, reason)
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


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB"
