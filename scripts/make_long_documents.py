"""Make a PO file of 300 messages and a book of 60 pages out of plain sentences.

    python scripts/make_long_documents.py sentences.txt FOLDER

The sentences, one a line, are those of any text. A fifth of the messages has a
placeholder or markup, as programs have them. A page has 250 words. With `--changed 0.2`
a fifth of the messages and paragraphs, spread evenly, has another word in one place, as
in a later version of the documents.
"""

import argparse
import zipfile
from collections.abc import Iterator
from html import escape
from itertools import islice
from pathlib import Path
from random import Random

WORDS_A_PAGE = 250
PAGES_A_CHAPTER = 6
CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="book.opf"
 media-type="application/oebps-package+xml"/></rootfiles></container>
"""
PACKAGE = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">long</dc:identifier><dc:title>A long book</dc:title>
<dc:language>en</dc:language>
<meta property="dcterms:modified">2024-01-01T00:00:00Z</meta></metadata>
<manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml"
 properties="nav"/>{items}</manifest>
<spine>{order}</spine></package>
"""
PAGE = """<?xml version="1.0" encoding="utf-8"?>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">
<head><title>{title}</title></head><body>{body}</body></html>
"""


class Revision:
    """Changes a word in a share of the texts that it is shown, spread evenly."""

    def __init__(self, words: list[str], share: float) -> None:
        self._words = words
        self._share = share
        self._due = 0.0
        self._random = Random(0)

    def apply(self, text: str) -> str:
        """The text, with another word in one place if it is its turn."""
        self._due += self._share
        if self._due < 1:
            return text
        self._due -= 1
        parts = text.split(" ")
        index = self._random.randrange(len(parts))
        parts[index] = self._random.choice(
            [word for word in self._words if word != parts[index]]
        )
        return " ".join(parts)


def make_messages(sentences: list[str], num_messages: int, revision: Revision) -> str:
    """A PO file without translations."""
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n'
    blocks = [head]
    for number, sentence in enumerate(sentences[:num_messages]):
        changed = revision.apply(sentence)
        text = decorate(changed, number).replace("\\", "\\\\").replace('"', '\\"')
        blocks.append(f'#: app.c:{number}\nmsgid "{text}"\nmsgstr ""\n')
    return "\n".join(blocks)


def decorate(sentence: str, number: int) -> str:
    """Markup in every fifth sentence, a placeholder in every fifth other one."""
    words = sentence.split(" ")
    middle = len(words) // 2
    if number % 10 == 3:
        words[middle] = f"<b>{words[middle]}</b>"
    elif number % 10 == 7:
        words.insert(middle, "%s")
    return " ".join(words)


def write_book(
    path: Path, sentences: Iterator[str], num_pages: int, revision: Revision
) -> None:
    """An EPUB of chapters with paragraphs of four sentences."""
    chapters = [
        (f"c{number}.xhtml", make_chapter(number, sentences, PAGES_A_CHAPTER, revision))
        for number in range(1, num_pages // PAGES_A_CHAPTER + 1)
    ]
    items = "".join(
        f'<item id="{name}" href="{name}" media-type="application/xhtml+xml"/>'
        for name, _ in chapters
    )
    order = "".join(f'<itemref idref="{name}"/>' for name, _ in chapters)
    links = "".join(
        f'<li><a href="{name}">Chapter {number}</a></li>'
        for number, (name, _) in enumerate(chapters, 1)
    )
    contents = f'<nav epub:type="toc"><ol>{links}</ol></nav>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        kind = zipfile.ZipInfo("mimetype")
        book.writestr(kind, "application/epub+zip", zipfile.ZIP_STORED)
        book.writestr("META-INF/container.xml", CONTAINER)
        book.writestr("book.opf", PACKAGE.format(items=items, order=order))
        book.writestr("nav.xhtml", PAGE.format(title="Contents", body=contents))
        for name, page in chapters:
            book.writestr(name, page)


def make_chapter(
    number: int, sentences: Iterator[str], num_pages: int, revision: Revision
) -> str:
    """So many pages of paragraphs; every third has a word in italics."""
    paragraphs: list[str] = []
    num_words = 0
    while num_words < num_pages * WORDS_A_PAGE:
        chosen = list(islice(sentences, 4))
        if not chosen:
            raise SystemExit("there are too few sentences for so many pages")
        words = escape(revision.apply(" ".join(chosen))).split(" ")
        num_words += len(words)
        if len(paragraphs) % 3 == 2:
            words[5] = f"<i>{words[5]}</i>"
        paragraphs.append(f"<p>{' '.join(words)}</p>")
    body = f"<h1>Chapter {number}</h1>\n" + "\n".join(paragraphs)
    return PAGE.format(title=f"Chapter {number}", body=body)


def main() -> None:
    """Read the arguments and write both files."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sentences", type=Path, help="a text, one sentence a line")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--messages", type=int, default=300)
    parser.add_argument("--pages", type=int, default=60)
    parser.add_argument("--changed", type=float, default=0.0)
    arguments = parser.parse_args()
    lines = arguments.sentences.read_text(encoding="utf-8").splitlines()
    sentences = [line for line in lines if 4 <= len(line.split()) <= 30]
    words = sorted({word for line in sentences for word in line.split(" ")})
    revision = Revision(words, arguments.changed)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    messages = make_messages(sentences, arguments.messages, revision)
    (arguments.folder / "long.po").write_text(messages, encoding="utf-8")
    rest = iter(sentences[arguments.messages :])
    write_book(arguments.folder / "long.epub", rest, arguments.pages, revision)


if __name__ == "__main__":
    main()
