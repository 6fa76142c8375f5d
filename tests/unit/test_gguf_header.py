import base64
import os
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.errors import ModelError
from polyspec.gguf_header import (
    NumberArray,
    StringArray,
    count_common_tokens,
    read_gguf_header,
    tokenizer_fingerprint,
)
from tests.gguf_files import (
    BOOL,
    F32,
    I32,
    STRING,
    U8,
    U32,
    U64,
    VOCABULARY,
    array,
    gguf,
    name,
    scalar,
    tensor,
)

# Written by GGUFWriter of the gguf package.
GOLDEN = zlib.decompress(
    base64.b85decode(
        "c-noDJx{_w7{{*#@r@WwaB%YzG=2agu*mA-j7NEB8?IMUuJL86o1>F)WOQ_Nv!kP<BXM$cbTRs;Tw@F9"
        ")Bf)Ay#25DwB0^ADlx`PHnXbUYkGG`QpknHL)-Nf*(wTY4e=G77lQk|I#(>YpB7cJcp!QtYxx$-4y2-U"
        ")e$5e<(3hT!DgYu>I?3y!ZqgNE*E_*-l!H+z9*xR0sm{GnCN;=7GcP56|*w(yA+Pr_0>whh3RNYxsj+~"
        "K+?OU&~hAKSboqWu`rU|<;AI+o-*wy>!Pf)9?8L>p&g!O-)^tES@8Q0-H{!Hl<HP;x-*NPuq2E%lf8dF"
        "s-rH3lwCg)F!cxwExeN#=#by-S!d)qt}^wF*uv?>*!0Jlx%ry8ImhfziyK&)ctH%tAORD=T8wRjeQ*Gp"
        ";24~OA&9{>xB+)y4DP`LcmxS}1~1?hOu#$%0G};Z&pk`*2a~deTL"
    )
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.gguf"


def refuse(path: Path, content: bytes) -> str:
    """The cause for which a file of that content is refused."""
    path.write_bytes(content)
    with pytest.raises(ModelError) as refused:
        read_gguf_header(path)
    error = refused.value
    assert str(path) in error.problem
    for part in (error.problem, error.cause, error.remedy):
        assert part
        assert part.isprintable()
    return error.cause


def numbers(value: object) -> list[object]:
    assert isinstance(value, np.ndarray)
    listed: list[object] = value.tolist()
    return listed


def test_a_file_of_the_gguf_package_is_read_as_it_was_written(path: Path) -> None:
    path.write_bytes(GOLDEN)
    header = read_gguf_header(path)
    assert (header.version, header.architecture, header.alignment) == (3, "llama", 32)
    assert header.text("general.name") == "golden"
    assert header.text("golden.big") is None
    assert header.integer("golden.big") == 2**40
    assert header.integer("golden.minus") == -3
    assert header.integer("golden.flag") is None
    assert header.metadata["golden.flag"] is True
    assert header.metadata["golden.half"] == 0.5
    assert numbers(header.metadata["golden.numbers"]) == [1, 2, 3]
    tokens = header.metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, StringArray)
    assert list(tokens) == [b"<unk>", b"a", b"\xe2\x96\x81b", b"\xff"]
    assert (tokens[1], tokens[-1], tokens[:2]) == (b"a", b"\xff", [b"<unk>", b"a"])
    assert header.vocabulary_size == 4
    embedding, half = header.tensors
    assert (embedding.name, embedding.shape) == ("token_embd.weight", (8, 4))
    assert (half.name, half.shape, half.kind_name, half.size_bytes) == (
        "half",
        (3, 2),
        "F16",
        12,
    )
    start = header.data_offset + embedding.offset
    floats = np.frombuffer(path.read_bytes()[start:][: embedding.size_bytes], "<f4")
    assert floats.tolist() == list(range(32))


def test_version_2_is_read(path: Path) -> None:
    path.write_bytes(gguf(version=2))
    assert read_gguf_header(path).version == 2


def test_booleans_of_an_array_are_booleans(path: Path) -> None:
    path.write_bytes(gguf({"flags": array(BOOL, [True, False])}))
    flags = read_gguf_header(path).metadata["flags"]
    assert numbers(flags) == [True, False]


