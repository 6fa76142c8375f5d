"""SubRip subtitles.

Read block by block, because the libraries for them number and space the cues anew.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from polyspec.documents.cues import CueSyntax, make_cue
from polyspec.documents.faults import malformed
from polyspec.documents.interfaces import Document, ReadOptions
from polyspec.documents.slots import Part
from polyspec.documents.streamed_text import (
    cut_end,
    open_streamed,
    split_blocks,
    split_lines,
)

_TIME = r"\d{1,4}:\d{1,2}:\d{1,2}(?:[,.]\d{1,4})?"
TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}.*")
_NUMBER = re.compile(r"\s*\d+\s*")
_SYNTAX = CueSyntax(re.compile(r"<[^<>]{1,500}>|\{\\[^{}]{1,500}\}"), str, str)


class Srt:
    """Subtitles of videos."""

    name = "srt"
    title = "SubRip subtitles"
    extensions = (".srt",)
    limits = (
        "Number, timing and line count of each cue are kept; a translation with fewer "
        "words than lines has fewer lines."
    )
    is_streamed = True

    def recognises(self, head: bytes) -> bool:
        text = head.decode("latin-1").removeprefix("ï»¿").lstrip()
        first, _, rest = text.partition("\n")
        return bool(_NUMBER.fullmatch(first) and TIMING.match(rest))

    def open(self, path: Path, options: ReadOptions) -> Document:
        return open_streamed(path, options, _read_parts)


def _read_parts(chunks: Iterator[str]) -> Iterator[Part]:
    has_cue, has_text = False, False
    for block in split_blocks(split_lines(chunks)):
        if not block[0].strip():
            yield "".join(block)
            continue
        has_text = True
        cues = _split_cues(block)
        has_cue = has_cue or any(timing for timing, _ in cues)
        for timing, lines in cues:
            # Text without a timing follows a blank line inside of a cue.
            yield from read_cue(timing, lines if has_cue else [], _SYNTAX)
            if not has_cue:
                yield "".join(lines)
    if has_text and not has_cue:
        raise malformed("SubRip file", "there is no line with a timing in it")


def read_cue(head: list[str], lines: list[str], syntax: CueSyntax) -> Iterator[Part]:
    """The parts of a cue: its first lines as they are, then its text."""
    yield "".join(head)
    bodies = [cut_end(line) for line in lines]
    if bodies:
        key = head[-1].strip() if head else ""
        newline = bodies[0][1] or "\n"
        # Lines whose ends differ are put back as they were unless translated.
        slot = make_cue([body for body, _ in bodies], newline, syntax, key)
        if {end for _, end in bodies[:-1]} <= {newline}:
            yield slot
        else:
            yield from _read_uneven(lines, syntax, key)
            return
        yield bodies[-1][1]


def _read_uneven(lines: list[str], syntax: CueSyntax, key: str) -> Iterator[Part]:
    """Lines with different ends, each a slot of its own."""
    for line in lines:
        body, end = cut_end(line)
        yield make_cue([body], end, syntax, key)
        yield end


def _split_cues(block: list[str]) -> list[tuple[list[str], list[str]]]:
    """Number and timing, and text, of each cue of a block."""
    timings = [index for index, line in enumerate(block) if TIMING.match(line)]
    starts = [
        index - 1 if index and _NUMBER.fullmatch(block[index - 1]) else index
        for index in timings
    ]
    if not starts:
        return [([], block)]
    cues: list[tuple[list[str], list[str]]] = []
    if starts[0]:
        cues.append(([], block[: starts[0]]))
    ends = [*starts[1:], len(block)]
    for start, timing, end in zip(starts, timings, ends, strict=True):
        cues.append((block[start : timing + 1], block[timing + 1 : end]))
    return cues
