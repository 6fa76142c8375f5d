import gzip
import json
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from polyspec.benchmarks.ladders import named_ladder
from polyspec.benchmarks.replay import replay_lines
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.drafting.table import TableDrafter
from polyspec.errors import ModelError, TableError
from polyspec.gguf_header import read_gguf_header, tokenizer_fingerprint
from polyspec.tables.builder import BuildRequest, build_table
from polyspec.tables.corpus import read_lines
from polyspec.tables.encoder import make_encoder
from polyspec.tables.format import Corpus
from polyspec.tables.reader import Table
from tests import gguf_files
from tests.gguf_files import F32, I32, STRING, U32

PIECES = [b"<unk>", b"<s>", b"</s>"]
PIECES += [b"<0x%02X>" % value for value in range(256)]
WORDS = ["▁", "t", "h", "e", "c", "a", "s", "▁t", "▁th", "▁the", "▁c", "▁ca", "at"]
LINES = [
    "the cat sat at the hat",
    "the cat chases the cat",
    "the hat the cat eats",
    "a cat sat at ease",
]
TEXT = "\n".join(LINES * 30) + "\n"


def write_tiny_model(path: Path, num_more: int = 0) -> Path:
    """Write the head of a model with a small SentencePiece vocabulary.

    Args:
        path: Where to.
        num_more: Further tokens, which make it another tokenizer.
    """
    words = [word.encode() for word in WORDS]
    words += [b"<more%d>" % number for number in range(num_more)]
    scores = [0.0] * len(PIECES) + [-float(place) for place in range(len(words))]
    types = [2, 3, 3] + [6] * 256 + [1] * len(words)
    metadata: dict[str | bytes, bytes] = {
        "tokenizer.ggml.model": gguf_files.scalar(STRING, "llama"),
        "tokenizer.ggml.tokens": gguf_files.array(STRING, PIECES + words),
        "tokenizer.ggml.scores": gguf_files.array(F32, scores),
        "tokenizer.ggml.token_type": gguf_files.array(I32, types),
        "tokenizer.ggml.unknown_token_id": gguf_files.scalar(U32, 0),
    }
    path.write_bytes(gguf_files.gguf(metadata))
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny.gguf")


@pytest.fixture
def make_request(model: Path, tmp_path: Path) -> Callable[..., BuildRequest]:
    def make(content: str | bytes = TEXT, name: str = "text.txt") -> BuildRequest:
        path = tmp_path / name
        raw = content.encode() if isinstance(content, str) else content
        path.write_bytes(raw)
        corpora = [(path, Corpus(name, "CC0-1.0"))]
        return BuildRequest("eng", read_gguf_header(model), corpora)

    return make


def test_a_table_says_what_it_was_built_from(
    make_request: Callable[..., BuildRequest], tmp_path: Path
) -> None:
    request = make_request()
    build_table(request, tmp_path / "table.gguf")
    with Table(tmp_path / "table.gguf") as table:
        table.verify()
        info = table.info
    assert info.language == "eng"
    assert info.fingerprint == tokenizer_fingerprint(request.header)
    assert info.corpora == (Corpus("text.txt", "CC0-1.0"),)
    assert sum(info.states_per_order) == info.num_states > 20
    assert json.loads(info.build_arguments)["files"] == ["text.txt"]
    assert str(tmp_path) not in info.build_arguments


def test_a_table_drafts_the_text_it_was_counted_from(
    make_request: Callable[..., BuildRequest], tmp_path: Path
) -> None:
    request = make_request()
    build_table(request, tmp_path / "table.gguf")
    lines = make_encoder(request.header).encode(LINES)
    with Table(tmp_path / "table.gguf") as table:
        policy = DraftPolicy(named_ladder("cuda"))
        done = replay_lines(TableDrafter(table), policy, lines)
    assert done.acceptance_rate > 0.6
    assert done.speed_up > 1.5
    assert done.num_tokens == sum(map(len, lines))


