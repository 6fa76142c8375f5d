"""Sentences of marked-up text: what stands between two block tags is one slot.

Texts inside of a sentence's tags, such as an `alt`, and elements inside of a sentence
that hold paragraphs, such as a footnote, are further units of its slot. In the raw
text of an inline code, NUL, a number, NUL stands for them; no document has a NUL.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from polyspec.documents.interfaces import (
    CodeKind,
    Content,
    InlineCode,
    SegmentNote,
    plain_text,
    tidy_content,
)
from polyspec.documents.markup import (
    Token,
    TokenKind,
    decode_text,
    encode_text,
    encode_value,
    join_elements,
    join_raw,
    make_code,
    write_content,
)
from polyspec.documents.slots import Part, Slot, Unit, make_slot

_INNER = re.compile("\0(\\d+)\0")
_SPACES = " \t\r\n\f"


def _is_never(_token: Token) -> bool:
    return False


def _has_none(_token: Token) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class MarkupRules:
    """What the elements of a kind of documents mean for a sentence."""

    is_inline: Callable[[Token], bool]
    """Whether a sentence goes on through it."""
    is_skipped: Callable[[Token], bool] = _is_never
    """Whether nothing in it is translated."""
    is_placeholder: Callable[[Token], bool] = _is_never
    """Whether an inline element, with what is in it, stands for words."""
    holds_blocks: Callable[[Token], bool] = _is_never
    """Whether an inline element has sentences of its own in it."""
    find_attributes: Callable[[Token], tuple[str, ...]] = _has_none
    """The attributes of an element that are translated."""
    decode: Callable[[str], Content] = decode_text
    encode: Callable[[str], str] = encode_text

    def is_whole(self, token: Token) -> bool:
        """Whether an element is taken together with all that is in it."""
        return (
            self.is_skipped(token)
            or self.is_placeholder(token)
            or self.holds_blocks(token)
        )


@dataclass(slots=True)
class _Run:
    """The tokens of a sentence, as far as they were read."""

    pieces: list[str | InlineCode] = field(default_factory=list)
    raws: list[str] = field(default_factory=list)
    inner: list[Slot] = field(default_factory=list)

    @property
    def has_text(self) -> bool:
        """Whether there is a letter in the sentence itself."""
        text = plain_text(tuple(self.pieces))
        return any(char.isalpha() for char in text)


def read_runs(tokens: Iterable[Token], rules: MarkupRules) -> Iterator[Part]:
    """The parts of a marked-up document."""
    waiting: list[tuple[Token, list[Token]]] = []
    for token, whole in join_elements(tokens, rules.is_whole):
        if _is_inside(token, rules):
            waiting.append((token, whole or [token]))
            continue
        yield from _end_run(waiting, rules)
        waiting = []
        if whole is not None:
            yield join_raw(whole)
        else:
            yield from _split_attributes(token, rules)
    yield from _end_run(waiting, rules)


def _is_inside(token: Token, rules: MarkupRules) -> bool:
    if token.kind in {TokenKind.TEXT, TokenKind.OTHER}:
        return not token.raw.startswith(("<?xml ", "<!DOCTYPE", "<!doctype"))
    return rules.is_inline(token)


def _end_run(
    waiting: list[tuple[Token, list[Token]]], rules: MarkupRules
) -> Iterator[Part]:
    """The parts of a finished sentence, or of what has no text of its own."""
    start, end = _trim(waiting)
    yield from (join_raw(tokens) for _, tokens in waiting[:start])
    run = _Run()
    for token, tokens in waiting[start:end]:
        _add_piece(run, token, tokens, rules)
    if run.has_text:
        yield from _make_parts(run, rules)
    else:
        for token, tokens in waiting[start:end]:
            yield from _split_inner(token, tokens, rules)
    yield from (join_raw(tokens) for _, tokens in waiting[end:])


def _trim(waiting: list[tuple[Token, list[Token]]]) -> tuple[int, int]:
    """Where the first and the last text or tag is that counts."""
    start, end = 0, len(waiting)
    while start < end and _is_gap(waiting[start][0]):
        start += 1
    while end > start and _is_gap(waiting[end - 1][0]):
        end -= 1
    return start, end


def _is_gap(token: Token) -> bool:
    if token.kind is TokenKind.TEXT:
        return not token.raw.strip(_SPACES)
    return token.kind is TokenKind.OTHER


def _add_piece(
    run: _Run, token: Token, tokens: list[Token], rules: MarkupRules
) -> None:
    run.raws.append(join_raw(tokens))
    if token.kind is TokenKind.TEXT:
        run.pieces += rules.decode(token.raw)
    elif token.kind is TokenKind.OTHER:
        run.pieces.append(make_code(token))
    else:
        is_whole = len(tokens) > 1 or rules.is_whole(token)
        kind = CodeKind.PLACEHOLDER if is_whole else make_code(token).kind
        raw = "".join(
            part if isinstance(part, str) else _keep_inner(run, part)
            for part in _split_inner(token, tokens, rules)
        )
        run.pieces.append(InlineCode(raw, kind))


def _keep_inner(run: _Run, slot: Slot) -> str:
    run.inner.append(slot)
    return f"\0{len(run.inner) - 1}\0"


def _split_inner(
    token: Token, tokens: list[Token], rules: MarkupRules
) -> Iterator[Part]:
    """The parts of what stands for one place of a sentence."""
    if len(tokens) == 1:
        yield from _split_attributes(token, rules)
    elif rules.holds_blocks(token) and not rules.is_skipped(token):
        yield tokens[0].raw
        yield from read_runs(tokens[1:-1], rules)
        yield tokens[-1].raw
    else:
        yield join_raw(tokens)


def _split_attributes(token: Token, rules: MarkupRules) -> Iterator[Part]:
    """The parts of a tag, whose attributes may be texts."""
    names = rules.find_attributes(token) if token.attributes else ()
    place = 0
    for start, end, name in _find_values(token.raw, names):
        raw = token.raw[start:end]
        content = decode_text(raw, is_html=True)
        if any(char.isalpha() for char in plain_text(content)):
            yield token.raw[place:start]
            note = SegmentNote(key=f"{token.name} {name}")
            yield make_slot(raw, content, _write_value, note)
            place = end
    yield token.raw[place:]


def _write_value(content: Content) -> str:
    return write_content(content, encode_value)


def _find_values(raw: str, names: tuple[str, ...]) -> Iterator[tuple[int, int, str]]:
    """Where in a tag the quoted values of attributes are."""
    if not names:
        return
    wanted = "|".join(map(re.escape, names))
    pattern = rf"\s({wanted})\s*=\s*(?:\"([^\"]*)\"|'([^']*)')|\"[^\"]*\"|'[^']*'"
    for match in re.finditer(pattern, raw, re.IGNORECASE):
        if match.group(1):
            group = 2 if match.group(2) is not None else 3
            yield match.start(group), match.end(group), match.group(1).lower()


def _make_parts(run: _Run, rules: MarkupRules) -> Iterator[Part]:
    """A slot with the white space around it left out."""
    raw = "".join(run.raws)
    text = raw.strip(_SPACES)
    start = raw.index(text)
    yield raw[:start]
    pieces = list(run.pieces)
    if isinstance(pieces[0], str):
        pieces[0] = pieces[0].lstrip(_SPACES)
    if isinstance(pieces[-1], str):
        pieces[-1] = pieces[-1].rstrip(_SPACES)
    content = tidy_content(tuple(pieces))
    units = [Unit(content), *(unit for slot in run.inner for unit in slot.units)]

    def build(translations: Sequence[Content | None]) -> str:
        inner = _fill_inner(run.inner, translations[1:])
        chosen = content if translations[0] is None else translations[0]
        written = write_content(chosen, rules.encode)
        return _INNER.sub(lambda found: inner[int(found.group(1))], written)

    yield Slot(text, tuple(units), build)
    yield raw[start + len(text) :]


def _fill_inner(slots: list[Slot], translations: Sequence[Content | None]) -> list[str]:
    filled, place = [], 0
    for slot in slots:
        size = len(slot.units)
        filled.append(slot.fill(translations[place : place + size]))
        place += size
    return filled
