"""The runs of a Word paragraph as one content."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from polyspec.documents.interfaces import (
    CodeKind,
    Content,
    InlineCode,
    plain_text,
    tidy_content,
)
from polyspec.documents.markup import (
    Token,
    TokenKind,
    decode_text,
    join_elements,
    join_raw,
)

_TEXT_START = '<w:t xml:space="preserve">'
_TEXT_END = "</w:t>"
_WHOLE = frozenset((
    "w:r", "w:pPr", "w:del", "w:moveFrom", "w:sdtPr", "w:sdtEndPr", "m:oMath",
    "m:oMathPara", "w:customXmlPr", "w:smartTagPr",
))  # fmt: skip
_DROPPED = frozenset(("w:proofErr", "w:lastRenderedPageBreak"))
"""What Word finds out anew."""
_EMPTY_TEXT = re.compile(rf"{_TEXT_START}{_TEXT_END}")
_EMPTY_RUN = re.compile(
    r"<w:r>(?:<w:rPr>(?:(?!</w:rPr>|<w:rPr>).)*</w:rPr>)?</w:r>", re.DOTALL
)
_UNSEEN = re.compile(r"<w:(?:lang|noProof|webHidden)\b[^>]*/>|\s+w:rsid\w*=\"[^\"]*\"")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """The text of a paragraph, and what has to stand around it."""

    before: str
    raw: str
    after: str
    content: Content
    inner: tuple[list[Token], ...]
    """Elements with paragraphs of their own; NUL, number, NUL stands for each."""
    look: str

    def wrap(self, written: str) -> str:
        """The runs that a content gives, without the empty ones among them."""
        whole = f"{_begin(self.look)}{written}{_end()}"
        return _EMPTY_RUN.sub("", _EMPTY_TEXT.sub("", whole))


def read_paragraph(tokens: list[Token]) -> Paragraph | None:
    """A paragraph with text, given its tokens with both of its tags."""
    items = list(join_elements(tokens[1:-1], lambda token: token.name in _WHOLE))
    start, end = 0, len(items)
    while start < end and not _counts(*items[start]):
        start += 1
    while end > start and not _counts(*items[end - 1]):
        end -= 1
    raws = [join_raw(whole or [token]) for token, whole in items]
    look = _find_look(whole for token, whole in items if whole and token.name == "w:r")
    reader = _Reader(look)
    for token, whole in items[start:end]:
        reader.take(token, whole)
    content = reader.finish()
    if not any(char.isalpha() for char in plain_text(content)):
        return None
    return Paragraph(
        before=tokens[0].raw + "".join(raws[:start]),
        raw="".join(raws[start:end]),
        after="".join(raws[end:]) + tokens[-1].raw,
        content=content,
        inner=tuple(reader.inner),
        look=look,
    )


def _counts(token: Token, whole: list[Token] | None) -> bool:
    """Whether a text may begin or end here; bookmarks and the like stay outside."""
    if whole is not None:
        return token.name in {"w:r", "m:oMath"}
    return token.kind in {TokenKind.START, TokenKind.END}


def _begin(look: str) -> str:
    return f"<w:r>{look}{_TEXT_START}"


def _end() -> str:
    return f"{_TEXT_END}</w:r>"


def _find_look(runs: Iterator[list[Token]]) -> str:
    """The properties that most of the text has, as they stand in its first run."""
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    for run in runs:
        look = _read_look(run)
        key = _normal(look)
        first.setdefault(key, look)
        counts[key] += sum(len(token.raw) for token in _texts(run))
    return first[counts.most_common(1)[0][0]] if counts else ""


def _read_look(run: list[Token]) -> str:
    for token, whole in join_elements(run[1:-1], lambda t: t.name == "w:rPr"):
        if token.name == "w:rPr":
            raw = join_raw(whole or [token])
            return "" if raw in {"<w:rPr/>", "<w:rPr></w:rPr>"} else raw
    return ""


def _normal(look: str) -> str:
    """Properties without what cannot be seen."""
    seen = _UNSEEN.sub("", look)
    return "" if seen == "<w:rPr></w:rPr>" else seen


def _texts(run: list[Token]) -> Iterator[Token]:
    """The text tokens of a run's own `w:t` elements."""
    for token, whole in join_elements(run[1:-1], lambda t: t.name != "w:r"):
        if token.name == "w:t" and whole:
            yield from (inner for inner in whole if inner.kind is TokenKind.TEXT)


