"""Writing a table file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from polyspec.tables import format as names
from polyspec.tables.automaton import Automaton
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
from polyspec.tables.format import VERSION, TableInfo

_ORDER = (*names.REQUIRED, names.STATE_FIRST_EDGE)


def write_table(path: Path, info: TableInfo, automaton: Automaton) -> None:
    """Write a table whole or not at all.

    Args:
        path: Where it is to be; its folder is made.
        info: What it says about itself; checksum and number of states are filled in.
        automaton: The states.

    Raises:
        TableError: It cannot be written there.
    """
    write_whole(path, to_bytes(info, automaton), "table")


def to_bytes(info: TableInfo, automaton: Automaton) -> bytes:
    """The content of a table file."""
    tensors = {
        name: automaton.tensors[name] for name in _ORDER if name in automaton.tensors
    }
    metadata = list(_metadata(info, automaton.states_per_order))
    return join_parts(metadata, "table.checksum", tensors)


def _metadata(info: TableInfo, states_per_order: Sequence[int]) -> Iterator[bytes]:
    yield text("general.architecture", names.ARCHITECTURE)
    yield text("general.name", f"{info.language} n-gram table")
    yield number("table.version", U32, VERSION)
    yield text("table.language", info.language)
    yield numbers("table.states_per_order", U32, states_per_order)
    yield text("table.pruning", info.pruning)
    yield texts("table.corpus.names", [corpus.name for corpus in info.corpora])
    yield texts("table.corpus.licences", [corpus.licence for corpus in info.corpora])
    yield number("table.corpus.num_tokens", U64, info.num_corpus_tokens)
    yield text("table.tokenizer.fingerprint", info.fingerprint)
    yield number("table.tokenizer.vocabulary_size", U32, info.vocabulary_size)
    yield text("table.build_arguments", info.build_arguments)
    if info.start_id is not None:
        yield number("table.start_token", U32, info.start_id)
    yield numbers(
        "table.calibration.estimated", F32, [pair[0] for pair in info.calibration]
    )
    yield numbers(
        "table.calibration.observed", F32, [pair[1] for pair in info.calibration]
    )
    yield number("table.calibration.error", F32, info.calibration_error)
