"""Translations of segments: kept, found again, and found where a text is alike."""

import sqlite3
import time
from collections import Counter
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
from polyspec.assets.texts import is_storable, make_valid

DEFAULT_THRESHOLD = 0.75
_MAX_CHARS = 10_000
"""A longer text is no segment and is not kept."""
_MAX_POSTINGS = 300
"""So many segments are looked at for each shingle: common ones tell little."""
_MAX_COMPARED = 40
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
            (segment, find_shingles(segment.source, _scope(segment.pair)))
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
        ids = self._find_candidates(pair, source, threshold)
        segments = self._load(ids)
        return _rank(source, segments, threshold)[:limit]

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

    def _find_candidates(
        self, pair: LanguagePair, source: str, threshold: float
    ) -> list[int]:
        """Segments of a fitting length that share most shingles with a text."""
        shingles = find_shingles(source, _scope(pair))
        shortest, longest = _lengths(len(source), threshold)

        def find(connection: sqlite3.Connection) -> list[int]:
            shared: Counter[int] = Counter()
            for shingle in shingles:
                found = connection.execute(
                    "SELECT segment_id FROM shingle WHERE digest = ? "
                    "AND length BETWEEN ? AND ? LIMIT ?",
                    (shingle, shortest, longest, _MAX_POSTINGS),
                )
                shared.update(row[0] for row in found)
            return [number for number, _ in shared.most_common(_MAX_COMPARED)]

        return self._database.read(find)

    def _load(self, segment_ids: Sequence[int]) -> list[StoredSegment]:
        if not segment_ids:
            return []
        marks = ", ".join("?" * len(segment_ids))
        rows = self._database.select(
            f"SELECT {COLUMNS} FROM segment WHERE id IN ({marks})", segment_ids
        )
        return [make_segment(row) for row in rows]


def _lengths(num_chars: int, threshold: float) -> tuple[int, int]:
    """The lengths that a text may have to reach a similarity.

    Of texts of `a` and `b` characters, the shorter `a`, at most `2a / (a + b)` agree.
    """
    least = max(0.01, min(1.0, threshold))
    ratio = least / (2.0 - least)
    return int(num_chars * ratio), int(num_chars / ratio) + 1


def _rank(
    source: str, segments: Sequence[StoredSegment], threshold: float
) -> list[SimilarSegment]:
    from rapidfuzz.distance import Indel

    scored = [
        SimilarSegment(
            segment,
            Indel.normalized_similarity(source, segment.source, score_cutoff=threshold),
        )
        for segment in segments
    ]
    found = [one for one in scored if one.similarity >= threshold]
    # Of equals, what people wrote comes first, then the latest.
    found.sort(
        key=lambda one: (
            one.similarity,
            RANK[one.segment.origin],
            one.segment.changed_s,
        ),
        reverse=True,
    )
    return found


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


def _scope(pair: LanguagePair) -> str:
    return f"{pair.source}>{pair.target}"


def _where(pair: LanguagePair | None) -> tuple[str, tuple[object, ...]]:
    if pair is None:
        return "TRUE", ()
    return "source_language = ? AND target_language = ?", (pair.source, pair.target)
