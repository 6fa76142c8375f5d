"""Segments of the translation memory as values, and as rows of its table."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from polyspec.assets.language_pair import LanguagePair

COLUMNS = (
    "id, source_language, target_language, source, translation, origin, created_s, "
    "changed_s, num_uses"
)


class Origin(StrEnum):
    """Who made a translation; a later one does not give way to an earlier one."""

    MODEL = "model"
    IMPORT = "import"
    USER = "user"


RANK = {origin: rank for rank, origin in enumerate(Origin)}
"""Who gives way to whom."""
_ORIGINS = frozenset(origin.value for origin in Origin)


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A segment with its translation."""

    id: int
    pair: LanguagePair
    source: str
    translation: str
    origin: Origin
    created_s: int
    """Seconds since 1970, UTC."""
    changed_s: int
    num_uses: int
    """How often it was found again, exactly or as the most similar one."""


@dataclass(frozen=True, slots=True)
class SimilarSegment:
    """A stored segment whose source is like the one that was asked for."""

    segment: StoredSegment
    similarity: float
    """`0..1`; 1 for the same text."""


@dataclass(frozen=True, slots=True)
class NewSegment:
    """A segment to be kept."""

    pair: LanguagePair
    source: str
    translation: str


@dataclass(frozen=True, slots=True)
class PairCounts:
    """What is kept of one pair of languages."""

    pair: LanguagePair
    num_segments: int
    num_by_user: int
    num_imported: int
    num_uses: int


def read_origin(name: str) -> Origin:
    """The origin of that name."""
    # What a newer program or another hand wrote is nobody's to lose.
    return Origin(name) if name in _ORIGINS else Origin.USER


def make_segment(row: Sequence[object]) -> StoredSegment:
    """The segment of a row of `COLUMNS`."""
    number, source_tag, target_tag, source, translation, origin, *times = row
    created_s, changed_s, num_uses = times
    return StoredSegment(
        int(str(number)),
        LanguagePair(str(source_tag), str(target_tag)),
        str(source),
        str(translation),
        read_origin(str(origin)),
        int(str(created_s)),
        int(str(changed_s)),
        int(str(num_uses)),
    )
