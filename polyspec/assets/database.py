"""The SQLite file of the translation memory and the history.

Write-ahead logging keeps it whole when a process is killed, and lets others read while
one writes. What is damaged is set aside, never deleted.
"""

import contextlib
import errno
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeAlias, TypeVar

from polyspec.assets.schema import MIGRATIONS
from polyspec.assets.texts import holds_text
from polyspec.errors import AssetError
from polyspec.paths import data_dir

FILE_NAME = "assets.sqlite3"
_BUSY_S = 10.0
_DAMAGED = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
_FULL = frozenset((sqlite3.SQLITE_FULL, sqlite3.SQLITE_TOOBIG))
_T = TypeVar("_T")
Row: TypeAlias = tuple[Any, ...]


def assets_path() -> Path:
    """Where the user's memory and history are."""
    return data_dir() / FILE_NAME


class Database:
    """The file, opened when it is first needed. Used by one thread.

    Several may be open at once, in one process or in many.
    """

    def __init__(
        self,
        path: Path,
        tell: Callable[[str], None],
        *,
        is_read_only: bool = False,
    ) -> None:
        """Open nothing yet.

        Args:
            path: The file; it and its folder are made when something is written.
            tell: Told, in a line, when a damaged file is set aside.
            is_read_only: Read what is there, and write and make nothing.
        """
        self.path = path
        self.is_read_only = is_read_only
        self._tell = tell
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back; it is opened again when it is needed."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def read(self, action: Callable[[sqlite3.Connection], _T]) -> _T:
        """Return what an action reads.

        Raises:
            AssetError: The file is damaged, or cannot be read.
        """
        with self._explaining():
            return action(self._open())

    def select(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a query; raises as `read` does."""
        return self.read(
            lambda connection: connection.execute(query, tuple(values)).fetchall()
        )

    def write(self, action: Callable[[sqlite3.Connection], _T]) -> _T:
        """Return what an action gives that changes all it changes, or nothing.

        Raises:
            AssetError: The file is damaged, cannot be written, the disk is full, or
                another process writes for too long.
        """
        if self.is_read_only:
            raise ValueError("a database that is read only was written to")
        with self._explaining():
            connection = self._open()
            with _transaction(connection):
                return action(connection)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = _code_of(error)
            if code in _DAMAGED:
                self.close()
                raise self._explain_damage(error) from error
            raise _explain(self.path, error, code) from error
        except OSError as error:
            raise AssetError(
                f"{self.path} cannot be opened",
                cause=error.strerror or str(error),
                remedy="make its folder writable",
            ) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            if self.is_read_only:
                self._connection = _open_to_read(self.path)
            else:
                self._connection = self._open_to_write()
        return self._connection

    def _open_to_write(self) -> sqlite3.Connection:
        _make_private(self.path)
        try:
            return _connect(self.path)
        except sqlite3.DatabaseError as error:
            if _code_of(error) not in _DAMAGED:
                raise
        self._replace_damaged()
        return _connect(self.path)

    def _replace_damaged(self) -> None:
        """Set the file aside, unless another process has just done so."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.path.with_name(f"{self.path.name}.lock"), _BUSY_S)
        try:
            with lock:
                if not self.is_damaged():
                    return
                aside = _set_aside(self.path)
                _make_private(self.path)
        except Timeout as error:
            raise OSError(errno.EBUSY, "another process mends it") from error
        self._tell(
            f"{self.path} is damaged; it is now {aside.name}, and a new one is begun"
        )

    def is_damaged(self) -> bool:
        """Whether the file is no database, or fails SQLite's own check of it."""
        try:
            with contextlib.closing(_connect(self.path)) as connection:
                row = connection.execute("PRAGMA quick_check(1)").fetchone()
                return bool(row != ("ok",))
        except sqlite3.DatabaseError as error:
            return _code_of(error) in _DAMAGED

    def _explain_damage(self, error: sqlite3.Error) -> AssetError:
        """Set a file aside in which damage was found while it was used."""
        if not self.is_read_only:
            with contextlib.suppress(OSError):
                self._replace_damaged()
        return AssetError(
            f"{self.path} is damaged",
            cause=str(error),
            remedy="what can be read of it: sqlite3 FILE .recover",
        )


def _connect(path: Path) -> sqlite3.Connection:
    """Open a file and bring it to the newest form."""
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # A power cut may take the last translations, but never the file.
        connection.execute("PRAGMA synchronous = NORMAL")
        if _version(connection, path) < len(MIGRATIONS):
            with _transaction(connection):
                # Another process may have been quicker.
                for migration in MIGRATIONS[_version(connection, path) :]:
                    for statement in migration:
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    except BaseException:
        connection.close()
        raise
    return _equip(connection)


def _equip(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Let queries look for texts whatever the case, in any script."""
    connection.create_function("holds", 2, holds_text, deterministic=True)
    return connection


def _open_to_read(path: Path) -> sqlite3.Connection:
    """Open a file without changing it; an empty one in memory where there is none."""
    if path.exists():
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", timeout=_BUSY_S, uri=True
        )
        if _version(connection, path) == len(MIGRATIONS):
            return _equip(connection)
        connection.close()
    return _connect(Path(":memory:"))


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise AssetError(
            f"{path} cannot be used",
            cause=f"it has format {version}, and this program knows up to "
            f"{len(MIGRATIONS)}",
            remedy="use the newer PolySpec that wrote it, or move the file away",
        )
    return version


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    # Waiting for the right to write comes first: one who reads and then wants to write
    # is turned away without waiting.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _make_private(path: Path) -> None:
    """Make an empty file that only its owner may read; SQLite's others are alike."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _set_aside(path: Path) -> Path:
    names = (f"{path.name}.damaged{number}" for number in ("", *range(2, 1000)))
    aside = next(
        place for name in names if not (place := path.with_name(name)).exists()
    )
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            source = path.with_name(path.name + suffix)
            source.replace(aside.with_name(aside.name + suffix))
    return aside


def _code_of(error: sqlite3.Error) -> int:
    """SQLite's result code, without the bits that refine it."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _explain(path: Path, error: sqlite3.Error, code: int) -> AssetError:
    if code in _FULL:
        return AssetError(
            f"{path} cannot grow", cause=str(error), remedy="free some space"
        )
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return AssetError(
            f"{path} is in use",
            cause=f"another process has been writing to it for {_BUSY_S:.0f} s",
            remedy="try again when that has ended",
        )
    return AssetError(
        f"{path} cannot be used",
        cause=str(error),
        remedy="look whether its folder can be written to",
    )
