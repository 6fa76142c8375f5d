"""Plain text: each line is a segment."""

from collections.abc import Iterator
from pathlib import Path

from polyspec.documents.interfaces import Content, Document, ReadOptions
from polyspec.documents.slots import Part, join_content, make_slot
from polyspec.documents.streamed_text import cut_end, open_streamed, split_lines


class PlainText:
    """Lines of text without any markup."""

    name = "text"
    title = "plain text"
    extensions = (".txt", ".text", ".log")
    limits = "A line is a segment, so a sentence must not run over two lines."
    is_streamed = True

    def recognises(self, head: bytes) -> bool:
        return False

    def open(self, path: Path, options: ReadOptions) -> Document:
        return open_streamed(path, options, _read_parts)


def _read_parts(chunks: Iterator[str]) -> Iterator[Part]:
    is_continued = False
    for line in split_lines(chunks, has_cuts=True):
        body, end = cut_end(line)
        text = body.strip()
        if not text:
            yield line
            is_continued = False
            continue
        start = len(body) - len(body.lstrip())
        yield body[:start]
        yield make_slot(text, (text,), _join_lines, is_continued=is_continued)
        yield body[start + len(text) :] + end
        is_continued = True


def _join_lines(content: Content) -> str:
    return join_content(content, lambda text: " ".join(text.splitlines()))
