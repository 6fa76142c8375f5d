"""Which formats there are, and which one a file has."""

from importlib import import_module
from pathlib import Path

from polyspec.documents.interfaces import Document, DocumentFormat, ReadOptions
from polyspec.documents.plain_text import cannot_read, open_bytes
from polyspec.errors import UsageError

_HEAD_BYTES = 4096
_CLASSES = {
    "text": "text.PlainText",
    "srt": "srt.Srt",
    "vtt": "webvtt.WebVtt",
    "ass": "ass.Ass",
    "html": "html.Html",
    "markdown": "markdown.Markdown",
    "json": "json.Json",
    "jsonl": "json.JsonLines",
    "yaml": "yaml.Yaml",
    "properties": "properties.Properties",
    "strings": "apple_strings.AppleStrings",
    "csv": "csv.Csv",
    "tsv": "csv.Tsv",
    "po": "po.Po",
    "xliff": "xliff.Xliff",
    "tmx": "tmx.Tmx",
    "android": "android.Android",
    "docx": "docx.Docx",
    "odt": "odt.Odt",
    "epub": "epub.Epub",
}
"""Imported when needed, so that a text does not load the parsers of all others."""


def format_names() -> tuple[str, ...]:
    """What `--format` takes."""
    return tuple(_CLASSES)


def all_formats() -> tuple[DocumentFormat, ...]:
    """Every format, the plainest first."""
    return tuple(map(find_format, _CLASSES))


def find_format(name: str) -> DocumentFormat:
    """The format of this name or with this extension.

    Raises:
        UsageError: There is none.
    """
    wanted = name.lower().removeprefix(".")
    if wanted in _CLASSES:
        return _load(wanted)
    for known in map(_load, _CLASSES):
        if f".{wanted}" in known.extensions:
            return known
    raise UsageError(
        f"there is no document format {name!r}",
        cause=f"the formats are {', '.join(_CLASSES)}",
        remedy="see polyspec formats",
    )


def detect_format(path: Path) -> DocumentFormat:
    """The format that a file seems to have; plain text where nothing is known.

    Raises:
        DocumentError: The file cannot be read.
    """
    return recognise_format(path) or find_format("text")


def recognise_format(path: Path) -> DocumentFormat | None:
    """The format that a file seems to have; None where nothing is known about it.

    Its first bytes decide where they can, then its extension.

    Raises:
        DocumentError: The file cannot be read.
    """
    with open_bytes(path) as stream:
        try:
            head = stream.read(_HEAD_BYTES)
        except OSError as err:
            raise cannot_read(str(path), err) from err
    formats = all_formats()
    named = [known for known in formats if path.suffix.lower() in known.extensions]
    sniffed = [known for known in formats if known.recognises(head)]
    # A document can quote another format; its extension then settles what it is.
    both = [known for known in named if known in sniffed]
    return next(iter([*both, *sniffed, *named]), None)


def open_document(
    path: Path, options: ReadOptions | None = None, format_name: str | None = None
) -> Document:
    """Open a document to be translated.

    Raises:
        DocumentError: It cannot be read or is malformed.
        UsageError: The format or an option is unknown or does not fit.
    """
    known = find_format(format_name) if format_name else detect_format(path)
    return known.open(path, options or ReadOptions())


def _load(name: str) -> DocumentFormat:
    module, _, class_name = _CLASSES[name].partition(".")
    found: DocumentFormat = getattr(
        import_module(f"polyspec.documents.{module}"), class_name
    )()
    return found
