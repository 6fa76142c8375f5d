"""What was translated and when, for the user to find again."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from polyspec.assets.database import Database
from polyspec.assets.language_pair import LanguagePair
from polyspec.assets.texts import make_valid

MAX_CHARS = 20_000
"""Of a longer text, this much of its beginning is kept."""
_CUT = " […]"
_PAGE = 200
_COLUMNS = (
    "id, written_s, source_language, target_language, source, translation, model, title"
)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One translation of a text."""

    id: int
    written_s: int
    """Seconds since 1970, UTC."""
    pair: LanguagePair
    source: str
    translation: str
    model: str
    title: str
    """Name of the file, where the text came from one; its texts may be empty."""


class History:
    """The history in a database. Used by one thread.

    Every method raises `AssetError` where the file cannot be used.
    """

    def __init__(
        self, database: Database, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._clock = clock

    def add(
        self,
        pair: LanguagePair,
        source: str,
        translation: str,
        *,
        model: str = "",
        title: str = "",
    ) -> int | None:
        """Note a translation; returns its number, or None where there is no text.

        Args:
            pair: Its languages.
            source: The text; the beginning of a long one is kept.
            translation: The same in the other language.
            model: What translated it.
            title: The file that it comes from, if it does.
        """
        texts = [_tidy(text) for text in (source, translation, model, title)]
        if not (texts[0].strip() or texts[3].strip()):
            return None
        values = (int(self._clock()), pair.source, pair.target, *texts)

        def insert(connection: sqlite3.Connection) -> int | None:
            return connection.execute(
                "INSERT INTO history (written_s, source_language, target_language, "
                "source, translation, model, title) VALUES (?, ?, ?, ?, ?, ?, ?)",
                values,
            ).lastrowid

        return self._database.write(insert)

    def search(
        self,
        text: str = "",
        *,
        pair: LanguagePair | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> list[HistoryEntry]:
        """Entries that hold a text, whatever its case, the latest first.

        Args:
            text: Sought in source, translation and title; empty finds all.
            pair: Only of these languages.
            limit: Most entries.
            offset: So many are passed over first.
        """
        query = (
            f"SELECT {_COLUMNS} FROM history WHERE "
            "(? IS NULL OR (source_language = ? AND target_language = ?)) AND "
            "(holds(source, ?) OR holds(translation, ?) OR holds(title, ?)) "
            "ORDER BY written_s DESC, id DESC LIMIT ? OFFSET ?"
        )
        tags = (pair.source, pair.source, pair.target) if pair else (None,) * 3
        sought = (make_valid(text),) * 3
        rows = self._database.select(query, (*tags, *sought, limit, offset))
        return [_make_entry(row) for row in rows]

    def entries(self) -> Iterator[HistoryEntry]:
        """All entries, the oldest first."""
        last = 0
        while True:
            page = self._database.select(
                f"SELECT {_COLUMNS} FROM history WHERE id > ? ORDER BY id LIMIT ?",
                (last, _PAGE),
            )
            if not page:
                return
            yield from map(_make_entry, page)
            last = page[-1][0]

    def delete(self, entry_ids: Sequence[int]) -> int:
        """Forget entries; returns how many there were."""
        marks = ", ".join("?" * len(entry_ids))
        return self._database.write(
            lambda connection: (
                connection.execute(
                    f"DELETE FROM history WHERE id IN ({marks})", tuple(entry_ids)
                ).rowcount
            )
        )

    def clear(self) -> int:
        """Forget all; returns how many entries there were."""
        return self._database.write(
            lambda connection: connection.execute("DELETE FROM history").rowcount
        )


def _tidy(text: str) -> str:
    """A text as it can be kept: valid Unicode, and no book."""
    if len(text) > MAX_CHARS:
        text = text[:MAX_CHARS] + _CUT
    return make_valid(text)


def _make_entry(row: Sequence[object]) -> HistoryEntry:
    number, written_s, source_tag, target_tag, *texts = row
    source, translation, model, title = map(str, texts)
    return HistoryEntry(
        int(str(number)),
        int(str(written_s)),
        LanguagePair(str(source_tag), str(target_tag)),
        source,
        translation,
        model,
        title,
    )
