"""Looks at everything that translating needs; survives whatever is broken."""

import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from polyspec import __version__, paths
from polyspec.cli.diagnostics import format_amount
from polyspec.errors import PolySpecError, SettingsError

_LLAMA_CPP = "llama-cpp-python"
_LOW_DISK_BYTES = 2 * 10**9
_CPU_FEATURES = (
    *("sse4_2", "avx", "f16c", "fma", "avx2", "avx_vnni", "avx512f", "avx512_vnni"),
    *("avx512_bf16", "amx_int8", "asimd", "asimddp", "i8mm", "sve"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    part: str
    name: str
    value: str = ""
    problem: str = ""
    """What is wrong with it; empty where nothing is."""
    remedy: str = ""
    is_fatal: bool = False
    """Whether it stops translating."""


def examine() -> list[Finding]:
    """Look at every part; a part that fails is a finding of its own."""
    return [finding for part in _PARTS for finding in _survive(part)]


def _survive(part: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    name = part.__name__.removeprefix("look_at_").replace("_", " ")
    try:
        yield from part()
    except PolySpecError as error:
        cause = f": {error.cause}" if error.cause else ""
        yield Finding(name, name, "", error.problem + cause, error.remedy, True)
    # A doctor that dies of what ails the patient helps nobody.
    except Exception as error:
        problem = f"{name} cannot be examined: {type(error).__name__}: {error}"
        remedy = "pip install --force-reinstall polyspec"
        yield Finding(name, name, "", problem, remedy, True)


def look_at_versions() -> Iterator[Finding]:
    """Programs, libraries and the machine."""
    yield Finding("versions", "polyspec", __version__)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield Finding("versions", "python", python)
    yield _installed(_LLAMA_CPP)
    yield _installed("numpy")
    yield Finding("versions", "system", platform.platform())
    yield Finding("versions", "processor", _processor())


def look_at_llama_cpp() -> Iterator[Finding]:
    """The build of llama.cpp, loaded in another process first: it may crash."""
    crash = _crash_while_loading()
    if crash:
        yield Finding("llama.cpp", "llama.cpp", "", crash, _reinstall(_LLAMA_CPP), True)
        return
    yield from _survive(look_at_build)
    yield from _survive(look_at_devices)


def look_at_build() -> Iterator[Finding]:
    """What llama.cpp was built for."""
    from polyspec.engine.devices import build_info

    yield Finding("llama.cpp", "build", " ".join(build_info().split()))


def look_at_devices() -> Iterator[Finding]:
    """What models can run on."""
    from polyspec.engine import devices

    for device in devices.list_devices():
        is_cpu = device.kind == "cpu"
        free_bytes = _free_memory_bytes() if is_cpu else device.memory_free_bytes
        free = format_amount(free_bytes)
        total = format_amount(device.memory_total_bytes)
        value = f"{device.kind}, {device.description}, {free} of {total} free"
        yield Finding("devices", device.name, value)
    missing = devices.missing_gpu_note()
    if missing is not None:
        yield Finding("devices", "gpu", "", *missing)


def look_at_models() -> Iterator[Finding]:
    """What is installed, and which model would be used."""
    from polyspec.catalog.store import default_model, find_model, installed_models

    for model in installed_models():
        checked = "not checked"
        if model.record is not None and model.record.checked_against != "nothing":
            checked = f"checked against the {model.record.checked_against}"
        value = f"{format_amount(model.size_bytes)}, {checked}"
        yield Finding("models", model.name, value)
    wanted = _wanted_model()
    path = find_model(wanted) if wanted else default_model()
    yield Finding("models", "in use", str(path))
    if not wanted:
        yield from _look_at_translators(path)


def _look_at_translators(usual: Path) -> Iterator[Finding]:
    """Models that come first for some languages."""
    from polyspec.catalog.manifest import read_catalogue
    from polyspec.catalog.store import find_installed
    from polyspec.languages import find_language

    for entry in read_catalogue().model:
        if entry.translates is None or entry.name == usual.stem:
            continue
        if find_installed(entry.name) is not None:
            sources, targets = (
                ", ".join(find_language(code).name for code in codes)
                for codes in (entry.translates.sources, entry.translates.targets)
            )
            value = f"{entry.name} from {sources} into {targets}"
            yield Finding("models", "in use", value)


def look_at_drafting() -> Iterator[Finding]:
    """What drafts cost with the model in use, and where they promise to pay."""
    from polyspec.cli.drafting_outlook import describe_outlook

    wanted = _wanted_model()
    for name, value in describe_outlook(wanted):
        yield Finding("drafting", name, value)


def look_at_folders() -> Iterator[Finding]:
    """Where models, measurements and settings are kept."""
    yield _folder("data", paths.data_dir())
    yield _folder("models", paths.models_dir())
    yield _folder("cache", paths.cache_dir())


def look_at_settings() -> Iterator[Finding]:
    """Files and variables in effect; every command stops where one is wrong."""
    from polyspec.settings import find_files, resolve_settings

    resolved = resolve_settings()
    for kind, path in find_files():
        yield Finding("settings", kind, str(path))
    for key, origin in resolved.origins.items():
        if origin.kind == "environment":
            yield Finding("settings", key, f"from {origin.name}")


def _installed(name: str) -> Finding:
    try:
        return Finding("versions", name, metadata.version(name))
    except metadata.PackageNotFoundError:
        problem = f"{name} is not installed"
        return Finding("versions", name, "missing", problem, _reinstall(name), True)


def _reinstall(name: str) -> str:
    """The command that installs the version of a library which polyspec needs."""
    try:
        needed = metadata.requires("polyspec") or []
    except metadata.PackageNotFoundError:
        needed = []
    wanted = next((line for line in needed if line.startswith(name)), name)
    return f"pip install --force-reinstall --no-cache-dir --no-deps '{wanted}'"


def _processor() -> str:
    features = [name for name in _CPU_FEATURES if name in _cpu_flags()]
    known = f" with {' '.join(features)}" if features else ""
    return f"{platform.machine()}, {os.cpu_count()} threads{known}"


def _cpu_flags() -> frozenset[str]:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return frozenset()
    lines = (line.partition(":") for line in text.splitlines())
    flags = (v for k, _, v in lines if k.strip().lower() in {"flags", "features"})
    return frozenset(next(flags, "").split())


def _crash_while_loading() -> str:
    """Why llama.cpp cannot be loaded; empty where it can."""
    command = [sys.executable, "-c", "import llama_cpp"]
    try:
        tried = subprocess.run(command, capture_output=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"llama.cpp cannot be tried: {error}"
    if tried.returncode == 0:
        return ""
    if tried.returncode < 0:
        name = signal.Signals(-tried.returncode).name
        return f"llama.cpp crashes when it is loaded ({name})"
    said = tried.stderr.decode("utf-8", "replace").strip().splitlines()
    return f"llama.cpp cannot be loaded: {said[-1] if said else 'no reason given'}"


def _free_memory_bytes() -> int:
    """What programs can still take; llama.cpp calls all of it free."""
    import psutil

    return int(psutil.virtual_memory().available)


def _wanted_model() -> str | None:
    from polyspec.settings import load_settings

    try:
        return load_settings().model
    except SettingsError:  # told where the settings are looked at
        return None


def _folder(name: str, path: Path) -> Finding:
    existing = next(p for p in (path, *path.parents) if p.exists())
    free_bytes = shutil.disk_usage(existing).free
    value = f"{path}, {format_amount(free_bytes)} free"
    if not os.access(existing, os.W_OK):
        problem = f"nothing can be written to {path}"
        remedy = "give your user write access, or set POLYSPEC_HOME to another folder"
        return Finding("folders", name, value, problem, remedy)
    if free_bytes < _LOW_DISK_BYTES:
        problem = f"only {format_amount(free_bytes)} free in {path}"
        remedy = "free some space, or set POLYSPEC_MODELS_DIR to another folder"
        return Finding("folders", name, value, problem, remedy)
    return Finding("folders", name, value)


_PARTS: tuple[Callable[[], Iterable[Finding]], ...] = (
    look_at_versions,
    look_at_llama_cpp,
    look_at_models,
    look_at_drafting,
    look_at_folders,
    look_at_settings,
)
