"""What a table file holds: names, widths, and what it says about itself.

docs/table-format.md describes every field.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from polyspec.errors import ModelError, TableFormatError
from polyspec.gguf_header import (
    GgufHeader,
    MetadataValue,
    StringArray,
    read_gguf_header,
)

ARCHITECTURE = "ngram-table"
VERSION = 1
MAX_CONTEXT = 8
MAX_EDGES = 8
VOCABULARY = "vocabulary"
STATE_TOKEN = "state.token"
STATE_FIRST_CHILD = "state.first_child"
STATE_FIRST_EDGE = "state.first_edge"
EDGE_TOKEN = "edge.token"
EDGE_PROBABILITY = "edge.probability"
EDGE_NEXT = "edge.next"
REQUIRED = (
    VOCABULARY,
    STATE_TOKEN,
    STATE_FIRST_CHILD,
    EDGE_TOKEN,
    EDGE_PROBABILITY,
    EDGE_NEXT,
)
KINDS: dict[int, np.dtype[Any]] = {
    24: np.dtype("<u1"),
    25: np.dtype("<u2"),
    26: np.dtype("<u4"),
}
"""ggml's number of a type, and how a table reads it: always without a sign."""
BUILD_AGAIN = "build it again with: polyspec tables build"


@dataclass(frozen=True, slots=True)
class Corpus:
    """One text that a table was counted from."""

    name: str
    licence: str


@dataclass(frozen=True, slots=True)
class TableInfo:
    """What a table says about itself."""

    language: str
    """ISO 639-3."""
    fingerprint: str
    """Of the tokenizer, as `gguf_header.tokenizer_fingerprint` gives it."""
    vocabulary_size: int
    """Number of tokens of the tokenizer."""
    corpora: tuple[Corpus, ...]
    num_corpus_tokens: int
    pruning: str
    """How the kept contexts were chosen, in words."""
    build_arguments: str
    """JSON: what building the table again takes."""
    start_id: int | None = None
    """The token that stands for the start of a line in contexts."""
    calibration: tuple[tuple[float, float], ...] = ()
    """Estimated and observed probability of held-out tokens, both rising."""
    calibration_error: float = 0.0
    """Mean distance of promised from observed on held-out text, `0..1`."""
    states_per_order: tuple[int, ...] = ()
    """Number of kept contexts of 0, 1, 2, ... tokens."""
    checksum: str = ""
    """SHA-256, in hex, over the tensor data."""

    @property
    def max_order(self) -> int:
        """Most tokens of a context."""
        return len(self.states_per_order) - 1

    @property
    def num_states(self) -> int:
        return sum(self.states_per_order)


def refuse(path: Path, cause: str, remedy: str = BUILD_AGAIN) -> TableFormatError:
    """Make the error for a table that cannot be used."""
    return TableFormatError(
        f"the table {path} cannot be used", cause=cause, remedy=remedy
    )


def read_table_header(path: Path) -> tuple[GgufHeader, TableInfo]:
    """The checked header of a table and what it says.

    Raises:
        TableFormatError: Not a table, cut off, contradicting itself, or newer.
    """
    try:
        header = read_gguf_header(path)
    except ModelError as error:
        raise refuse(path, error.cause) from error
    if header.architecture != ARCHITECTURE:
        raise refuse(
            path,
            f"it is a GGUF file of the kind {header.architecture!r}, not a table",
            "pass a file made by: polyspec tables build",
        )
    version = header.integer("table.version")
    if version is None or version < 1:
        raise refuse(path, "it does not say its version (table.version)")
    if version > VERSION:
        raise refuse(
            path,
            f"it has version {version}, newer than version {VERSION}",
            "update polyspec",
        )
    return header, _read_info(path, header.metadata)


def _read_info(path: Path, metadata: Mapping[str, MetadataValue]) -> TableInfo:
    fields = Fields(path, metadata)
    names, licences = (
        fields.texts(f"table.corpus.{key}") for key in ("names", "licences")
    )
    estimated, observed = (
        fields.numbers(f"table.calibration.{key}") for key in ("estimated", "observed")
    )
    if len(names) != len(licences) or len(estimated) != len(observed):
        raise refuse(path, "corpus or calibration lists differ in length")
    return TableInfo(
        language=fields.text("table.language"),
        fingerprint=fields.text("table.tokenizer.fingerprint"),
        vocabulary_size=fields.integer("table.tokenizer.vocabulary_size"),
        corpora=tuple(Corpus(*pair) for pair in zip(names, licences, strict=True)),
        num_corpus_tokens=fields.integer("table.corpus.num_tokens"),
        pruning=fields.text("table.pruning"),
        build_arguments=fields.text("table.build_arguments"),
        start_id=(
            fields.integer("table.start_token")
            if "table.start_token" in metadata
            else None
        ),
        calibration=tuple(zip(estimated, observed, strict=True)),
        calibration_error=fields.number("table.calibration.error"),
        states_per_order=fields.states_per_order(),
        checksum=fields.text("table.checksum"),
    )


@dataclass(frozen=True, slots=True)
class Fields:
    """Metadata by key; what is missing or of another type is an error."""

    path: Path
    metadata: Mapping[str, MetadataValue]
    refuse: Callable[[Path, str], TableFormatError] = refuse

    def text(self, key: str) -> str:
        value = self.metadata.get(key)
        if not isinstance(value, str):
            raise self.refuse(self.path, f"{key} is missing or no text")
        return value

    def integer(self, key: str) -> int:
        value = self.metadata.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.refuse(self.path, f"{key} is missing or no whole number")
        return value

    def number(self, key: str) -> float:
        value = self.metadata.get(key)
        if not isinstance(value, float):
            raise self.refuse(self.path, f"{key} is missing or no number")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.metadata.get(key)
        if not isinstance(values, StringArray):
            raise self.refuse(self.path, f"{key} is missing or no list of texts")
        return tuple(value.decode("utf-8", "replace") for value in values)

    def numbers(self, key: str) -> tuple[float, ...]:
        values = self.metadata.get(key)
        if not isinstance(values, np.ndarray):
            raise self.refuse(self.path, f"{key} is missing or no list of numbers")
        return tuple(float(value) for value in values)

    def states_per_order(self) -> tuple[int, ...]:
        key = "table.states_per_order"
        values = self.metadata.get(key)
        if not isinstance(values, np.ndarray) or values.dtype != np.dtype("<u4"):
            raise refuse(self.path, f"{key} is missing or no list of counts")
        counts = tuple(int(value) for value in values[: MAX_CONTEXT + 2])
        if not 2 <= len(counts) <= MAX_CONTEXT + 1 or counts[0] != 1:
            raise refuse(
                self.path,
                f"{key} is {counts}: 1 state of no token and then contexts of up to "
                f"1 to {MAX_CONTEXT} tokens may be",
            )
        return counts
