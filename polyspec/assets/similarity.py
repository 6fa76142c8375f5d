"""Segments of the memory that are like a text."""

import sqlite3
from collections import Counter
from collections.abc import Sequence

from polyspec.assets.database import Database
from polyspec.assets.language_pair import LanguagePair
from polyspec.assets.segments import (
    COLUMNS,
    RANK,
    SimilarSegment,
    StoredSegment,
    make_segment,
)
from polyspec.assets.shingles import find_shingles

_MAX_POSTINGS = 300
"""So many segments are looked at for each shingle: common ones tell little."""
_MAX_COMPARED = 40


def scope_of(pair: LanguagePair) -> str:
    """What keeps the shingles of two languages apart from others."""
    return f"{pair.source}>{pair.target}"


def find_similar(
    database: Database, pair: LanguagePair, source: str, threshold: float
) -> list[SimilarSegment]:
    """The segments that are at least so similar, the most similar first.

    Only those that share most shingles with the text are compared with it.

    Raises:
        AssetError: The file cannot be used.
    """
    segments = _load(database, _find_candidates(database, pair, source, threshold))
    return _rank(source, segments, threshold)


def _find_candidates(
    database: Database, pair: LanguagePair, source: str, threshold: float
) -> list[int]:
    """Segments of a fitting length that share most shingles with a text."""
    shingles = find_shingles(source, scope_of(pair))
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

    return database.read(find)


def _load(database: Database, segment_ids: Sequence[int]) -> list[StoredSegment]:
    if not segment_ids:
        return []
    marks = ", ".join("?" * len(segment_ids))
    rows = database.select(
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
