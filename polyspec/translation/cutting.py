"""Where a text that is too long may be cut, and the cutting."""

import re
import unicodedata
from collections.abc import Callable, Iterator

# The best first: after the end of a sentence, after a clause, after a space.
_CUTS = tuple(
    re.compile(pattern)
    for pattern in (
        r"[.!?…]+[\"'”’»)\]]*\s+|[。！？｡．।॥։۔؟።፧፨᙮၊။៕༎]+[”’」』）\"']*\s*",
        r"[,;:–—]\s+|[，、；：؛،፣፤፥፦・]\s*|\s[–—-]\s+",
        r"\s+",
    )
)
_JOINERS = "\u200d\u2060"
_VIRAMA = 9
"""Combining class of the sign that binds two consonants of an Indic script."""
_REACH = 64
"""How far back a place between two whole characters is looked for."""


def cut_text(
    text: str, max_tokens: int, count_tokens: Callable[[str], int]
) -> Iterator[str]:
    """The text in pieces of at most `max_tokens`, where it can be cut at all.

    Joined, the pieces are the text. A piece that cannot be cut, one whole character,
    may be over the limit.
    """
    # A token is at least one byte, so a short text needs no counting.
    if len(text.encode()) <= max_tokens or (num := count_tokens(text)) <= max_tokens:
        if text:
            yield text
        return
    limit = max(1, int(len(text) * max_tokens / num * 0.9))
    while text:
        size = limit
        piece = text if len(text) <= size else text[: find_cut(text, size)]
        while len(piece) > 1 and count_tokens(piece) > max_tokens:
            size = max(1, min(size, len(piece)) // 2)
            piece = text[: find_cut(piece, size)]
        yield piece
        text = text[len(piece) :]


def find_cut(text: str, limit: int) -> int:
    """Where to cut so that at most `limit` characters come first, if possible.

    A place in the second half of those is looked for; in `1..len(text) - 1` for a text
    of two characters or more.
    """
    limit = min(limit, len(text) - 1)
    for pattern in _CUTS:
        cut = 0
        for match in pattern.finditer(text, limit // 2, limit):
            cut = match.end()
        # White space that runs on belongs to the first piece, so the match must end.
        if 0 < cut < limit or (cut and not text[cut].isspace()):
            return cut
    return _find_whole_character(text, limit)


def find_middle(text: str) -> int | None:
    """Where to cut a text into two clauses or more of similar length, if anywhere."""
    middle = len(text) // 2
    for pattern in _CUTS[:2]:
        cuts = [m.end() for m in pattern.finditer(text) if 0 < m.end() < len(text)]
        if cuts:
            return min(cuts, key=lambda cut: abs(cut - middle))
    return None


def _find_whole_character(text: str, limit: int) -> int:
    for cut in range(limit, max(0, limit - _REACH), -1):
        if not _is_joined(text[cut - 1], text[cut]):
            return cut
    return max(1, limit)


def _is_joined(before: str, after: str) -> bool:
    """Whether two characters are seen as one, so that no cut may fall between."""
    return (
        unicodedata.category(after)[0] == "M"
        or after in _JOINERS
        or before in _JOINERS
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or unicodedata.combining(before) == _VIRAMA
        or all("\U0001f1e6" <= char <= "\U0001f1ff" for char in (before, after))
        or (before, after) == ("\r", "\n")
    )
