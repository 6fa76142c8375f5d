"""Documents that are zip archives: some members are texts, the others are copied.

An archive is never unpacked to disc. One that would grow out of all proportion, has
names that lead out of it, or is encrypted is refused before anything of it is read.
"""

import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TypeAlias

from polyspec.documents.encodings import MAX_WHOLE_BYTES, decode_whole
from polyspec.documents.interfaces import Segment, Translate
from polyspec.documents.plain_text import open_bytes
from polyspec.documents.slots import Part, SegmentCounter, fill_parts, list_segments
from polyspec.documents.xml_tokens import find_xml_encoding
from polyspec.errors import DocumentError

FindMembers: TypeAlias = Callable[[zipfile.ZipFile], list[str]]
"""The names of the members with text, in reading order."""
ReadMember: TypeAlias = Callable[[str, str], Iterable[Part]]
"""From the name and the text of a member to its parts."""

_MAX_BYTES = 1 << 30
_MAX_MEMBERS = 20_000
_MAX_RATIO = 1_100
"""Deflate packs at most 1,032 to 1, so more is a lie; see also `_MAX_TEXT_RATIO`."""
_MAX_TEXT_RATIO = 250
_RATIO_FROM = 1 << 20
"""Small members may be of one letter."""
_ZIP64 = 1


class ArchiveDocument:
    """A zip archive whose members of XML are translated.

    Args:
        path: Of the archive.
        find_members: Tells which members hold text.
        read_member: Gives the parts of one of them.
    """

    notes: tuple[str, ...] = ()

    def __init__(
        self, path: Path, find_members: FindMembers, read_member: ReadMember
    ) -> None:
        self._path = path
        self._find_members = find_members
        self._read_member = read_member

    def segments(self) -> Iterator[Segment]:
        """The segments of all members in reading order."""
        counter = SegmentCounter()
        with open_archive(self._path) as archive:
            for name in self._find_members(archive):
                text, _, _ = self._decode(archive, name)
                yield from list_segments(self._read_member(name, text), counter)

    def write(self, output: BinaryIO, translate: Translate) -> None:
        """Write the archive with its members in their order."""
        counter = SegmentCounter()
        with open_archive(self._path) as archive:
            changed: dict[str, bytes] = {}
            for name in self._find_members(archive):
                text, encoding, mark = self._decode(archive, name)
                parts = self._read_member(name, text)
                new = "".join(fill_parts(parts, translate, counter))
                if new != text:
                    data = new.encode(encoding, "xmlcharrefreplace")
                    changed[name] = mark + data
            _write_archive(archive, changed, output)

    def _decode(self, archive: zipfile.ZipFile, name: str) -> tuple[str, str, bytes]:
        """Text, encoding and byte order mark of a member."""
        decoded = decode_whole(
            read_member(archive, name),
            f"{name} in {self._path}",
            find_declared=find_xml_encoding,
        )
        encoding = decoded.choice.encoding
        mark = "\ufeff".encode(encoding) if decoded.choice.has_mark else b""
        return decoded.text, encoding, mark


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive that was found harmless.

    Raises:
        DocumentError: It cannot be read, is damaged, or is not harmless.
    """
    with open_bytes(path) as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                _require_harmless(archive, path)
                yield archive
        except (
            zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError,
            RuntimeError, OSError, ValueError, OverflowError,
        ) as err:  # fmt: skip
            raise DocumentError(
                f"cannot read {path}",
                cause=f"as an archive it is damaged: {err or type(err).__name__}",
                remedy="open it in its program and save it again",
            ) from err


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """The bytes of a member with text.

    Raises:
        DocumentError: There is none, or it is too large.
    """
    try:
        info = archive.getinfo(name)
    except KeyError as err:
        raise DocumentError(
            "the document is incomplete",
            cause=f"{name} is missing in it",
            remedy="open it in its program and save it again",
        ) from err
    if info.file_size > MAX_WHOLE_BYTES:
        raise _refuse(f"{name} in it is over {MAX_WHOLE_BYTES >> 20} MiB")
    return archive.read(info)


def _require_harmless(archive: zipfile.ZipFile, path: Path) -> None:
    infos = archive.infolist()
    if len(infos) > _MAX_MEMBERS:
        raise _refuse(f"it has over {_MAX_MEMBERS} members")
    if sum(info.file_size for info in infos) > _MAX_BYTES:
        raise _refuse(f"unpacked it is over {_MAX_BYTES >> 30} GiB")
    names = set()
    for info in infos:
        _require_plain_name(info.filename)
        if info.filename in names:
            raise _refuse(f"{info.filename} stands in it twice")
        names.add(info.filename)
        if info.flag_bits & 1:
            raise DocumentError(
                f"cannot read {path}",
                cause=f"{info.filename} in it is encrypted",
                remedy="save it without a password",
            )
        is_text = info.filename.endswith((".xml", ".xhtml", ".html", ".ncx", ".opf"))
        limit = _MAX_TEXT_RATIO if is_text else _MAX_RATIO
        is_large = info.file_size > _RATIO_FROM
        if is_large and info.file_size > limit * max(1, info.compress_size):
            raise _refuse(f"{info.filename} in it grows more than {limit} times")


def _require_plain_name(name: str) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or name[1:2] == ":":
        raise _refuse(f"the name {name!r} leads out of it")


def _refuse(cause: str) -> DocumentError:
    return DocumentError(
        "the document is not safe to open",
        cause=cause,
        remedy="get it from somewhere else, or save it anew in its program",
    )


def _write_archive(
    archive: zipfile.ZipFile, changed: dict[str, bytes], output: BinaryIO
) -> None:
    with zipfile.ZipFile(output, "w") as new:
        new.comment = archive.comment
        for info in archive.infolist():
            copy = _copy_info(info)
            if info.filename in changed:
                new.writestr(copy, changed[info.filename])
            elif info.is_dir():
                # Empty, but read, so that a damaged one is noticed.
                new.writestr(copy, archive.read(info))
            else:
                with archive.open(info) as source, new.open(copy, "w") as target:
                    shutil.copyfileobj(source, target)


def _copy_info(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """What an archive says of a member besides its size."""
    copy = zipfile.ZipInfo(info.filename, info.date_time)
    copy.compress_type = info.compress_type
    copy.create_system = info.create_system
    copy.external_attr = info.external_attr
    copy.comment = info.comment
    copy.extra = _without_sizes(info.extra)
    # Known in advance, so that a large member is given a large header.
    copy.file_size = info.file_size
    return copy


def _without_sizes(extra: bytes) -> bytes:
    """The extra fields of a member but for its sizes, which are written anew."""
    kept, place = b"", 0
    while place + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, place)
        if kind != _ZIP64:
            kept += extra[place : place + 4 + size]
        place += 4 + size
    return kept
