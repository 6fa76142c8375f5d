"""In which encoding a file is, and its text.

A byte order mark decides, then what the format declares, then UTF-8 if the bytes are
valid in it, then a guess by charset-normalizer, which is told to the user.
"""

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from polyspec.documents.plain_text import (
    cannot_read,
    find_mark,
    open_bytes,
    require_encoding,
)
from polyspec.errors import DocumentError

MAX_WHOLE_BYTES = 64 << 20
"""Largest document of a format that has to be held in memory."""
SAMPLE_BYTES = 1 << 16
_REMEDY = "name its encoding, for example --encoding latin-1"

_ORDERED = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}
"""Encodings that need a mark, and what they are without one."""

FindDeclared: TypeAlias = Callable[[bytes], str | None]
"""From the first bytes of a file to the encoding they name, if any."""


@dataclass(frozen=True, slots=True)
class EncodingChoice:
    """How the bytes of a file are read."""

    encoding: str
    has_mark: bool = False
    """A byte order mark comes first; it is no part of the text."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A whole text and how its bytes are made from it again."""

    text: str
    choice: EncodingChoice


def declares_nothing(_head: bytes) -> str | None:
    """Find no encoding: for formats that cannot name one."""
    return None


def read_whole(
    path: Path,
    encoding: str | None = None,
    find_declared: FindDeclared = declares_nothing,
) -> DecodedText:
    """The text of a file that is held in memory.

    Raises:
        DocumentError: It cannot be read, is too large, or is no text.
        UsageError: The encoding is unknown.
    """
    return decode_whole(read_bytes(path), str(path), encoding, find_declared)


def read_bytes(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        DocumentError: It cannot be read, or is over `MAX_WHOLE_BYTES`.
    """
    with open_bytes(path) as stream:
        try:
            data = stream.read(MAX_WHOLE_BYTES + 1)
        except OSError as err:
            raise cannot_read(str(path), err) from err
    if len(data) > MAX_WHOLE_BYTES:
        raise DocumentError(
            f"cannot read {path}",
            cause=f"it is larger than {MAX_WHOLE_BYTES >> 20} MiB, and a document of "
            "this format has to fit into memory",
            remedy="split it",
        )
    return data


def decode_whole(
    data: bytes,
    name: str,
    encoding: str | None = None,
    find_declared: FindDeclared = declares_nothing,
) -> DecodedText:
    """The text of a document, from all of its bytes; raises as `read_whole` does."""
    choice = choose_encoding(data, name, encoding, find_declared, is_whole=True)
    body = data[len("\ufeff".encode(choice.encoding)) if choice.has_mark else 0 :]
    try:
        text = body.decode(choice.encoding)
        is_kept = text.encode(choice.encoding) == body
    except UnicodeDecodeError as err:
        offset = len(data) - len(body) + err.start
        raise _not_text(name, f"byte {offset} is not valid {choice.encoding}") from err
    except UnicodeError as err:
        raise _not_text(name, f"it is not valid {choice.encoding}") from err
    if not is_kept:
        raise _not_text(name, f"its bytes are not kept by {choice.encoding}")
    if "\0" in text:
        raise _not_text(name, "there is a NUL character in it: it looks like a binary")
    return DecodedText(text, choice)


def choose_encoding(
    data: bytes,
    name: str,
    encoding: str | None = None,
    find_declared: FindDeclared = declares_nothing,
    *,
    is_whole: bool = False,
) -> EncodingChoice:
    """How a document is to be decoded, judged by its first bytes or by all of them.

    Raises:
        DocumentError: It is no text, or mixes encodings.
        UsageError: The encoding is unknown.
    """
    named = _without_mark(require_encoding(encoding or "utf-8"))
    mark = find_mark(data, named)
    if mark is not None:
        return EncodingChoice(mark, has_mark=True)
    if encoding is not None:
        return EncodingChoice(_require_stateless(_ORDERED.get(named, named), name))
    declared = _look_up(find_declared(data[:SAMPLE_BYTES]))
    if declared is not None and declared != "utf-8":
        return EncodingChoice(_require_stateless(declared, name))
    wrong = _find_wrong_byte(data, is_whole)
    if wrong is None:
        return EncodingChoice("utf-8")
    if declared is not None or _is_mostly_utf8(data):
        raise _not_text(name, f"byte {wrong} is not valid UTF-8, though the rest is")
    return _guess(data, name)


def _without_mark(encoding: str) -> str:
    """The encoding itself, where a name says that a mark comes first."""
    return encoding.removesuffix("-sig")


def _require_stateless(encoding: str, name: str) -> str:
    """Refuse an encoding in which the bytes of a text depend on what comes before."""
    if encoding.startswith(("iso2022", "utf-7", "hz")):
        raise _not_text(name, f"{encoding} texts cannot be put together from pieces")
    return encoding


def _look_up(name: str | None) -> str | None:
    """The standard name of a declared encoding; None where Python has none."""
    try:
        found = codecs.lookup(name or "")
        "".encode(found.name)
    except (LookupError, ValueError):
        return None
    # Without a mark, a declaration that can be read rules out UTF-16.
    return None if found.name in _ORDERED else _without_mark(found.name)


def _find_wrong_byte(data: bytes, is_whole: bool) -> int | None:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=is_whole)
    except UnicodeDecodeError as err:
        return err.start
    return None


def _is_mostly_utf8(data: bytes) -> bool:
    """Whether more characters beyond ASCII are valid in UTF-8 than are not."""
    text = data.decode("utf-8", "surrogateescape")
    num_wrong = sum("\udc80" <= char <= "\udcff" for char in text)
    return sum(char > "\x7f" for char in text) - num_wrong > num_wrong


def _guess(data: bytes, name: str) -> EncodingChoice:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:SAMPLE_BYTES]).best()
    if best is None or b"\0" in data[:SAMPLE_BYTES]:
        raise _not_text(name, "it is in no encoding that can be recognised")
    note = f"{name} is read as {best.encoding}, a guess; --encoding names another"
    found = _without_mark(require_encoding(best.encoding))
    return EncodingChoice(_require_stateless(found, name), notes=(note,))


def _not_text(name: str, cause: str) -> DocumentError:
    return DocumentError(f"cannot read {name}", cause=cause, remedy=_REMEDY)
