"""The Hugging Face Hub as a source; its library is an optional extra."""

import importlib.util
import re
from dataclasses import dataclass
from typing import Any, Protocol

from polyspec.catalog.manifest import HubSource
from polyspec.catalog.partial import PartialFile
from polyspec.catalog.sources import OnBytes, SourceUnavailable

_PATIENCE_S = 5.0
_AWAY = ("Connect", "Network", "Timeout", "Offline", "Proxy")
"""Words in the names of the errors of a missing network."""
_ERRNO = re.compile(r"\[Errno -?\d+\] ")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class HubFile:
    """What the Hub says about a file before it is fetched."""

    url: str
    size_bytes: int
    sha256: str
    """Empty where the Hub does not state it."""
    commit: str


class Hub(Protocol):
    """Asks for a file, and fetches it into a partial one."""

    def describe(self, source: HubSource) -> HubFile:
        """Size, hash and commit of the file.

        Raises:
            SourceUnavailable: The Hub cannot be reached, or refuses the file.
        """
        ...

    def fetch(self, file: HubFile, partial: PartialFile, on_bytes: OnBytes) -> None:
        """Append what is missing of the file.

        Raises:
            SourceUnavailable: The connection broke.
            OSError: The disk is full.
        """
        ...


class HuggingFaceHub:
    """The Hub through huggingface_hub, silent, resuming where it was cut off."""

    def describe(self, source: HubSource) -> HubFile:
        if importlib.util.find_spec("huggingface_hub") is None:
            raise SourceUnavailable(
                "huggingface_hub is not installed (pip install 'polyspec[hub]')"
            )
        import huggingface_hub
        from huggingface_hub.utils import logging

        logging.set_verbosity_error()
        try:
            url = huggingface_hub.hf_hub_url(
                source.repository, source.file, revision=source.revision
            )
            facts = huggingface_hub.get_hf_file_metadata(url, timeout=_PATIENCE_S)
        # Its errors change with its version and with the HTTP library below it.
        except Exception as error:
            raise SourceUnavailable(_reason(error, source)) from error
        etag = (facts.etag or "").lower()
        return HubFile(
            url=huggingface_hub.hf_hub_url(
                source.repository,
                source.file,
                revision=facts.commit_hash or source.revision,
            ),
            size_bytes=facts.size or 0,
            sha256=etag if _SHA256.fullmatch(etag) else "",
            commit=facts.commit_hash or "",
        )

    def fetch(self, file: HubFile, partial: PartialFile, on_bytes: OnBytes) -> None:
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import build_hf_headers

        sink = _Sink(partial, on_bytes)
        try:
            http_get(
                file.url,
                sink,
                resume_size=partial.size_bytes,
                headers=build_hf_headers(),
                expected_size=file.size_bytes or None,
                tqdm_class=_SilentBar,
            )
        except Exception as error:
            if sink.disk_error is not None:
                raise sink.disk_error from error
            raise SourceUnavailable(_failure(error)) from error


class _Sink:
    """As much of a binary file as `http_get` uses."""

    def __init__(self, partial: PartialFile, on_bytes: OnBytes) -> None:
        self._partial = partial
        self._on_bytes = on_bytes
        self.disk_error: OSError | None = None

    def write(self, chunk: bytes) -> int:
        try:
            self._partial.write_stream(chunk)
        except OSError as error:
            self.disk_error = error
            raise
        self._on_bytes(self._partial.size_bytes)
        return len(chunk)

    def tell(self) -> int:
        return self._partial.size_bytes

    def seek(self, position: int) -> int:
        return position

    def truncate(self) -> int:
        # Asked for only when the server ignored the range and starts from 0.
        self._partial.rewind()
        return 0


class _SilentBar:
    def __init__(self, **_: Any) -> None:
        pass

    def __enter__(self) -> "_SilentBar":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, _: int) -> None:
        pass


def _reason(error: Exception, source: HubSource) -> str:
    kind = type(error).__name__
    if kind == "GatedRepoError":
        return (
            f"accept its licence at https://huggingface.co/{source.repository} "
            "and log in with: hf auth login"
        )
    if kind in {"RepositoryNotFoundError", "RevisionNotFoundError"}:
        return "no such repository or revision"
    if kind in {"EntryNotFoundError", "RemoteEntryNotFoundError"}:
        return "no such file in the repository"
    return _failure(error)


def _failure(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    text = _ERRNO.sub("", lines[0]).lower() if lines else "no reason given"
    kind = type(error).__name__
    is_away = any(word in kind for word in _AWAY)
    return f"{'not reachable' if is_away else 'failed'} ({text})"
