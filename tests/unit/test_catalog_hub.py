import errno
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from polyspec.catalog.hub import HubFile, HuggingFaceHub
from polyspec.catalog.manifest import HubSource
from polyspec.catalog.partial import PartialFile
from polyspec.catalog.sources import SourceUnavailable

huggingface_hub = pytest.importorskip("huggingface_hub")

SOURCE = HubSource("hub", "somebody/tiny-GGUF", "tiny.gguf")
FILE = HubFile("https://example.org/tiny.gguf", 6, "", "")


@pytest.fixture
def partial(tmp_path: Path) -> Iterator[PartialFile]:
    with PartialFile(tmp_path / "tiny.partial") as partial:
        partial.resume("tiny", lambda done: None)
        yield partial


def answer_with(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    def describe(url: str, timeout: float) -> object:
        assert "tiny.gguf" in url
        assert timeout <= 5
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", describe)


def test_a_missing_library_is_told_with_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SourceUnavailable, match=r"polyspec\[hub\]"):
        HuggingFaceHub().describe(SOURCE)


def test_hash_size_and_commit_are_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = SimpleNamespace(etag="AB" * 32, size=6, commit_hash="c0ffee")
    answer_with(monkeypatch, facts)
    file = HuggingFaceHub().describe(SOURCE)
    assert (file.sha256, file.size_bytes, file.commit) == ("ab" * 32, 6, "c0ffee")
    assert "c0ffee" in file.url


def test_an_etag_that_is_no_sha256_is_no_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = SimpleNamespace(etag="abc", size=None, commit_hash=None)
    answer_with(monkeypatch, facts)
    file = HuggingFaceHub().describe(SOURCE)
    assert (file.sha256, file.size_bytes, file.commit) == ("", 0, "")


def test_whatever_goes_wrong_is_a_reason_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer_with(monkeypatch, ConnectionError("[Errno -2] Name not known\nmore"))
    with pytest.raises(SourceUnavailable) as refused:
        HuggingFaceHub().describe(SOURCE)
    assert str(refused.value) == "not reachable (name not known)"
    answer_with(monkeypatch, RuntimeError())
    with pytest.raises(SourceUnavailable, match=r"failed \(no reason given\)"):
        HuggingFaceHub().describe(SOURCE)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("GatedRepoError", "accept its licence at"),
        ("RepositoryNotFoundError", "no such repository"),
        ("EntryNotFoundError", "no such file"),
    ],
)
def test_refusals_of_the_hub_say_what_to_do(
    monkeypatch: pytest.MonkeyPatch, kind: str, reason: str
) -> None:
    error = type(kind, (Exception,), {})
    answer_with(monkeypatch, error("a page of text"))
    with pytest.raises(SourceUnavailable, match=reason):
        HuggingFaceHub().describe(SOURCE)


def serve(monkeypatch: pytest.MonkeyPatch, http_get: Any) -> None:
    from huggingface_hub import file_download

    monkeypatch.setattr(file_download, "http_get", http_get)


def test_a_download_goes_on_after_what_is_there(
    monkeypatch: pytest.MonkeyPatch, partial: PartialFile
) -> None:
    def http_get(url: str, file: Any, *, resume_size: int, **_: object) -> None:
        assert (resume_size, file.tell()) == (3, 3)
        file.write(b"def")

    serve(monkeypatch, http_get)
    partial.write(b"abc")
    done: list[int] = []
    HuggingFaceHub().fetch(FILE, partial, done.append)
    partial.commit(0)
    assert partial.path.read_bytes() == b"abcdef"
    assert done == [6]


def test_a_server_that_starts_again_gets_an_empty_file(
    monkeypatch: pytest.MonkeyPatch, partial: PartialFile
) -> None:
    def http_get(url: str, file: Any, **_: object) -> None:
        file.seek(0)
        file.truncate()
        file.write(b"abcdef")

    serve(monkeypatch, http_get)
    partial.write(b"xyz")
    HuggingFaceHub().fetch(FILE, partial, lambda done: None)
    partial.commit(0)
    assert partial.path.read_bytes() == b"abcdef"


def test_a_broken_connection_is_a_failure_of_the_source(
    monkeypatch: pytest.MonkeyPatch, partial: PartialFile
) -> None:
    def http_get(url: str, file: Any, **_: object) -> None:
        raise OSError("connection reset")

    serve(monkeypatch, http_get)
    with pytest.raises(SourceUnavailable, match="connection reset"):
        HuggingFaceHub().fetch(FILE, partial, lambda done: None)


def test_a_full_disk_is_not_taken_for_a_broken_connection(
    monkeypatch: pytest.MonkeyPatch, partial: PartialFile
) -> None:
    def http_get(url: str, file: Any, **_: object) -> None:
        file.write(b"abc")

    def write(chunk: bytes) -> None:
        raise OSError(errno.ENOSPC, "no space")

    serve(monkeypatch, http_get)
    monkeypatch.setattr(partial, "write_stream", write)
    with pytest.raises(OSError, match="no space"):
        HuggingFaceHub().fetch(FILE, partial, lambda done: None)
