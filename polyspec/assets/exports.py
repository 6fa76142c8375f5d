"""The memory and the history as tables and lines for other programs."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from polyspec.assets.history import HistoryEntry
from polyspec.assets.segments import StoredSegment

_SEGMENT_COLUMNS = (
    "source_language", "target_language", "source", "translation", "origin",
    "created", "changed", "uses",
)  # fmt: skip
_HISTORY_COLUMNS = (
    "time", "source_language", "target_language", "source", "translation", "model",
    "title",
)  # fmt: skip


def write_segments_csv(
    segments: Iterable[StoredSegment],
    write: Callable[[str], object],
    delimiter: str = ",",
) -> int:
    """Write segments as a table with a header; returns their number."""
    rows = (
        (
            one.pair.source,
            one.pair.target,
            one.source,
            one.translation,
            one.origin.value,
            format_time(one.created_s),
            format_time(one.changed_s),
            str(one.num_uses),
        )
        for one in segments
    )
    return _write_table(_SEGMENT_COLUMNS, rows, write, delimiter)


def write_history_csv(
    entries: Iterable[HistoryEntry],
    write: Callable[[str], object],
    delimiter: str = ",",
) -> int:
    """Write entries as a table with a header; returns their number."""
    rows = (tuple(describe_entry(entry).values()) for entry in entries)
    return _write_table(_HISTORY_COLUMNS, rows, write, delimiter)


def write_history_lines(
    entries: Iterable[HistoryEntry], write: Callable[[str], object]
) -> int:
    """Write entries as JSON, one a line; returns their number."""
    number = 0
    for entry in entries:
        write(json.dumps(describe_entry(entry), ensure_ascii=False) + "\n")
        number += 1
    return number


def describe_entry(entry: HistoryEntry) -> dict[str, str]:
    """An entry by the names of its columns."""
    values = (
        format_time(entry.written_s),
        entry.pair.source,
        entry.pair.target,
        entry.source,
        entry.translation,
        entry.model,
        entry.title,
    )
    return dict(zip(_HISTORY_COLUMNS, values, strict=True))


def format_time(seconds: int) -> str:
    """A time as ISO 8601 in UTC, for example `2026-03-01T12:00:00Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _write_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    write: Callable[[str], object],
    delimiter: str,
) -> int:
    buffer = io.StringIO()
    table = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
    table.writerow(header)
    number = 0
    for row in rows:
        table.writerow(row)
        number += 1
        write(buffer.getvalue())
        buffer.seek(0)
        buffer.truncate()
    write(buffer.getvalue())
    return number
