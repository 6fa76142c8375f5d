"""What became of the segments of documents: counts, notes, the report."""

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from polyspec.cli import diagnostics
from polyspec.cli.run_stats import RunStats

if TYPE_CHECKING:
    from polyspec.documents.interfaces import Document
    from polyspec.translation.units import TranslatedUnit

_MAX_NAMED = 20
"""So many segments that went wrong are told one by one."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W\u3040-\u9fff]+")
"""As is usual, each character of Chinese and Japanese counts as a word."""


@dataclass(frozen=True, slots=True)
class DocumentSize:
    """How much there is to translate."""

    num_segments: int = 0
    num_translatable: int = 0
    num_words: int = 0


@dataclass(frozen=True, slots=True)
class Flag:
    """A segment that needs a look."""

    document: str
    number: int
    """Of the segment in its document, from 1."""
    key: str
    source: str
    translation: str
    reason: str
    is_kept: bool
    """Whether source text was kept."""


@dataclass(slots=True)
class Tally:
    """Counts the segments of a run and tells of those that need a look."""

    stats: RunStats = field(default_factory=RunStats)
    num_segments: int = 0
    num_words: int = 0
    num_kept: int = 0
    num_replayed: int = 0
    """Segments that an earlier run translated."""
    num_recalled: int = 0
    """Segments that the translation memory had."""
    is_of_many: bool = False
    """Whether there are several documents, so that each is named."""
    flags: list[Flag] = field(default_factory=list)

    def note(self, unit: "TranslatedUnit", document: Path, number: int) -> int:
        """Count a segment and tell what is wrong with it; returns its words."""
        from polyspec.documents.interfaces import plain_text

        num_words = count_words(unit.segment.text)
        self.num_segments += 1
        self.num_words += num_words
        self.num_kept += unit.is_kept
        self.num_replayed += unit.is_replayed
        self.num_recalled += unit.is_recalled
        for counts in unit.counts:
            self.stats.add(unit.num_tokens if counts is unit.counts[0] else 0, counts)
        if unit.note:
            key = unit.segment.note.key
            self.flags.append(
                Flag(
                    str(document),
                    number,
                    key,
                    unit.segment.text,
                    plain_text(unit.content),
                    unit.note,
                    unit.is_kept,
                )
            )
            if len(self.flags) <= _MAX_NAMED:
                where = f"{document}: " if self.is_of_many else ""
                name = f" ({key})" if key else ""
                diagnostics.note(f"{where}segment {number}{name}: {unit.note}")
        return num_words

    def tell(self, elapsed_s: float) -> None:
        """Sum up."""
        diagnostics.note(
            f"{_count(self.num_segments, 'segment')}, "
            f"{_count(self.num_words, 'word')} in {elapsed_s:.1f} s, "
            f"{self.stats.num_tokens / max(elapsed_s, 1e-9):.0f} tokens/s, "
            f"{len(self.flags)} flagged"
            + (
                f", {self.num_replayed} of the segments by an earlier run"
                if self.num_replayed
                else ""
            )
            + (f", {self.num_recalled} from memory" if self.num_recalled else "")
        )
        if self.flags:
            diagnostics.note(
                f"{len(self.flags)} of {self.num_segments} segments need a look; "
                f"{self.num_kept} of them keep their source text"
            )

    def as_fields(self) -> dict[str, object]:
        """What a report says."""
        return {
            "num_segments": self.num_segments,
            "num_words": self.num_words,
            "num_flagged": len(self.flags),
            "num_kept": self.num_kept,
            "num_recalled": self.num_recalled,
            "flagged": [asdict(flag) for flag in self.flags],
        }


def count_words(text: str) -> int:
    """Number of words of a text, as translators count them."""
    return len(_WORD.findall(text))


def measure(document: "Document") -> DocumentSize:
    """How much there is in a document, which is read to its end.

    Raises:
        DocumentError: It cannot be read or is malformed.
    """
    num_segments = num_translatable = num_words = 0
    for segment in document.segments():
        num_segments += 1
        num_translatable += segment.is_translatable
        num_words += count_words(segment.text)
    return DocumentSize(num_segments, num_translatable, num_words)


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
