"""Segments of the memory as a TMX file.

Format: LISA and ETSI, "TMX 1.4b".
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from polyspec import __version__
from polyspec.assets.segments import StoredSegment
from polyspec.documents.markup import encode_text, encode_value
from polyspec.documents.protection import MARKER

ORIGIN_PROPERTY = "x-origin"
_HEAD = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<tmx version="1.4">
<header creationtool="polyspec" creationtoolversion="{encode_value(__version__)}" \
segtype="sentence" o-tmf="polyspec" adminlang="en" srclang="*all*" \
datatype="plaintext"/>
<body>
"""


def write_tmx(segments: Iterable[StoredSegment], write: Callable[[str], object]) -> int:
    """Write segments, each a unit of two languages; returns their number."""
    write(_HEAD)
    number = 0
    for segment in segments:
        write(_write_unit(segment))
        number += 1
    write("</body>\n</tmx>\n")
    return number


def _write_unit(segment: StoredSegment) -> str:
    source, target = segment.pair.source, segment.pair.target
    return (
        f'<tu srclang="{encode_value(source)}" usagecount="{segment.num_uses}" '
        f'creationdate="{_write_time(segment.created_s)}" '
        f'changedate="{_write_time(segment.changed_s)}">'
        f'<prop type="{ORIGIN_PROPERTY}">{segment.origin}</prop>\n'
        f"{_write_variant(source, segment.source)}"
        f"{_write_variant(target, segment.translation)}</tu>\n"
    )


def _write_variant(tag: str, text: str) -> str:
    return f'<tuv xml:lang="{encode_value(tag)}"><seg>{_write_text(text)}</seg></tuv>\n'


def _write_text(text: str) -> str:
    """A text with its markers as inline codes."""
    pieces, place = [], 0
    closed = {match[2] for match in MARKER.finditer(text) if match[1]}
    for match in MARKER.finditer(text):
        pieces.append(encode_text(text[place : match.start()]))
        place = match.end()
        if match[1]:
            pieces.append(f'<ept i="{match[2]}"/>')
        elif match[3] or match[2] not in closed:
            pieces.append(f'<ph x="{match[2]}"/>')
        else:
            pieces.append(f'<bpt i="{match[2]}" x="{match[2]}"/>')
    return "".join((*pieces, encode_text(text[place:])))


def _write_time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%SZ")