def test_building_twice_gives_the_same_bytes(
    make_request: Callable[..., BuildRequest], tmp_path: Path
) -> None:
    request = make_request()
    for name in ("one", "two"):
        build_table(request, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_table_is_no_larger_than_asked(
    make_request: Callable[..., BuildRequest], tmp_path: Path
) -> None:
    sizes = []
    for max_bytes in (4000, 2500, 1800):
        build_table(replace(make_request(), max_bytes=max_bytes), tmp_path / "table")
        sizes.append((tmp_path / "table").stat().st_size)
        assert sizes[-1] <= max_bytes
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("name", ["text.txt.zst", "text.txt.gz", "pairs.tsv"])
def test_packed_texts_and_last_columns_are_read(name: str, tmp_path: Path) -> None:
    raw = b"\xef\xbb\xbf" + "source\twörd \n\n\nx\t y\n".encode()
    if name.endswith(".zst"):
        raw = zstandard.compress(raw)
    if name.endswith(".gz"):
        raw = gzip.compress(raw)
    (tmp_path / name).write_bytes(raw)
    wanted = ["wörd", "y"] if "tsv" in name else ["source\twörd", "x\t y"]
    assert list(read_lines(tmp_path / name)) == wanted


def test_a_line_without_end_comes_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("ab" * 500_000)
    pieces = list(read_lines(path))
    assert "".join(pieces) == "ab" * 500_000
    assert max(map(len, pieces)) <= 1 << 16


@pytest.mark.parametrize(
    ("content", "problem", "cause"),
    [
        (b"", "no table can be built", "it holds no text"),
        (b"\n \n\t\n", "no table can be built", "it holds no text"),
        (b"fine\nbad \xff\n", "is not text", "0xff after line"),
        (b"\x7fELF\0\0\0", "is not text", "zero byte in line 1"),
        ("wörd".encode("utf-16"), "is not text", "no UTF-8"),
    ],
)
def test_what_is_no_text_is_refused(
    make_request: Callable[..., BuildRequest],
    tmp_path: Path,
    content: bytes,
    problem: str,
    cause: str,
) -> None:
    with pytest.raises(TableError, match=problem) as raised:
        build_table(make_request(content), tmp_path / "table.gguf")
    assert cause in raised.value.cause
    assert raised.value.remedy
    assert not (tmp_path / "table.gguf").exists()


@pytest.mark.parametrize("name", ["text.txt.zst", "text.txt.gz"])
def test_a_damaged_archive_is_named(
    make_request: Callable[..., BuildRequest], tmp_path: Path, name: str
) -> None:
    with pytest.raises(TableError, match="cannot read the text") as raised:
        build_table(make_request(b"no archive", name), tmp_path / "table.gguf")
    assert raised.value.cause


def test_a_text_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="absent") as raised:
        list(read_lines(tmp_path / "absent.txt"))
    assert "no such file" in raised.value.cause


def test_an_interrupted_build_leaves_nothing(
    make_request: Callable[..., BuildRequest], tmp_path: Path
) -> None:
    def interrupt(text: str) -> None:
        if text == "calibrating":
            raise KeyboardInterrupt

    request = replace(make_request(), report=interrupt)
    with pytest.raises(KeyboardInterrupt):
        build_table(request, tmp_path / "tables" / "table.gguf")
    assert not (tmp_path / "tables").exists()


def test_a_text_beyond_the_memory_is_counted_on_disk(
    make_request: Callable[..., BuildRequest], tmp_path: Path
) -> None:
    request = replace(make_request(TEXT * 40), memory_bytes=1)
    build_table(request, tmp_path / "table.gguf")
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert peak_bytes < 2 << 30
    with Table(tmp_path / "table.gguf") as table:
        assert table.info.num_corpus_tokens > 10_000


def test_an_unknown_tokenizer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.gguf"
    kind: dict[str | bytes, bytes] = {
        "tokenizer.ggml.model": gguf_files.scalar(STRING, "bert")
    }
    path.write_bytes(gguf_files.gguf({**gguf_files.VOCABULARY, **kind}))
    with pytest.raises(ModelError, match="no table can be built") as raised:
        make_encoder(read_gguf_header(path))
    assert "'bert'" in raised.value.cause
