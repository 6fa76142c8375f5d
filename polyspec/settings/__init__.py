"""What the user set: flags, then environment, then files, then defaults."""

from polyspec.settings.files import find_files
from polyspec.settings.model import Settings, get_value, setting_keys
from polyspec.settings.resolve import (
    Origin,
    ResolvedSettings,
    load_settings,
    resolve_settings,
    validate_file,
)

__all__ = [
    "Origin",
    "ResolvedSettings",
    "Settings",
    "find_files",
    "get_value",
    "load_settings",
    "resolve_settings",
    "setting_keys",
    "validate_file",
]
