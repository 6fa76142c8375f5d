"""Joins the layers of settings and remembers where each value comes from.

Flags come before environment variables, those before the project's `polyspec.toml`,
that before the user's file, and that before the defaults. `POLYSPEC_CONFIG` (and
`--config`) names one file that is read in place of both.
"""

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import ValidationError

from polyspec.errors import SettingsError
from polyspec.settings.files import FileKind, find_files, read_file
from polyspec.settings.model import Settings, key_of, setting_keys

OriginKind = Literal["flag", "environment", "default"] | FileKind


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from."""

    kind: OriginKind
    name: str = ""
    """The flag, the variable or the file; empty for a default."""


@dataclass(frozen=True, slots=True)
class ResolvedSettings:
    """Settings in effect, with the origin of each."""

    settings: Settings
    origins: Mapping[str, Origin]
    """By the key a settings file has for it."""


@dataclass(frozen=True, slots=True)
class _Layer:
    kind: OriginKind
    values: Mapping[str, object]
    path: Path | None = None

    def origin(self, key: str) -> Origin:
        if self.kind == "flag":
            return Origin("flag", "--" + key.replace("_", "-"))
        if self.kind == "environment":
            return Origin("environment", _variable(key))
        return Origin(self.kind, str(self.path))


NO_OVERRIDES: Mapping[str, object] = MappingProxyType({})


def load_settings(overrides: Mapping[str, object] = NO_OVERRIDES) -> Settings:
    """The settings in effect.

    Args:
        overrides: Values of flags by field name; None means that it was not given.

    Raises:
        SettingsError: A file, a variable or a flag holds what cannot be used.
    """
    return resolve_settings(overrides).settings


def resolve_settings(
    overrides: Mapping[str, object] = NO_OVERRIDES,
) -> ResolvedSettings:
    """The settings in effect and where each comes from; raises as `load_settings`."""
    values: dict[str, object] = {}
    origins = {key: Origin("default") for key in setting_keys()}
    for layer in _layers(overrides):
        checked = _validate(layer)
        for field in checked.model_fields_set:
            values[field] = getattr(checked, field)
            origins[key_of(field)] = layer.origin(key_of(field))
    return ResolvedSettings(Settings.model_validate(values), MappingProxyType(origins))


def validate_file(path: Path) -> Settings:
    """The settings of one file alone.

    Raises:
        SettingsError: The file cannot be read or used; file and key are named.
    """
    return _validate(_Layer("named file", read_file(path), path))


def _layers(overrides: Mapping[str, object]) -> Iterator[_Layer]:
    """All layers, the weakest first."""
    for kind, path in find_files():
        yield _Layer(kind, read_file(path), path)
    yield _Layer("environment", _read_environment())
    given = {key_of(field): value for field, value in overrides.items()}
    yield _Layer("flag", {k: v for k, v in given.items() if v is not None})


def _read_environment() -> dict[str, object]:
    variables = {_variable(key): key for key in setting_keys()}
    found: dict[str, object] = {}
    for name, text in os.environ.items():
        if name in variables and text:
            found[variables[name]] = text
        elif name.startswith("POLYSPEC_") and name not in variables:
            _refuse_misspelt_variable(name, list(variables))
    return found


def _refuse_misspelt_variable(name: str, known: list[str]) -> None:
    # Others may own a variable of that prefix, so only a near miss is refused.
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.87)
    if near and name not in _OTHER_VARIABLES:
        raise SettingsError(
            f"unknown environment variable {name}",
            remedy=f"did you mean {near[0]}? otherwise unset it",
        )


_OTHER_VARIABLES = frozenset(
    f"POLYSPEC_{name}"
    for name in ("CONFIG", "DEBUG", "HOME", "MODELS_DIR", "TEST_MODELS")
)


def _validate(layer: _Layer) -> Settings:
    known = setting_keys()
    for key in layer.values:
        if key not in known:
            raise _unknown_key(layer, key, list(known))
    try:
        return Settings.model_validate(layer.values, strict=layer.path is not None)
    except ValidationError as error:
        raise _wrong_value(layer, error) from error


def _unknown_key(layer: _Layer, key: str, known: list[str]) -> SettingsError:
    near = difflib.get_close_matches(key, known, n=1)
    return SettingsError(
        f"unknown setting '{key}' in {layer.path or 'the flags'}",
        cause="" if near else f"the settings are {', '.join(known)}",
        remedy=f"did you mean '{near[0]}'?" if near else f"remove '{key}'",
    )


def _wrong_value(layer: _Layer, error: ValidationError) -> SettingsError:
    first = error.errors(include_url=False, include_context=False)[0]
    key = key_of(str(first["loc"][0]))
    origin = layer.origin(key)
    message = first["msg"].removeprefix("Value error, ")
    place = f"'{key}' in {origin.name}" if layer.path else origin.name
    return SettingsError(
        f"{place} cannot be {first['input']!r:.60}",
        cause=message[:1].lower() + message[1:],
        remedy=f"change or remove it ({setting_keys()[key].rstrip('.')})",
    )


def _variable(key: str) -> str:
    return f"POLYSPEC_{key.upper()}"