def test_a_file_without_tensors_or_vocabulary_is_read(path: Path) -> None:
    path.write_bytes(gguf({}, [], data=b""))
    header = read_gguf_header(path)
    assert (header.tensors, header.vocabulary_size) == ((), 0)
    with pytest.raises(ModelError, match="has no tokenizer"):
        tokenizer_fingerprint(header)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "it is empty"),
        (b"GGUF", "cut off within its version"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\xef\xbb\xbf\n<html>", "a web page"),
        (b"PK\x03\x04....", "a zip archive"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (struct.pack("<Q", 4) + b'{"a"}', "a safetensors file"),
        (b'{"error": "not found"}', "JSON"),
        (bytes(600), "zeros"),
        ("é".encode() * 300, "plain text"),
        (b"\x01\x02\x03\x04\xff", "unknown data starting with 01 02 03 04"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big endian"),
        (gguf(version=1), "version 1, too old"),
        (gguf(version=4), "version 4, newer than version 3"),
        (gguf(num_keys=2**63), "claims 9223372036854775808 keys"),
        (gguf(num_tensors=2**40), "claims 1099511627776 tensors"),
        (gguf(num_keys=4), "tensor"),
        (gguf({"": scalar(U32, 1)}), "is 0 bytes long"),
        (gguf({"k" * 65_536: scalar(U32, 1)}), "is 65536 bytes long"),
        (gguf({b"\xff": scalar(U32, 1)}), "is not UTF-8"),
        (gguf({"k": struct.pack("<I", 77)}), "unknown type 77"),
        (gguf({"k": struct.pack("<IIQ", 9, 77, 1)}), "array of the unknown type 77"),
        (gguf({"k": struct.pack("<IIQ", 9, 9, 1)}), "array of arrays"),
        (gguf({"k": array(U8, [], count=2**60)}), "claims 1152921504606846976"),
        (gguf({"k": array(STRING, [], count=2**60)}), "claims 1152921504606846976"),
        (gguf({"k": struct.pack("<IQ", 8, 2**64 - 1)}), "cut off within the value"),
        (gguf({"general.architecture": scalar(U32, 1)}), "does not name"),
        (gguf({"general.alignment": scalar(U32, 0)}), "alignment is 0"),
        (gguf({"general.alignment": scalar(U32, 48)}), "alignment is 48"),
        (gguf({"general.alignment": scalar(U64, 32)}), "not a 32-bit number"),
        (gguf({"split.count": scalar(U32, 3)}), "one of 3 parts"),
        (gguf({"split.count": scalar(STRING, "x")}), "parts of a split model"),
        (gguf(tensors=[tensor(shape=(0,))]), "empty dimension"),
        (gguf(tensors=[tensor(shape=())]), "0 dimensions"),
        (gguf(tensors=[tensor(shape=(1,) * 5)]), "5 dimensions"),
        (gguf(tensors=[tensor(shape=(2**40, 2**40))]), "more elements than"),
        (gguf(tensors=[tensor(kind=4)]), "unknown type 4"),
        (gguf(tensors=[tensor(kind=2)]), "needs a multiple of 32"),
        (gguf(tensors=[tensor(offset=8)]), "not a multiple of 32"),
        (gguf(tensors=[tensor(offset=32)]), "it is cut off: needs"),
        (gguf(tensors=[tensor(), tensor()]), "two tensors are called"),
        (gguf(tensors=[tensor("a"), tensor("b")]), "overlap"),
        (gguf(tensors=[tensor("x" * 64)]), "is 64 bytes long"),
        (gguf({"tokenizer.ggml.tokens": scalar(U32, 1)}), "not an array of strings"),
        (gguf({"tokenizer.ggml.merges": array(U8, [1])}), "not an array of strings"),
        (gguf({"tokenizer.ggml.scores": array(F32, [1.0])}), "1 elements for 0 tokens"),
        (
            gguf({**VOCABULARY, "tokenizer.ggml.scores": array(U8, [1] * 3)}),
            "is not an array of <f4",
        ),
        (
            gguf({**VOCABULARY, "tokenizer.ggml.token_type": array(I32, [1])}),
            "1 elements for 3 tokens",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_its_cause(
    path: Path, content: bytes, cause: str
) -> None:
    assert cause in refuse(path, content)


def test_two_values_of_one_name_are_refused(path: Path) -> None:
    twice = name("k") + scalar(U32, 1)
    content = gguf({"k": scalar(U32, 1) + twice}, num_keys=3)
    assert "two values are called 'k'" in refuse(path, content)


@pytest.mark.parametrize("length", range(0, len(gguf()), 7))
def test_a_file_cut_off_anywhere_is_refused(path: Path, length: int) -> None:
    refuse(path, gguf()[:length])


def test_what_is_missing_of_a_cut_off_file_is_said_in_bytes(path: Path) -> None:
    whole = gguf()
    cause = refuse(path, whole[:-1])
    assert cause == f"it is cut off: needs {len(whole)} bytes, has {len(whole) - 1}"


def test_what_is_not_a_file_is_refused(path: Path) -> None:
    with pytest.raises(ModelError) as refused:
        read_gguf_header(path)
    assert refused.value.cause == "no such file or directory"
    path.mkdir()
    with pytest.raises(ModelError) as refused:
        read_gguf_header(path)
    assert refused.value.cause == "it is a folder"
    with pytest.raises(ModelError, match="cannot be read"):
        read_gguf_header(path / "nul\0byte")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_without_waiting_for_a_writer(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(ModelError) as refused:
        read_gguf_header(path)
    assert refused.value.cause == "it is not a regular file"


def read_in_peace(path: Path, content: bytes) -> None:
    """Read a hostile file: a header or a `ModelError`, and little memory."""
    path.write_bytes(content)
    tracemalloc.start()
    try:
        header = read_gguf_header(path)
        if header.vocabulary_size:
            tokenizer_fingerprint(header)
    except ModelError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 2**22 + 32 * len(content)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "model.gguf"


@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(GOLDEN) - 1), st.binary(min_size=1, max_size=9)),
        min_size=1,
        max_size=4,
    ),
    keep=st.integers(0, len(GOLDEN)),
)
def test_a_mutated_file_never_does_harm(
    fuzzed: Path, edits: list[tuple[int, bytes]], keep: int
) -> None:
    content = bytearray(GOLDEN)
    for position, replacement in edits:
        content[position : position + len(replacement)] = replacement
    read_in_peace(fuzzed, bytes(content[: keep or None]))


@given(
    version=st.sampled_from([2, 3]),
    counts=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    rest=st.binary(max_size=300),
)
def test_random_bytes_never_do_harm(
    fuzzed: Path, version: int, counts: tuple[int, int], rest: bytes
) -> None:
    read_in_peace(fuzzed, b"GGUF" + struct.pack("<IQQ", version, *counts) + rest)


huge = st.sampled_from([0, 1, 2, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1])


@given(count=huge, length=huge, rest=st.binary(max_size=64))
def test_huge_counts_and_lengths_never_do_harm(
    fuzzed: Path, count: int, length: int, rest: bytes
) -> None:
    strings = struct.pack("<IIQQ", 9, STRING, count, length) + rest
    read_in_peace(fuzzed, gguf({"k": strings}))
    read_in_peace(fuzzed, gguf({"k": scalar(U32, 1)}, num_keys=count))
    read_in_peace(fuzzed, gguf(num_tensors=count))


def fingerprint(path: Path, metadata: dict[str | bytes, bytes]) -> str:
    path.write_bytes(gguf(metadata))
    return tokenizer_fingerprint(read_gguf_header(path))


def test_the_fingerprint_is_the_one_of_its_description(path: Path) -> None:
    import hashlib

    digest = hashlib.sha256(struct.pack("<Q", 3))
    for token in (b"<s>", b"a", b"\xff"):
        digest.update(struct.pack("<Q", len(token)) + token)
    digest.update(struct.pack("<3i", 3, 1, 6))
    assert fingerprint(path, VOCABULARY) == digest.hexdigest()


def test_the_fingerprint_tells_vocabularies_apart(path: Path) -> None:
    key = "tokenizer.ggml.tokens"
    vocabularies = ([b"ab", b"c"], [b"a", b"bc"], [b"ab", b"c", b""], [b"c", b"ab"])
    found = {fingerprint(path, {key: array(STRING, v)}) for v in vocabularies}
    types = array(I32, [1, 2])
    tokens = array(STRING, [b"ab", b"c"])
    found.add(fingerprint(path, {key: tokens, "tokenizer.ggml.token_type": types}))
    assert len(found) == len(vocabularies) + 1


def test_the_fingerprint_leaves_out_everything_else(path: Path) -> None:
    other = {**VOCABULARY, "general.name": scalar(STRING, "another")}
    assert fingerprint(path, other) == fingerprint(path, VOCABULARY)


@pytest.mark.parametrize(
    ("tokens", "types", "num_common"),
    [
        ([b"<s>", b"a", b"\xff"], [3, 1, 6], 3),
        ([b"<s>", b"a", b"\xff", b"[PAD3]"], [3, 1, 6, 5], 3),
        ([b"<s>", b"a", b"\xff", b"b"], [3, 1, 6, 1], 0),
        ([b"<s>", b"a"], [3, 1], 0),
        ([b"<s>", b"b", b"\xff"], [3, 1, 6], 0),
        ([b"<s>", b"a", b"\xff"], [3, 1, 1], 0),
        ([b"<s>", b"a\xff", b""], [3, 1, 6], 0),
    ],
    ids=["same", "padded", "more", "fewer", "other", "other type", "other cut"],
)
def test_tokenizers_have_their_beginning_in_common_or_nothing(
    path: Path, tokens: list[bytes], types: list[float], num_common: int
) -> None:
    path.write_bytes(gguf(VOCABULARY))
    first = read_gguf_header(path)
    other: dict[str | bytes, bytes] = {
        "tokenizer.ggml.tokens": array(STRING, tokens),
        "tokenizer.ggml.token_type": array(I32, types),
    }
    path.write_bytes(gguf(other))
    second = read_gguf_header(path)
    assert count_common_tokens(first, second) == num_common
    assert count_common_tokens(second, first) == num_common


def test_numbers_of_a_header_cannot_be_changed(path: Path) -> None:
    path.write_bytes(GOLDEN)
    scores: NumberArray = np.asarray(
        read_gguf_header(path).metadata["tokenizer.ggml.scores"]
    )
    with pytest.raises(ValueError, match="read-only"):
        scores[0] = 1
