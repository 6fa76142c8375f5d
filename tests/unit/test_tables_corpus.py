"""Corpora of every form, sound and damaged, through `read_lines`."""

import gzip
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import zstandard

from polyspec.errors import TableError
from polyspec.tables.corpus import read_lines

OFFLINE = {"autoload_known_extensions": "false"}


def lines_of(path: Path) -> list[str]:
    return list(read_lines(path))


def refused(path: Path) -> TableError:
    with pytest.raises(TableError) as raised:
        lines_of(path)
    assert "\n" not in str(raised.value) + raised.value.cause
    assert raised.value.remedy
    return raised.value


@pytest.fixture
def write_parquet(tmp_path: Path) -> Callable[..., Path]:
    def write(select: str, name: str = "corpus.parquet") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        with duckdb.connect(config=OFFLINE) as database:
            # DuckDB takes a name with a star for a pattern, so it writes a plain one.
            plain = tmp_path / "plain"
            database.execute(f"COPY ({select}) TO '{plain}' (FORMAT parquet)")
        return plain.rename(path)

    return write


@pytest.fixture
def write_records(tmp_path: Path) -> Callable[..., Path]:
    def write(*records: object, name: str = "stories.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return path

    return write


@pytest.mark.parametrize(
    ("select", "wanted"),
    [
        ("SELECT 1 AS id, 'Ẹ káàárọ̀' AS line", ["Ẹ káàárọ̀"]),
        ("SELECT 'en' AS lang, 'one' AS text", ["one"]),
        ("SELECT 'one' AS sentence, 'two' AS content", ["one"]),
        ("SELECT unnest(['one', NULL, ' ', 'two ']) AS text", ["one", "two"]),
        (r"SELECT E'one\n\ntwo' AS text", ["one", "two"]),
    ],
)
def test_the_text_column_of_parquet_is_read(
    write_parquet: Callable[..., Path], select: str, wanted: list[str]
) -> None:
    assert lines_of(write_parquet(select)) == wanted


def test_a_column_of_parquet_can_be_named(write_parquet: Callable[..., Path]) -> None:
    path = write_parquet('SELECT \'one\' AS text, \'two\' AS "a ""title"""')
    assert lines_of(path.with_name(f'{path.name}:a "title"')) == ["two"]


@pytest.mark.parametrize(
    "select",
    ["SELECT 'a' AS english, 'b' AS yoruba", "SELECT 1 AS id", "SELECT ['a'] AS text"],
)
def test_a_parquet_whose_text_is_not_known_names_its_columns(
    write_parquet: Callable[..., Path], select: str
) -> None:
    error = refused(write_parquet(select))
    assert "its columns are '" in error.cause
    assert "corpus.parquet:COLUMN" in error.remedy


def test_a_column_that_is_not_there_is_refused(
    write_parquet: Callable[..., Path],
) -> None:
    path = write_parquet("SELECT 'a' AS text")
    error = refused(path.with_name("corpus.parquet:absent"))
    assert "'absent'" in error.problem
    assert error.cause == "its columns are 'text'"


@pytest.mark.parametrize("name", ["a*b[1]?.parquet", "lang=yo/part.parquet"])
def test_a_name_of_parquet_is_no_pattern(
    write_parquet: Callable[..., Path], name: str
) -> None:
    assert lines_of(write_parquet("SELECT 'one' AS line", name)) == ["one"]


def test_damaged_parquet_is_refused(write_parquet: Callable[..., Path]) -> None:
    path = write_parquet("SELECT repeat('ab' || i, 20) AS text FROM range(999) t(i)")
    content = path.read_bytes()
    for size in (0, 3, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        assert "cannot read" in refused(path).problem
    middle = len(content) // 3
    path.write_bytes(content[:middle] + bytes(200) + content[middle + 200 :])
    assert "cannot read" in refused(path).problem
    path.unlink()
    assert "no such file" in refused(path).cause


def test_parquet_is_read_in_bounded_memory(write_parquet: Callable[..., Path]) -> None:
    path = write_parquet("SELECT repeat('word ', 200) AS text FROM range(60000)")
    tracemalloc.start()
    try:
        num_chars = sum(map(len, read_lines(path)))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert num_chars == 60_000 * 999
    assert peak_bytes < 4 << 20


def test_a_cell_of_any_length_comes_in_pieces(
    write_parquet: Callable[..., Path],
) -> None:
    pieces = lines_of(write_parquet("SELECT repeat('ab', 100000) AS text"))
    assert "".join(pieces) == "ab" * 100_000
    assert max(map(len, pieces)) <= 1 << 16


@pytest.mark.parametrize(
    ("packed", "pack"),
    [("", bytes), (".gz", gzip.compress), (".zst", zstandard.compress)],
)
def test_the_text_of_json_lines_is_read(
    write_records: Callable[..., Path], packed: str, pack: Callable[[bytes], bytes]
) -> None:
    path = write_records(
        {"title": "A", "text": "One.\nTwo."}, {"title": "B", "text": None}
    )
    raw = path.read_bytes() + b"\n"
    path = path.with_name(path.name + packed)
    path.write_bytes(pack(raw))
    assert lines_of(path) == ["One.", "Two."]
    assert lines_of(path.with_name(f"{path.name}:title")) == ["A", "B"]


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("{", "line 2 is no JSON"),
        ("[" * 100_000, "line 2 is no JSON"),
        ('"text"', "line 2 is no JSON object"),
        ('{"text": 1}', "'text' in line 2 is no text"),
        ('{"title": "B"}', "its columns are 'title'"),
        ("{}", "it has none"),
    ],
)
def test_a_wrong_line_of_json_is_named(
    write_records: Callable[..., Path], line: str, cause: str
) -> None:
    path = write_records({"text": "One."})
    path.write_text(path.read_text() + line + "\n")
    assert refused(path).cause == cause


def test_half_a_character_in_json_is_replaced(
    write_records: Callable[..., Path],
) -> None:
    assert lines_of(write_records({"text": "a\ud800b"})) == ["a?b"]


def test_a_huge_record_is_refused_and_a_huge_line_is_not(tmp_path: Path) -> None:
    huge = b"x" * ((1 << 24) + 1)
    for name in ("a.jsonl", "a.tsv"):
        (tmp_path / name).write_bytes(huge)
        assert "line 1 has over" in refused(tmp_path / name).cause
    (tmp_path / "a.txt").write_bytes(huge)
    assert sum(map(len, read_lines(tmp_path / "a.txt"))) == len(huge)


def test_a_packed_line_without_end_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "line.txt.zst"
    path.write_bytes(zstandard.compress(b"ab c" * 10_000_000))
    tracemalloc.start()
    try:
        num_chars = sum(map(len, read_lines(path)))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert num_chars > 29_000_000
    assert peak_bytes < 4 << 20


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("fine\nwörd\n".encode() + "wörd\n".encode("latin-1"), "byte 0xf6"),
        ("wörd".encode("utf-16"), "byte 0xff"),
        (b"\x89PNG\r\n", "byte 0x89"),
        (b"one\ntwo\nPK\3\4\0\0", "zero byte in line 3"),
    ],
)
def test_other_encodings_and_binary_are_refused(
    tmp_path: Path, content: bytes, cause: str
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    assert cause in refused(path).cause


def test_a_file_whose_name_holds_a_colon_is_read(tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl:text"
    path.write_text("plain\n")
    assert lines_of(path) == ["plain"]
