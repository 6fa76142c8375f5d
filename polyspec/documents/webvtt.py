"""WebVTT subtitles. Format: W3C, "WebVTT: The Web Video Text Tracks Format"."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

from polyspec.documents.cues import CueSyntax
from polyspec.documents.faults import malformed
from polyspec.documents.interfaces import Document, ReadOptions
from polyspec.documents.slots import Part
from polyspec.documents.srt import read_cue
from polyspec.documents.streamed_text import open_streamed, split_blocks, split_lines

_TIME = r"(?:\d{2,}:)?\d{1,2}:\d{2}[.,]\d{3}"
_TIMING = re.compile(rf"\s*{_TIME}\s+-->\s+{_TIME}.*")
_NO_CUE = ("NOTE", "STYLE", "REGION")


def _encode(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_SYNTAX = CueSyntax(re.compile(r"<[^<>]{1,500}>"), html.unescape, _encode)


class WebVtt:
    """Subtitles of web videos."""

    name = "vtt"
    title = "WebVTT subtitles"
    extensions = (".vtt",)
    limits = (
        "Timing, settings and line count of each cue are kept; notes, styles and "
        "regions are not translated."
    )
    is_streamed = True

    def recognises(self, head: bytes) -> bool:
        return head.removeprefix(b"\xef\xbb\xbf").startswith(b"WEBVTT")

    def open(self, path: Path, options: ReadOptions) -> Document:
        return open_streamed(path, options, _read_parts)


def _read_parts(chunks: Iterator[str]) -> Iterator[Part]:
    is_first = True
    for block in split_blocks(split_lines(chunks)):
        if is_first and not block[0].startswith("WEBVTT"):
            raise malformed("WebVTT file", "it does not begin with WEBVTT", line=1)
        timing = _find_timing(block)
        if is_first or timing is None:
            yield "".join(block)
        else:
            yield from read_cue(block[: timing + 1], block[timing + 1 :], _SYNTAX)
        is_first = False


def _find_timing(block: list[str]) -> int | None:
    """Which of the first two lines has the times; before it may stand a name."""
    if block[0].strip().split(" ")[0] in _NO_CUE and "-->" not in block[0]:
        return None
    places = (index for index, line in enumerate(block[:2]) if _TIMING.match(line))
    return next(places, None)
