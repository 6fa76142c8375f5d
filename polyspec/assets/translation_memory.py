"""Translations of segments: kept, found again, and found where a text is alike."""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from polyspec.assets.database import Database
from polyspec.assets.language_pair import LanguagePair
from polyspec.assets.segments import (
    COLUMNS,
    RANK,
    NewSegment,
    Origin,
    PairCounts,
    SimilarSegment,
    StoredSegment,
    make_segment,
    read_origin,
)
from polyspec.assets.shingles import find_shingles
from polyspec.assets.similarity import find_similar, scope_of
from polyspec.assets.texts import is_storable, make_valid

DEFAULT_THRESHOLD = 0.75
_MAX_CHARS = 10_000
"""A longer text is no segment and is not kept."""
_PAGE = 1000


class TranslationMemory:
    """The memory in a database. Used by one thread.

    Every method raises `AssetError` where the file cannot be used.
    """

    def __init__(
        self, database: Database, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._clock = clock

    def store(
        self, segments: Iterable[NewSegment], origin: Origin, *, is_final: bool = True
    ) -> int:
        """Keep translations, all of them or none; returns how many were kept.

        One by a user is replaced only by another of a user, an imported one not by a
        model's. Empty, overlong and unprintable texts are passed over.
        """
        now = int(self._clock())
        rows = [
            (segment, find_shingles(segment.source, scope_of(segment.pair)))
            for segment in segments
            if is_storable(segment.source, _MAX_CHARS)
            and is_storable(segment.translation, _MAX_CHARS)
        ]
        if not rows:
            return 0
        return self._database.write(
            lambda connection: sum(
                _store(connection, segment, shingles, origin, now)
                for segment, shingles in rows
            )
        )

    def find_exact(self, pair: LanguagePair, source: str) -> StoredSegment | None:
        """The stored translation of exactly this text."""
        if not is_storable(source, _MAX_CHARS):
            return None
        rows = self._database.select(
            f"SELECT {COLUMNS} FROM segment WHERE source_language = ? "
            "AND target_language = ? AND source = ?",
            (pair.source, pair.target, source),
        )
        return make_segment(rows[0]) if rows else None

    def find_similar(
        self,
        pair: LanguagePair,
        source: str,
        *,
        threshold: float = DEFAULT_THRESHOLD,
        limit: int = 1,
    ) -> list[SimilarSegment]:
        """Segments whose source is like a text, the most similar first.

        The similarity is one less the share of characters that have to be inserted or
        deleted (normalised indel similarity). The same text itself is among them.

        Args:
            pair: Its languages.
            source: The text.
            threshold: Least similarity, `0..1`.
            limit: Most segments.
        """
        if not is_storable(source, _MAX_CHARS):
            return []
        return find_similar(self._database, pair, source, threshold)[:limit]

    def count_use(self, segment_id: int) -> None:
        """Note that a segment was found again and of use."""
        self._database.write(
            lambda connection: connection.execute(
                "UPDATE segment SET num_uses = num_uses + 1 WHERE id = ?",
                (segment_id,),
            )
        )

    def search(
        self,
        text: str = "",
        *,
        pair: LanguagePair | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> list[StoredSegment]:
        """Segments that hold a text in either language, the latest first.

        Args:
            text: Sought whatever its case; empty finds all.
            pair: Only of these languages.
            limit: Most segments.
            offset: So many are passed over first.
        """
        where, values = _where(pair)
        query = (
            f"SELECT {COLUMNS} FROM segment WHERE {where} "
            "AND (holds(source, ?) OR holds(translation, ?)) "
            "ORDER BY changed_s DESC, id DESC LIMIT ? OFFSET ?"
        )

        sought = make_valid(text)
        rows = self._database.select(query, (*values, sought, sought, limit, offset))
        return [make_segment(row) for row in rows]

    def segments(self, pair: LanguagePair | None = None) -> Iterator[StoredSegment]:
        """All segments, in the order in which they were first kept."""
        where, values = _where(pair)
        last = 0
        while True:
            page = self._database.select(
                f"SELECT {COLUMNS} FROM segment WHERE {where} AND id > ? "
                "ORDER BY id LIMIT ?",
                (*values, last, _PAGE),
            )
            if not page:
                return
            yield from map(make_segment, page)
            last = page[-1][0]

    def count(self) -> list[PairCounts]:
        """What is kept, by languages."""
        rows = self._database.select(
            "SELECT source_language, target_language, COUNT(*), "
            "SUM(origin = 'user'), SUM(origin = 'import'), SUM(num_uses) "
            "FROM segment GROUP BY 1, 2 ORDER BY 1, 2"
        )
        return [PairCounts(LanguagePair(*row[:2]), *map(int, row[2:])) for row in rows]

    def delete(self, segment_ids: Sequence[int]) -> int:
        """Forget segments; returns how many there were."""
        marks = ", ".join("?" * len(segment_ids))
        return self._remove(f"id IN ({marks})", tuple(segment_ids))

    def clear(self, pair: LanguagePair | None = None) -> int:
        """Forget all segments, or those of two languages; returns their number."""
        return self._remove(*_where(pair))

    def _remove(self, where: str, values: tuple[object, ...]) -> int:
        def remove(connection: sqlite3.Connection) -> int:
            connection.execute(
                "DELETE FROM shingle WHERE segment_id IN "
                f"(SELECT id FROM segment WHERE {where})",
                values,
            )
            return connection.execute(
                f"DELETE FROM segment WHERE {where}", values
            ).rowcount

        return self._database.write(remove)


def _store(
    connection: sqlite3.Connection,
    segment: NewSegment,
    shingles: Sequence[int],
    origin: Origin,
    now: int,
) -> bool:
    pair = segment.pair
    keys = (pair.source, pair.target, segment.source)
    known = connection.execute(
        "SELECT id, origin FROM segment WHERE source_language = ? "
        "AND target_language = ? AND source = ?",
        keys,
    ).fetchone()
    if known is not None:
        if RANK[read_origin(known[1])] > RANK[origin]:
            return False
        connection.execute(
            "UPDATE segment SET translation = ?, origin = ?, changed_s = ? "
            "WHERE id = ?",
            (segment.translation, origin.value, now, known[0]),
        )
        return True
    added = connection.execute(
        "INSERT INTO segment (source_language, target_language, source, translation, "
        "origin, created_s, changed_s) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*keys, segment.translation, origin.value, now, now),
    )
    connection.executemany(
        "INSERT INTO shingle (digest, length, segment_id) VALUES (?, ?, ?)",
        [(shingle, len(segment.source), added.lastrowid) for shingle in shingles],
    )
    return True


def _where(pair: LanguagePair | None) -> tuple[str, tuple[object, ...]]:
    if pair is None:
        return "TRUE", ()
    return "source_language = ? AND target_language = ?", (pair.source, pair.target)
