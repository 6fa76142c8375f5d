import contextlib
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspec.drafting.adapted_table import AdaptedTable
from polyspec.errors import TableError, TableFormatError, TableMismatchError
from polyspec.gguf_header import read_gguf_header
from polyspec.tables.automaton import assemble
from polyspec.tables.format import Corpus, TableInfo, read_table_header
from polyspec.tables.reader import Table
from polyspec.tables.writer import to_bytes, write_table
from tests import gguf_files

INFO = TableInfo(
    language="deu",
    fingerprint="ab" * 32,
    vocabulary_size=500,
    corpora=(Corpus("stories.txt", "CC0-1.0"), Corpus("märchen.txt", "CC-BY-4.0")),
    num_corpus_tokens=2**33,
    pruning="none",
    build_arguments='{"min_count": 2}',
    calibration=((0.25, 0.5), (0.5, 0.75)),
    calibration_error=0.125,
)
AUTOMATON = assemble(
    {
        (): [(7, 0.25), (8, 0.125)],
        (7,): [(300, 0.5)],
        (300,): [(7, 1.0)],
        (7, 300): [(8, 0.75), (7, 0.25)],
    }
)
CONTENT = to_bytes(INFO, AUTOMATON)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "table.gguf"
    path.write_bytes(CONTENT)
    return path


def use(path: Path) -> None:
    """Do everything that can be done with a table."""
    with Table(path) as table:
        for context in ([], [7], [7, 300], [1, 7, 300], [499], [300, 300]):
            state = table.enter(context)
            tokens, probabilities = table.walk(state, 20)
            assert len(tokens) == len(probabilities) == 20
            assert all(0 <= token < 2**32 for token in tokens)
            assert all(0 <= chance <= 1 for chance in probabilities)
            assert 1 <= len(table.edges(state)) <= 8
            assert table.edge(state)[0] == table.edges(state)[0][0]
            for other in table.states(context):
                table.edge(other)
        learning = AdaptedTable(table)
        learning.observe([7, 300], [8, 7, 300, 499, 7])
        learning.walk(learning.enter([7, 300, 8]), 20, 0.0)


def test_what_is_written_is_read_again(path: Path) -> None:
    with Table(path) as table:
        data = CONTENT[read_gguf_header(path).data_offset :]
        assert table.info == replace(
            INFO,
            states_per_order=(1, 2, 1),
            checksum=hashlib.sha256(data).hexdigest(),
        )
        assert table.info.max_order == 2
        assert table.edges(table.enter([7, 300]))[0][0] == 8
        assert table.walk(table.enter([7]), 3)[0] == [300, 8, 7]
        table.verify()


def test_a_table_cut_off_at_any_byte_is_refused(path: Path) -> None:
    for size in range(len(CONTENT)):
        path.write_bytes(CONTENT[:size])
        with pytest.raises(TableFormatError) as raised, Table(path) as table:
            table.verify()
        assert raised.value.cause
        assert raised.value.remedy


@settings(max_examples=400)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(0, 255)),
        min_size=1,
        max_size=4,
    )
)
def test_a_changed_table_is_refused_or_answers_soundly(
    changes: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(CONTENT)
    for place, value in changes:
        content[place] = value
    path = tmp_path_factory.getbasetemp() / "changed.gguf"
    path.write_bytes(content)
    with contextlib.suppress(TableFormatError):
        use(path)


def test_every_single_changed_byte_of_the_data_fails_verification(path: Path) -> None:
    start = read_gguf_header(path).data_offset
    for place in range(start, len(CONTENT)):
        content = bytearray(CONTENT)
        content[place] ^= 0x55
        path.write_bytes(content)
        with pytest.raises(TableFormatError), Table(path) as table:
            table.verify()


def test_a_newer_version_asks_for_an_update(path: Path) -> None:
    key = b"table.version\x04\x00\x00\x00"
    path.write_bytes(CONTENT.replace(key + b"\x01", key + b"\x02"))
    with pytest.raises(TableFormatError) as raised:
        Table(path)
    assert "version 2, newer than version 1" in raised.value.cause
    assert raised.value.remedy == "update polyspec"


def test_a_model_is_no_table(path: Path) -> None:
    path.write_bytes(gguf_files.gguf())
    with pytest.raises(TableFormatError, match="cannot be used") as raised:
        Table(path)
    assert "'llama', not a table" in raised.value.cause


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableFormatError, match=r"absent\.gguf") as raised:
        Table(tmp_path / "absent.gguf")
    assert "no such file" in raised.value.cause


def test_an_unknown_tensor_and_key_are_skipped(path: Path) -> None:
    later = bytearray(CONTENT)
    later[8] += 1
    later[16] += 1
    key = gguf_files.name("table.lexicon.pairs") + gguf_files.scalar(gguf_files.U32, 5)
    end_of_keys = bytes(later).index(gguf_files.name("vocabulary"))
    head, infos = later[:end_of_keys], later[end_of_keys:]
    header = read_gguf_header(path)
    size = sum(-(-t.size_bytes // 32) * 32 for t in header.tensors)
    data = bytes(infos)[-size:]
    infos_only = b"".join(
        gguf_files.tensor(t.name, t.shape, t.kind, t.offset) for t in header.tensors
    ) + gguf_files.tensor("lexicon.source", (8,), 26, size)
    start = bytes(head) + key + infos_only
    path.write_bytes(start + bytes(-len(start) % 32) + data + bytes(32))
    use(path)


def test_another_tokenizer_is_refused_with_both_fingerprints(path: Path) -> None:
    with Table(path) as table:
        table.require_match("ab" * 32, "mine")
        with pytest.raises(TableMismatchError) as raised:
            table.require_match("cd" * 32, "mine")
    assert "ab" * 32 in raised.value.cause
    assert "cd" * 32 in raised.value.cause
    assert "--language deu --model mine" in raised.value.remedy


def test_a_closed_table_cannot_be_used(path: Path) -> None:
    with Table(path) as table:
        pass
    with pytest.raises(ValueError, match="released"):
        table.enter([7])


def test_nothing_is_left_when_writing_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tables" / "table.gguf"
    write_table(path, INFO, AUTOMATON)

    def interrupt(_handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("polyspec.tables.container.os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_table(path, replace(INFO, language="fra"), AUTOMATON)
    assert read_table_header(path)[1].language == "deu"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TableError, match="cannot write the table"):
        write_table(tmp_path / "file" / "table.gguf", INFO, AUTOMATON)
