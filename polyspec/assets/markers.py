"""Markers of inline codes, numbered so that texts that are alike agree.

A sentence from the middle of a paragraph may begin with its third code; in the memory
every text counts its markers from the left, as `documents.protection` does.
"""

from collections.abc import Mapping

from polyspec.documents.interfaces import Content
from polyspec.documents.protection import MARKER, ProtectedText, find_faults


def number_markers(source: str) -> dict[str, str]:
    """From the numbers of a source's markers to those in the memory.

    "Press <3>OK</3> or <7/>"  ->  {"3": "1", "7": "2"}
    """
    numbers: dict[str, str] = {}
    for match in MARKER.finditer(source):
        numbers.setdefault(match.group(2), str(len(numbers) + 1))
    return numbers


def renumber(text: str, numbers: Mapping[str, str]) -> str:
    """A text with its markers' numbers changed; others stay as they are."""
    if not numbers:
        return text
    return MARKER.sub(
        lambda match: f"<{match[1]}{numbers.get(match[2], match[2])}{match[3]}>",
        text,
    )


def have_same_markers(source: str, translation: str) -> bool:
    """Whether a translation has the markers of its source, each once and nested."""
    markers: dict[str, Content] = {
        match.group(): () for match in MARKER.finditer(source)
    }
    return not find_faults(translation, ProtectedText(source, markers))
