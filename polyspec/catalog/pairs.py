"""Which model drafts for which."""

from pathlib import Path

from polyspec.catalog.manifest import read_catalogue
from polyspec.catalog.store import find_installed, find_model
from polyspec.errors import ModelError, UsageError


def find_draft_of(model: Path) -> Path:
    """The file of the model that the catalogue names as draft of an installed one.

    Raises:
        UsageError: The catalogue names none.
        ModelError: It is not installed.
    """
    name = model.stem
    entry = read_catalogue().find(name)
    if entry is None or entry.draft is None:
        raise UsageError(
            f"no draft model is known for {name}",
            cause="the catalogue names none for it",
            remedy="pass --draft model:NAME with a smaller model of the same tokenizer",
        )
    if find_installed(entry.draft) is None:
        raise ModelError(
            f"{entry.draft}, the draft model of {name}, is not installed",
            cause="--draft model takes the pair that the catalogue names",
            remedy=f"polyspec models pull {entry.draft}",
        )
    return find_model(entry.draft)
