"""Markdown: paragraphs, headings, list items, table cells and HTML blocks.

markdown-it-py (CommonMark with tables and strikethrough) finds the blocks; only the
lines that a block's text stands on are replaced.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from polyspec.documents.encodings import read_whole
from polyspec.documents.html import read_html_parts
from polyspec.documents.interfaces import Content, Document, InlineCode, ReadOptions
from polyspec.documents.markdown_inline import read_inline
from polyspec.documents.slots import Part, TextDocument, make_slot
from polyspec.documents.yaml import read_yaml_parts

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_FRONT_MATTER = re.compile(
    r"(---[ \t]*(?:\r\n|\n))(.*?(?:\r\n|\n))((?:---|\.\.\.)[ \t]*(?:\r\n|\n|\Z))",
    re.DOTALL,
)
_FRONT_KEYS = ("title", "subtitle", "description", "summary", "excerpt", "tagline")
_PIPE = re.compile(r"(?<!\\)(?:\\\\)*\|")
_CLOSING = re.compile(r"[ \t]+#+[ \t]*\Z")
_SPECIAL = re.compile(
    r"[*`]|\\(?=[!-/:-@\[-`{-~])|(?<![^\W_])_|_(?![^\W_])|<(?=[A-Za-z/!?])"
    r"|\](?=[(\[:])|&(?=[A-Za-z#][A-Za-z0-9]*;)|~(?=~)"
)
_BLOCK_START = re.compile(r"(\d{1,9})(?=[.)](?:\s|\Z))|(?=[-+](?:\s|\Z)|[#>=]|~~~|:::)")
_WORD_START = re.compile(r"[^\W\d_]")


class Markdown:
    """Manuals and notes."""

    name = "markdown"
    title = "Markdown"
    extensions = (".md", ".markdown", ".mdown", ".mkd")
    limits = (
        "Code, addresses and front matter other than title, description and the like "
        "are left as they are, as is HTML inside lists and quotations. A translated "
        "paragraph is wrapped as wide as it was."
    )
    is_streamed = False

    def recognises(self, head: bytes) -> bool:
        return False

    def open(self, path: Path, options: ReadOptions) -> Document:
        decoded = read_whole(path, options.encoding)
        return TextDocument.of(
            path,
            decoded,
            _read_parts,
        )


def _read_parts(text: str) -> Iterator[Part]:
    front = _FRONT_MATTER.match(text)
    if front is not None:
        yield front.group(1)
        yield from read_yaml_parts(front.group(2), _FRONT_KEYS)
        yield front.group(3)
        text = text[front.end() :]
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    page = _Page(text)
    place = 0
    for block in _find_blocks(page, parser.disable("text_join").parse(text)):
        if block.start < place:
            continue
        yield text[place : block.start]
        yield from block.read(page)
        place = block.end
    yield text[place:]


class _Page:
    """A text and where its lines begin."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = _LINE.findall(text)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def body(self, number: int) -> str:
        """A line without the white space at its end."""
        return self.lines[number].rstrip() if number < len(self.lines) else ""


@dataclass(frozen=True, slots=True)
class _Block:
    """A text of the page and where it stands."""

    start: int
    end: int
    token: Token
    prefix: str = ""
    """What the second line of a paragraph begins with."""
    is_cell: bool = False

    def read(self, page: _Page) -> Iterator[Part]:
        raw = page.text[self.start : self.end]
        if self.token.type == "html_block":
            yield from read_html_parts(raw)
            return
        content = read_inline(self.token.content, self.token.children or [])
        width = max((len(line) for line in raw.splitlines()), default=0)
        newline = "\r\n" if "\r\n" in raw else "\n"
        encode = partial(
            _encode, prefix=f"{newline}{self.prefix}", is_cell=self.is_cell
        )
        if "\n" in raw:
            yield make_slot(raw, content, partial(encode, width=width))
        else:
            yield make_slot(raw, content, encode)


