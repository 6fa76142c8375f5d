r"""A document cut into segments, from which it can be put together again exactly.

    "  One. Two!\n"  ->  ("  ", "One.", " "), ("", "Two!", "\n")

Lines are never joined, so line breaks stay where they are. Everything is lazy: no more
than one line, or a stretch of a very long one, is held at a time.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import sentencex

from polyspec.errors import DocumentError
from polyspec.languages import Language
from polyspec.translation.cutting import cut_text, find_cut

_LINE_END = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_NO_PROSE = re.compile(
    r"(?:(?:https?|ftps?|file)://|www\.|mailto:)\S+|[^\s@]+@[^\s@]+\.[^\s@]+",
    re.IGNORECASE,
)
_MAX_STRETCH_CHARS = 16_384
"""Longer lines are cut before sentences are looked for."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of source text and what surrounds it."""

    text: str
    """Without white space around it; may be empty."""
    prefix: str = ""
    suffix: str = ""
    """Down to where the next segment begins."""
    is_translatable: bool = True
    """Not so for white space, numbers, punctuation and addresses."""
    is_line_end: bool = True
    """No other segment of the same line follows."""
    context: str = ""
    """Source text right before it, to be read but not translated."""
    note: str = ""
    """What is to be said of it before it is translated; mostly empty."""

    @property
    def source(self) -> str:
        return f"{self.prefix}{self.text}{self.suffix}"


@dataclass(frozen=True, slots=True)
class SegmentLimits:
    """How long segments become."""

    count_tokens: Callable[[str], int]
    max_tokens: int
    """A longer sentence is cut."""
    group_tokens: int = 0
    """Sentences of a line are put together up to this; 0 keeps each apart."""
    num_context_chars: int = 0
    """Longest context; 0 gives none."""


def split_segments(
    chunks: Iterable[str],
    language: Language | None,
    limits: SegmentLimits,
    context: str = "",
) -> Iterator[Segment]:
    """Cut text, given in chunks of any size, into segments.

    The sources of the segments, joined, are the text; `context` stands before it.

    Raises:
        DocumentError: A chunk holds half of a surrogate pair.
    """
    tag = language.tag if language else "en"
    for stretch, is_line_end in _split_stretches(chunks):
        sentences = _split_sentences(stretch, tag, limits)
        pieces = list(_group(sentences, limits))
        for number, piece in enumerate(pieces):
            is_last = is_line_end and number == len(pieces) - 1
            segment = _make_segment(piece, is_last)
            yield replace(segment, context=_shorten(context, limits.num_context_chars))
            context = f"{context}{piece}" if limits.num_context_chars else ""
            context = context[-limits.num_context_chars :]
        if is_line_end and limits.num_context_chars and not stretch.strip():
            context = ""  # a blank line ends a paragraph


def adapt_separators(
    segments: Iterable[Segment], source: Language | None, target: Language
) -> Iterator[Segment]:
    """Fit the gaps between sentences of a line to how the target language is written.

    Chinese sentences stand side by side, English ones do not. Only an empty gap or a
    single space is changed, and only between segments of one line.
    """
    is_spaced = source.is_spaced if source else True
    for segment in segments:
        if segment.is_line_end or is_spaced == target.is_spaced:
            yield segment
        elif segment.suffix == "" and target.is_spaced:
            yield replace(segment, suffix=" ")
        elif segment.suffix == " " and not target.is_spaced:
            yield replace(segment, suffix="")
        else:
            yield segment


def _split_stretches(chunks: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Lines with their ends, and whether each is the last stretch of its line."""
    rest = ""
    for chunk in chunks:
        _require_text(chunk)
        rest += chunk
        start = 0
        for match in _LINE_END.finditer(rest):
            yield from _cut_line(rest[start : match.end()])
            start = match.end()
        rest = rest[start:]
        while len(rest) > 2 * _MAX_STRETCH_CHARS:
            cut = find_cut(rest, _MAX_STRETCH_CHARS)
            yield rest[:cut], False
            rest = rest[cut:]
    if rest:
        yield from _cut_line(rest)


def _require_text(chunk: str) -> None:
    try:
        chunk.encode()
    except UnicodeEncodeError as err:
        raise DocumentError(
            "the text cannot be translated",
            cause=f"{err.object[err.start]!r} in it is no character, as left by "
            "bytes that are not valid UTF-8",
            remedy="read it from a file, with its --encoding",
        ) from err


def _cut_line(line: str) -> Iterator[tuple[str, bool]]:
    start = 0
    while len(line) - start > 2 * _MAX_STRETCH_CHARS:
        stretch = line[start : start + 2 * _MAX_STRETCH_CHARS]
        cut = find_cut(stretch, _MAX_STRETCH_CHARS)
        yield stretch[:cut], False
        start += cut
    yield line[start:], True


def _split_sentences(text: str, tag: str, limits: SegmentLimits) -> Iterator[str]:
    """Sentences with the white space after them, none over the token limit."""
    end = _LINE_END.search(text)
    body = text[: end.start()] if end else text
    sentences = sentencex.segment(tag, body) if body else []
    if "".join(sentences) != body:
        sentences = [body]
    tail = text[len(body) :]
    if tail:
        sentences = [*sentences[:-1], f"{sentences[-1] if sentences else ''}{tail}"]
    for sentence in sentences:
        yield from cut_text(sentence, limits.max_tokens, limits.count_tokens)


def _group(sentences: Iterable[str], limits: SegmentLimits) -> Iterator[str]:
    """Neighbours put together while they stay small."""
    group, num_tokens = "", 0
    for sentence in sentences:
        added = limits.count_tokens(sentence) if limits.group_tokens else 1
        if group and (not group.strip() or not sentence.strip()):
            # White space on its own never becomes a segment inside a line.
            group, num_tokens = group + sentence, num_tokens + added
        elif group and num_tokens + added <= limits.group_tokens:
            group, num_tokens = group + sentence, num_tokens + added
        else:
            if group:
                yield group
            group, num_tokens = sentence, added
    if group:
        yield group


def _make_segment(piece: str, is_line_end: bool) -> Segment:
    text = piece.strip()
    start = len(piece) - len(piece.lstrip())
    return Segment(
        text=text,
        prefix=piece[:start],
        suffix=piece[start + len(text) :],
        is_translatable=_has_prose(text),
        is_line_end=is_line_end,
    )


def _has_prose(text: str) -> bool:
    return any(
        any(char.isalpha() for char in word) and not _NO_PROSE.fullmatch(word)
        for word in text.split()
    )


def _shorten(context: str, limit: int) -> str:
    """The end of the context, from the beginning of a word."""
    context = context.strip()
    if len(context) < limit:
        return context
    _, space, rest = context.partition(" ")
    return rest if space else context