@dataclass(slots=True)
class _Field:
    """A field whose end was not seen yet."""

    raw: str = ""
    depth: int = 0


@dataclass(slots=True)
class _Reader:
    """Makes a content of runs and of what stands between them."""

    look: str
    pieces: list[str | InlineCode] = field(default_factory=list)
    inner: list[list[Token]] = field(default_factory=list)
    _open: str | None = None
    """Properties of the run that differs, while its text is read."""
    _field: _Field = field(default_factory=_Field)

    def take(self, token: Token, whole: list[Token] | None) -> None:
        """Add a run or what stands between two runs."""
        if whole is not None and token.name == "w:r" and self._take_field(whole):
            return
        if self._field.depth:
            self._field.raw += join_raw(whole or [token])
        elif whole is not None and token.name == "w:r":
            self._take_run(whole)
        elif token.name not in _DROPPED:
            self._close_run()
            kinds = {TokenKind.START: CodeKind.OPEN, TokenKind.END: CodeKind.CLOSE}
            is_whole = whole is not None and token.name.startswith("m:")
            kind = CodeKind.PLACEHOLDER if is_whole else CodeKind.SINGLE
            kind = kind if whole is not None else kinds.get(token.kind, kind)
            self._add_between(join_raw(whole or [token]), kind)

    def finish(self) -> Content:
        """The content of all that was taken."""
        self._close_run()
        if self._field.raw:
            self._add_between(self._field.raw, CodeKind.SINGLE)
        return tidy_content(tuple(self.pieces))

    def _take_field(self, run: list[Token]) -> bool:
        """Add a run to a field; tells whether it belongs to one."""
        kinds = [
            token.attributes.get("w:fldCharType", "")
            for token in run
            if token.name == "w:fldChar" and token.kind is not TokenKind.END
        ]
        if not kinds and not self._field.depth:
            return False
        self._close_run()
        self._field.raw += join_raw(run)
        self._field.depth += kinds.count("begin") - kinds.count("end")
        if self._field.depth <= 0:
            self._add_between(self._field.raw, CodeKind.PLACEHOLDER)
            self._field = _Field()
        return True

    def _take_run(self, run: list[Token]) -> None:
        if not any(token.raw for token in _texts(run)):
            self._take_silent(run)
            return
        look = _read_look(run)
        if self._open is not None and _normal(look) != _normal(self._open):
            self._close_run()
        if self._open is None and _normal(look) != _normal(self.look):
            raw = f"{_end()}{_begin(look)}"
            self.pieces.append(InlineCode(raw, CodeKind.OPEN))
            self._open = look
        for token, whole in join_elements(run[1:-1], lambda _: True):
            self._take_child(token, whole or [token])

    def _take_silent(self, run: list[Token]) -> None:
        """Add a run without text: a break, a picture, the mark of a note."""
        if all(token.name in {*_DROPPED, "w:r"} for token in run):
            return
        self._close_run()
        self._add_between(self._hide(run), CodeKind.SINGLE)

    def _take_child(self, token: Token, whole: list[Token]) -> None:
        if token.name == "w:rPr" or token.name in _DROPPED:
            return
        if token.name == "w:t":
            for text in whole:
                if text.kind is TokenKind.TEXT:
                    self.pieces += decode_text(text.raw, has_space=True)
        elif token.kind is TokenKind.TEXT:
            return  # white space between elements
        else:
            raw = f"{_TEXT_END}{self._hide(whole)}{_TEXT_START}"
            self.pieces.append(InlineCode(raw))

    def _hide(self, tokens: list[Token]) -> str:
        """The text of elements, or a number for those with paragraphs of their own."""
        if all(token.name != "w:p" for token in tokens):
            return join_raw(tokens)
        self.inner.append(tokens)
        return f"\0{len(self.inner) - 1}\0"

    def _close_run(self) -> None:
        if self._open is not None:
            raw = f"{_end()}{_begin(self.look)}"
            self.pieces.append(InlineCode(raw, CodeKind.CLOSE))
            self._open = None

    def _add_between(self, raw: str, kind: CodeKind) -> None:
        """Add what stands between two runs."""
        self.pieces.append(InlineCode(f"{_end()}{raw}{_begin(self.look)}", kind))
