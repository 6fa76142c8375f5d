"""Learned counts in files: one for each language, task and tokenizer.

An uncompressed NumPy archive (`.npz`) of four arrays: `contexts` (64-bit digests),
`token_ids`, `counts` and `info` (format, tokens learned from). Every member has a
CRC-32, so that a damaged file is noticed. Tokens are text in another spelling: the
files are for their owner only and never leave the machine.
"""

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from polyspec.drafting.learned_counts import MAX_ROWS, Rows, merge_rows
from polyspec.drafting.state_file import locked, replace_file, set_aside

_FORMAT = 1
_MAX_BYTES = 16 * (MAX_ROWS + 4096)
_FINGERPRINT_CHARS = 12


@dataclass(frozen=True, slots=True)
class LearnedFile:
    """A file of learned counts."""

    path: Path
    language: str
    """ISO 639-3."""
    task: str
    fingerprint: str
    """The beginning of that of the tokenizer."""
    size_bytes: int
    num_tokens: int | None
    """Tokens that were learned from; None where the file is damaged."""


class MemoryFile:
    """One file; what goes wrong with it is told and harms nothing else."""

    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        self.path = path
        self._tell = tell

    def load(self) -> Rows:
        """Return what is kept; a damaged file is set aside."""
        try:
            return read_rows(self.path)
        except FileNotFoundError:
            pass
        except OSError as error:
            self._tell(f"{self.path} cannot be read: {error.strerror or error}")
        except ValueError:
            self._tell(set_aside(self.path))
        return Rows.none()

    def merge(self, new: Rows) -> Rows | None:
        """Add counts to those kept, which another process may have added to.

        Returns:
            What is kept now; None where it could not be written.
        """
        try:
            with locked(self.path):
                rows = merge_rows(self.load(), new)
                replace_file(self.path, _as_bytes(rows))
        except OSError as error:
            reason = error.strerror or str(error)
            self._tell(f"what was learned is not kept in {self.path}: {reason}")
            return None
        return rows


def memory_path(folder: Path, language: str, task: str, fingerprint: str) -> Path:
    """Return where counts are kept, for example `deu.translate.3c1c93b8a0f2.npz`."""
    return folder / f"{language}.{task}.{fingerprint[:_FINGERPRINT_CHARS]}.npz"


def list_files(folder: Path) -> Iterator[LearnedFile]:
    """Yield the files of a folder by name."""
    for path in sorted(folder.glob("*.*.*.npz")):
        language, task, fingerprint = path.name.removesuffix(".npz").split(".", 2)
        try:
            num_tokens: int | None = read_rows(path).num_tokens
        except (OSError, ValueError):
            num_tokens = None
        size = path.stat().st_size
        yield LearnedFile(path, language, task, fingerprint, size, num_tokens)


def remove_files(folder: Path, language: str | None = None) -> list[LearnedFile]:
    """Delete the files of a language, or all, and return what they were.

    What was set aside or left by an interrupted run goes as well.

    Raises:
        OSError: One cannot be deleted.
    """
    pattern = f"{language or '*'}.*.*.npz"
    found = [file for file in list_files(folder) if file.path.match(pattern)]
    for path in folder.glob(f"{pattern}*"):
        path.unlink(missing_ok=True)
    return found


def read_rows(path: Path) -> Rows:
    """Read a file of learned counts.

    Raises:
        OSError: It cannot be read.
        ValueError: It is damaged.
    """
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ValueError("too large")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            info = arrays["info"]
            rows = Rows(
                arrays["contexts"],
                arrays["token_ids"],
                arrays["counts"],
                int(info[1]),
            )
            is_known = int(info[0]) == _FORMAT
    except (
        zipfile.BadZipFile, KeyError, EOFError, TypeError, AttributeError, IndexError,
        NotImplementedError, OverflowError, MemoryError, OSError, RuntimeError,
        ValueError,
    ) as error:  # fmt: skip
        raise ValueError("damaged") from error
    if not is_known or not _is_sound(rows):
        raise ValueError("damaged")
    return rows


def _is_sound(rows: Rows) -> bool:
    contexts, token_ids, counts = rows.contexts, rows.token_ids, rows.counts
    types = [array.dtype.name for array in (contexts, token_ids, counts)]
    if types != ["uint64", "int32", "float32"] or len(contexts.shape) != 1:
        return False
    return bool(
        contexts.shape == token_ids.shape == counts.shape
        and contexts.size <= MAX_ROWS
        and rows.num_tokens >= 0
        and np.all(contexts[1:] >= contexts[:-1])
        and np.all(token_ids >= 0)
        and np.all((counts > 0) & np.isfinite(counts))
    )


def _as_bytes(rows: Rows) -> bytes:
    stream = io.BytesIO()
    np.savez(
        stream,
        contexts=rows.contexts,
        token_ids=rows.token_ids,
        counts=rows.counts,
        info=np.array([_FORMAT, rows.num_tokens], dtype=np.int64),
    )
    return stream.getvalue()
