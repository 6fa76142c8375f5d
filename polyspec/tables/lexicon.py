"""Bilingual lexicons: which words of a language translate which of another.

docs/table-format.md describes the file.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from polyspec.errors import ModelError, TableFormatError
from polyspec.gguf_header import GgufHeader, read_gguf_header
from polyspec.tables.container import (
    F32,
    U32,
    U64,
    join_parts,
    number,
    numbers,
    text,
    texts,
    write_whole,
)
from polyspec.tables.format import Corpus, Fields

ARCHITECTURE = "bilingual-lexicon"
VERSION = 1
Entries: TypeAlias = Mapping[str, Sequence[tuple[str, float]]]
"""Folded source word to its translations with their rates, the commonest first."""
_TENSOR = "entries"
_BYTES_KIND = 24
_MAX_TEXT_BYTES = 64 << 20
_LEVEL = 19
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class LexiconInfo:
    """What a lexicon says about itself."""

    source: str
    """Language that is translated from, ISO 639-3."""
    target: str
    """Language that is translated into, ISO 639-3."""
    corpora: tuple[Corpus, ...]
    num_pairs: int
    """Sentence pairs it was counted from."""
    words_per_word: float
    """Words that a translation has for each of its source."""
    build_arguments: str
    """JSON: what building it again takes."""
    weights: tuple[float, ...] = ()
    """Of the drafter's scores, fitted on held-out pairs; empty where they were not."""
    gain: float = 0.0
    """Speed-up over the table alone on held-out pairs; 0 where it was not measured."""
    num_words: int = 0
    """Source words."""
    num_entries: int = 0
    """Pairs of a source word and a translation."""
    checksum: str = ""
    """SHA-256, in hex, over the tensor data."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """A lexicon in memory."""

    info: LexiconInfo
    _lines: Mapping[str, str] = field(repr=False)
    """Source word to `target TAB percent TAB target TAB percent ...`."""

    def look_up(self, word: str) -> list[tuple[str, float]]:
        """Translations of a word, folded as `words.fold_source` does, with rates.

        A rate is how often a translation was written for an occurrence of the word.
        """
        line = self._lines.get(word)
        if line is None:
            return []
        fields = line.split("\t")
        return [
            (target, min(_PERCENT, int(percent)) / _PERCENT)
            for target, percent in zip(fields[::2], fields[1::2], strict=False)
            if target and percent.isascii() and percent.isdigit()
        ]


def make_lexicon(info: LexiconInfo, entries: Entries) -> Lexicon:
    """A lexicon from its entries, without a file."""
    lines = {word: _join(translations) for word, translations in entries.items()}
    return Lexicon(info, lines)


def write_lexicon(path: Path, info: LexiconInfo, entries: Entries) -> LexiconInfo:
    """Write a lexicon whole or not at all; return what it says of itself.

    Raises:
        TableError: It cannot be written there.
    """
    info = replace(
        info, num_words=len(entries), num_entries=sum(map(len, entries.values()))
    )
    write_whole(path, to_bytes(info, entries), "lexicon")
    return read_lexicon_header(path)[1]


def to_bytes(info: LexiconInfo, entries: Entries) -> bytes:
    """The content of a lexicon file."""
    import zstandard

    lines = "".join(f"{word}\t{_join(entries[word])}\n" for word in sorted(entries))
    raw = lines.encode()
    packed = zstandard.ZstdCompressor(level=_LEVEL).compress(raw)
    metadata = [
        text("general.architecture", ARCHITECTURE),
        text("general.name", f"{info.source}-{info.target} lexicon"),
        number("lexicon.version", U32, VERSION),
        text("lexicon.source", info.source),
        text("lexicon.target", info.target),
        texts("lexicon.corpus.names", [corpus.name for corpus in info.corpora]),
        texts("lexicon.corpus.licences", [corpus.licence for corpus in info.corpora]),
        number("lexicon.corpus.num_pairs", U64, info.num_pairs),
        number("lexicon.words_per_word", F32, info.words_per_word),
        text("lexicon.build_arguments", info.build_arguments),
        numbers("lexicon.weights", F32, info.weights),
        number("lexicon.gain", F32, info.gain),
        number("lexicon.num_words", U32, info.num_words),
        number("lexicon.num_entries", U32, info.num_entries),
        number("lexicon.text_bytes", U64, len(raw)),
    ]
    tensor = np.frombuffer(packed, np.dtype("<u1"))
    return join_parts(metadata, "lexicon.checksum", {_TENSOR: tensor})


def _join(translations: Iterable[tuple[str, float]]) -> str:
    return "\t".join(
        f"{target}\t{max(1, round(rate * _PERCENT))}" for target, rate in translations
    )


def refuse(path: Path, cause: str, remedy: str = "") -> TableFormatError:
    """Make the error for a lexicon that cannot be used."""
    return TableFormatError(
        f"the lexicon {path} cannot be used",
        cause=cause,
        remedy=remedy or "build it again with: polyspec tables lexicon",
    )


def read_lexicon(path: Path) -> Lexicon:
    """Read a lexicon.

    Raises:
        TableFormatError: Not a lexicon, damaged, or newer.
    """
    header, info = read_lexicon_header(path)
    lines: dict[str, str] = {}
    for line in _unpack(path, header, info).split("\n"):
        word, _, rest = line.partition("\t")
        if rest:
            lines[word] = rest
    return Lexicon(info, lines)


def read_lexicon_header(path: Path) -> tuple[GgufHeader, LexiconInfo]:
    """The checked header of a lexicon and what it says.

    Raises:
        TableFormatError: Not a lexicon, cut off, contradicting itself, or newer.
    """
    try:
        header = read_gguf_header(path)
    except ModelError as error:
        raise refuse(path, error.cause) from error
    if header.architecture != ARCHITECTURE:
        raise refuse(
            path, f"it is a GGUF file of the kind {header.architecture!r}, no lexicon"
        )
    fields = Fields(path, header.metadata, refuse)
    version = fields.integer("lexicon.version")
    if version > VERSION:
        raise refuse(
            path,
            f"it has version {version}, newer than version {VERSION}",
            "update polyspec",
        )
    return header, _read_info(fields)


def _read_info(fields: Fields) -> LexiconInfo:
    names, licences = (
        fields.texts(f"lexicon.corpus.{key}") for key in ("names", "licences")
    )
    if len(names) != len(licences):
        raise refuse(fields.path, "its lists of texts and licences differ in length")
    words_per_word = fields.number("lexicon.words_per_word")
    weights = fields.numbers("lexicon.weights")
    if not 0.01 <= words_per_word <= 100 or not np.isfinite(weights).all():
        raise refuse(fields.path, "its numbers are out of range")
    return LexiconInfo(
        source=fields.text("lexicon.source"),
        target=fields.text("lexicon.target"),
        corpora=tuple(Corpus(*pair) for pair in zip(names, licences, strict=True)),
        num_pairs=fields.integer("lexicon.corpus.num_pairs"),
        words_per_word=words_per_word,
        build_arguments=fields.text("lexicon.build_arguments"),
        weights=weights,
        gain=fields.number("lexicon.gain"),
        num_words=fields.integer("lexicon.num_words"),
        num_entries=fields.integer("lexicon.num_entries"),
        checksum=fields.text("lexicon.checksum"),
    )


def _unpack(path: Path, header: GgufHeader, info: LexiconInfo) -> str:
    """Return the entries, checked against checksum and announced size."""
    import zstandard

    size = Fields(path, header.metadata, refuse).integer("lexicon.text_bytes")
    tensor = next((t for t in header.tensors if t.name == _TENSOR), None)
    if tensor is None or tensor.kind != _BYTES_KIND or size > _MAX_TEXT_BYTES:
        raise refuse(path, "its entries are missing or too large")
    with path.open("rb") as file:
        file.seek(header.data_offset)
        data = file.read()
    digest = hashlib.sha256(data).hexdigest()
    if digest != info.checksum:
        raise refuse(path, f"its SHA-256 is {digest}, {info.checksum} was written")
    packed = data[tensor.offset : tensor.offset + tensor.size_bytes]
    try:
        reader = zstandard.ZstdDecompressor().stream_reader(packed)
        raw = reader.read(size + 1)
        if len(raw) != size:
            raise refuse(path, f"its entries are not {size} bytes long")
        return raw.decode()
    except (zstandard.ZstdError, UnicodeDecodeError) as error:
        raise refuse(path, str(error)) from error