def _find_blocks(page: _Page, tokens: list[Token]) -> Iterator[_Block]:
    row = -1
    cells: Iterator[tuple[int, int]] = iter(())
    for token in tokens:
        if token.type == "tr_open" and token.map:
            row = token.map[0]
            cells = iter(_split_cells(page.body(row)))
        elif token.type == "tr_close":
            row = -1
        elif token.type == "html_block" and token.map and token.level == 0:
            start, end = token.map
            yield _Block(page.starts[start], page.starts[end], token)
        elif token.type == "inline":
            block = (
                _place_text(page, token)
                if row < 0
                else _place_cell(page, row, next(cells, None), token)
            )
            if block is not None:
                yield block


def _place_text(page: _Page, token: Token) -> _Block | None:
    lines = [line.strip() for line in token.content.split("\n")]
    if not token.map or not token.content.strip():
        return None
    first = token.map[0]
    columns = [
        _find_column(page.body(first + index), line) for index, line in enumerate(lines)
    ]
    if None in columns:
        return None
    start = page.starts[first] + (columns[0] or 0)
    last = first + len(lines) - 1
    end = page.starts[last] + (columns[-1] or 0) + len(lines[-1])
    prefix = page.lines[first + 1][: columns[1]] if len(lines) > 1 else ""
    return _Block(start, end, token, prefix)


def _find_column(body: str, text: str) -> int | None:
    """Where a text stands in its line: at its end, but for the end of a heading."""
    for line in (body, _CLOSING.sub("", body)):
        if line.endswith(text):
            return len(line) - len(text)
    found = body.find(text)
    return None if found < 0 else found


def _split_cells(body: str) -> list[tuple[int, int]]:
    """Where the cells of a table's row begin and end."""
    pipes = [match.end() - 1 for match in _PIPE.finditer(body)]
    has_first = bool(pipes) and not body[: pipes[0]].strip("> \t")
    edges = pipes[1:] if has_first else pipes
    starts = [pipes[0] + 1 if has_first else 0, *(edge + 1 for edge in edges)]
    return list(zip(starts, [*edges, len(body)], strict=True))


def _place_cell(
    page: _Page, row: int, cell: tuple[int, int] | None, token: Token
) -> _Block | None:
    if cell is None or not token.content.strip():
        return None
    raw = page.body(row)[: cell[1]].rstrip()
    text = token.content.replace("|", r"\|")
    if not raw.endswith(text) or len(raw) - len(text) < cell[0]:
        return None
    end = page.starts[row] + len(raw)
    return _Block(end - len(text), end, token, is_cell=True)


def _encode(content: Content, *, prefix: str, is_cell: bool, width: int = 0) -> str:
    """A paragraph as it stands in the file, wrapped if a width is given."""
    pieces = []
    for index, piece in enumerate(content):
        if isinstance(piece, InlineCode):
            # A break in a code goes on with what the blocks around it need.
            raw = prefix.join(part.lstrip() for part in piece.raw.split("\n"))
            pieces.append(raw if "\n" in piece.raw else piece.raw)
        else:
            pieces.append(_escape(piece, is_start=index == 0))
    if is_cell:
        return "".join(pieces).replace(r"\|", "|").replace("|", r"\|")
    return _wrap(pieces, content, width, prefix) if width else "".join(pieces)


def _escape(text: str, *, is_start: bool) -> str:
    text = _SPECIAL.sub(lambda match: f"\\{match.group()}", " ".join(text.split("\n")))
    if is_start:
        text = (
            _BLOCK_START.sub(lambda match: f"{match.group(1) or ''}\\", text, 1)
            if (_BLOCK_START.match(text))
            else text
        )
    return text


def _wrap(pieces: list[str], content: Content, width: int, prefix: str) -> str:
    """Lines of at most `width`, broken only before words that begin no block."""
    hidden = "".join(
        piece.replace(" ", "\0") if isinstance(part, InlineCode) else piece
        for piece, part in zip(pieces, content, strict=True)
    )
    lines, line = [], ""
    for word in hidden.split(" "):
        is_full = len(line) + len(word) + 1 > width
        if line and is_full and _WORD_START.match(word):
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return prefix.join([*lines, line]).replace("\0", " ")
