r"""Advanced SubStation Alpha subtitles: the text of each dialogue line.

Dialogue: 0,0:00:01.00,0:00:03.00,Default,,0,0,0,,{\i1}Hello{\i0}\Nthere
"""

import re
from collections.abc import Iterator
from pathlib import Path

from polyspec.documents.cues import CueSyntax, make_cue
from polyspec.documents.faults import malformed
from polyspec.documents.interfaces import Document, ReadOptions
from polyspec.documents.slots import Part
from polyspec.documents.streamed_text import cut_end, open_streamed, split_lines

_SECTION = re.compile(r"\s*\[([^\]]{1,60})\]\s*")
_DRAWING = re.compile(r"\{[^{}]{0,1000}\\p[1-9]")
_SYNTAX = CueSyntax(re.compile(r"\{[^{}]{0,1000}\}|\\[nh]"), str, str)
_NUM_FIELDS = 10
"""Of a dialogue line where no format line says otherwise; the text is the last."""


class Ass:
    """Subtitles with styles and positions."""

    name = "ass"
    title = "ASS and SSA subtitles"
    extensions = (".ass", ".ssa")
    limits = (
        "Timing, styles and line count are kept; comments and drawings are not "
        "translated. Karaoke syllables are markup, which a model often loses."
    )
    is_streamed = True

    def recognises(self, head: bytes) -> bool:
        start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
        return start.lower().startswith(b"[script info]")

    def open(self, path: Path, options: ReadOptions) -> Document:
        return open_streamed(path, options, _read_parts)


def _read_parts(chunks: Iterator[str]) -> Iterator[Part]:
    section, num_fields, has_section = "", _NUM_FIELDS, False
    for line in split_lines(chunks):
        match = _SECTION.fullmatch(line)
        if match:
            section, has_section = match.group(1).lower(), True
        kind, _, rest = line.partition(":")
        if section == "events" and kind.strip() == "Format":
            num_fields = rest.count(",") + 1
        if section == "events" and kind.strip() == "Dialogue":
            yield from _read_dialogue(line, num_fields)
        elif not has_section and line.strip("\ufeff \t\r\n") and line[0] not in ";!":
            raise malformed("ASS file", "it does not begin with a section")
        else:
            yield line


def _read_dialogue(line: str, num_fields: int) -> Iterator[Part]:
    body, end = cut_end(line)
    fields = body.split(",", num_fields - 1)
    if len(fields) < num_fields or _DRAWING.search(fields[-1]):
        yield line
        return
    text = fields[-1]
    yield body[: len(body) - len(text)]
    yield make_cue(text.split(r"\N"), r"\N", _SYNTAX, "-->".join(fields[1:3]))
    yield end
