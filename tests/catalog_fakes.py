"""A catalogue of one small model, and sources that stay on this machine."""

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from polyspec.catalog.download import Fetchers
from polyspec.catalog.hub import HubFile
from polyspec.catalog.manifest import (
    HubSource,
    ModelEntry,
    PackageSource,
    Role,
    Source,
)
from polyspec.catalog.partial import PartialFile
from polyspec.catalog.sources import OnBytes, SourceUnavailable
from tests.gguf_files import gguf

CONTENT = gguf(data=bytes(range(32)) + bytes(3000))
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NUM_PARTS = 4

HUB = HubSource("hub", "somebody/tiny-GGUF", "tiny.gguf")
PACKAGES = PackageSource("packages", "tiny-part{}", "1.0", "*/data/part*", NUM_PARTS)


def make_entry(
    sources: Sequence[Source] = (PACKAGES,),
    *,
    sha256: str | None = SHA256,
    size_bytes: int | None = len(CONTENT),
    licence_notice: str = "",
) -> ModelEntry:
    return ModelEntry(
        name="tiny",
        file="tiny.gguf",
        verified=sha256 is not None,
        role=Role.TARGET,
        tokenizer="tiny",
        prompt_profile="plain",
        languages="none",
        min_memory_bytes=1000,
        licence="Apache-2.0",
        licence_url="https://example.org",
        sources=tuple(sources),
        licence_notice=licence_notice,
        sha256=sha256,
        size_bytes=size_bytes,
    )


class Reporter:
    """Keeps everything it hears; may interrupt when it has heard enough."""

    def __init__(self, on_advance: Callable[[str, int], None] | None = None) -> None:
        self.notes: list[str] = []
        self.advances: list[tuple[str, int, int | None]] = []
        self._on_advance = on_advance

    def note(self, text: str) -> None:
        self.notes.append(text)

    def advance(self, stage: str, done_bytes: int, total_bytes: int | None) -> None:
        self.advances.append((stage, done_bytes, total_bytes))
        if self._on_advance is not None:
            self._on_advance(stage, done_bytes)


class FakePip:
    """Serves the parts of a file as wheels, and remembers what was asked."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.content = content
        self.asked: list[str] = []
        self.fail_at: int | None = None
        self.error: BaseException = SourceUnavailable("no network")
        self.members_per_wheel = 1
        self.most_wheels = 0

    def __call__(self, requirement: str, folder: Path, on_bytes: OnBytes) -> Path:
        self.asked.append(requirement)
        number = int(requirement.removeprefix("tiny-part").split("==")[0])
        size = -(-len(self.content) // NUM_PARTS)
        wheel = folder / f"tiny_part{number}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            part = self.content[size * (number - 1) : size * number]
            archive.writestr("tiny/__init__.py", "raise SystemExit('imported')")
            for index in range(self.members_per_wheel):
                archive.writestr(f"tiny/data/part{index}", part)
        on_bytes(wheel.stat().st_size)
        self.most_wheels = max(
            self.most_wheels, len(list(folder.parent.rglob("*.whl")))
        )
        if self.fail_at == number:
            raise self.error
        return wheel


class FakeHub:
    """Serves one file in small pieces."""

    def __init__(self, content: bytes = CONTENT, *, sha256: str | None = None) -> None:
        self.content = content
        self.sha256 = hashlib.sha256(content).hexdigest() if sha256 is None else sha256
        self.is_reachable = True
        self.starts: list[int] = []

    def describe(self, source: HubSource) -> HubFile:
        if not self.is_reachable:
            raise SourceUnavailable("not reachable")
        return HubFile("https://example.org", len(self.content), self.sha256, "c0ffee")

    def fetch(self, file: HubFile, partial: PartialFile, on_bytes: OnBytes) -> None:
        self.starts.append(partial.size_bytes)
        for start in range(partial.size_bytes, len(self.content), 500):
            partial.write_stream(self.content[start : start + 500])
            on_bytes(partial.size_bytes)


def fetchers(pip: FakePip | None = None, hub: FakeHub | None = None) -> Fetchers:
    return Fetchers(hub=hub or FakeHub(), fetch_wheel=pip or FakePip())
