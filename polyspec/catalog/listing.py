"""All models: those of the catalogue and those a user put in."""

from dataclasses import dataclass

from polyspec.catalog.manifest import read_catalogue
from polyspec.catalog.store import InstalledModel, installed_models


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One model, installed or not."""

    name: str
    is_installed: bool
    is_verified: bool
    """The catalogue vouches for this very file."""
    is_damaged: bool
    """Its size is not what was installed."""
    size_bytes: int | None
    path: str
    """Empty where it is not installed."""
    role: str
    licence: str
    languages: str
    prompt_profile: str
    min_memory_bytes: int | None
    draft: str


def list_models() -> tuple[ListedModel, ...]:
    """The catalogue's models in its order, then those that only the user has."""
    installed = {model.name: model for model in installed_models()}
    listed = []
    for entry in read_catalogue().model:
        model = installed.pop(entry.name, None)
        listed.append(
            ListedModel(
                name=entry.name,
                is_installed=model is not None,
                is_verified=entry.verified,
                is_damaged=model is not None and _is_damaged(model),
                size_bytes=model.size_bytes if model else entry.size_bytes,
                path=str(model.path) if model else "",
                role=entry.role,
                licence=entry.licence,
                languages=entry.languages,
                prompt_profile=entry.prompt_profile,
                min_memory_bytes=entry.min_memory_bytes,
                draft=entry.draft or "",
            )
        )
    return (*listed, *(_own(model) for model in installed.values()))


def _own(model: InstalledModel) -> ListedModel:
    return ListedModel(
        name=model.name,
        is_installed=True,
        is_verified=False,
        is_damaged=_is_damaged(model),
        size_bytes=model.size_bytes,
        path=str(model.path),
        role="",
        licence=model.record.licence if model.record else "",
        languages="",
        prompt_profile="",
        min_memory_bytes=None,
        draft="",
    )


def _is_damaged(model: InstalledModel) -> bool:
    return model.record is not None and model.record.size_bytes != model.size_bytes
