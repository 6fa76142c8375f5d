import errno
import io
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.documents.output_file import open_output
from polyspec.documents.plain_text import TextReader, read_text
from polyspec.errors import DocumentError, UsageError

ENCODINGS = ["utf-8", "latin-1", "cp1251", "utf-16", "utf-16-le", "utf-32", "gb18030"]


class Trickle(io.BytesIO):
    """A stream that gives a few bytes at a time, as a pipe may."""

    size = 3

    def read1(self, _size: int | None = -1) -> bytes:
        return self.read(self.size)


def read(data: bytes, encoding: str = "utf-8", size: int = 1 << 16) -> str:
    stream = Trickle(data)
    stream.size = size
    return "".join(read_text(stream, encoding, name="x.txt"))


@given(
    data=st.binary(max_size=60),
    encoding=st.sampled_from(ENCODINGS),
    size=st.integers(1, 9),
)
def test_any_bytes_give_their_text_or_an_error(
    data: bytes, encoding: str, size: int
) -> None:
    try:
        text = read(data, encoding, size)
    except DocumentError:
        return
    assert "\0" not in text
    reader = TextReader(io.BytesIO(data), "x", encoding)
    assert "".join(reader) == text
    assert text == data.decode(reader.encoding).removeprefix("\ufeff")


@given(data=st.binary(min_size=1, max_size=60), size=st.integers(1, 9))
def test_the_first_wrong_byte_is_named(data: bytes, size: int) -> None:
    data = data.replace(b"\0", b"a").lstrip(b"\xfe\xff\xef")
    offset = find_wrong_byte(data)
    if offset is None:
        assert read(data, size=size) == data.decode()
        return
    with pytest.raises(DocumentError) as caught:
        read(data, size=size)
    assert f"byte {offset} is not valid UTF-8" in caught.value.cause
    assert "--encoding" in caught.value.remedy


def find_wrong_byte(data: bytes) -> int | None:
    valid = data.decode(errors="surrogateescape")
    wrong = [char for char in valid if "\udc80" <= char <= "\udcff"]
    return len(valid[: valid.index(wrong[0])].encode()) if wrong else None


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_what_is_written_is_read_again(text: str) -> None:
    for encoding in ("utf-8", "utf-16", "utf-32", "utf-8-sig"):
        assert read(text.encode(encoding), encoding) == text.removeprefix(
            "" if encoding != "utf-8" else "\ufeff"
        )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_names_the_encoding_and_is_dropped(encoding: str) -> None:
    reader = TextReader(io.BytesIO("é\r\n".encode(encoding)), "x")
    assert "".join(reader) == "é\r\n"
    assert reader.has_mark
    assert reader.encoding == {"utf-8-sig": "utf-8"}.get(encoding, f"{encoding}-le")


@pytest.mark.parametrize("size", [1, 5, 1 << 16])
def test_a_nul_is_refused_with_its_offset(size: int) -> None:
    with pytest.raises(DocumentError, match=r"cannot read x\.txt") as caught:
        read("é and \0 more".encode(), size=size)
    assert "NUL byte at offset 7" in caught.value.cause
    assert "binary" in caught.value.cause
    with pytest.raises(DocumentError) as caught:
        read("é\0".encode("utf-16-le"), "utf-16-le", size)
    assert "NUL byte at offset 2" in caught.value.cause


def test_a_cut_character_at_the_end_is_refused() -> None:
    with pytest.raises(DocumentError) as caught:
        read("abcé".encode()[:-1])
    assert "byte 3 is not valid UTF-8" in caught.value.cause


@pytest.mark.parametrize("encoding", ["klingon", "", "base64", "utf\0", "x" * 300])
def test_an_unknown_encoding_is_refused(encoding: str) -> None:
    with pytest.raises(UsageError, match="unknown encoding"):
        read_text(io.BytesIO(b""), encoding)


def test_text_comes_as_it_arrives() -> None:
    left, right = os.pipe()
    with os.fdopen(left, "rb") as stream, os.fdopen(right, "wb", 0) as writer:
        chunks = read_text(stream)
        writer.write(b"one line\n")
        assert next(chunks) == "one line\n"
        writer.write(b"two\n")
        assert next(chunks) == "two\n"


def test_a_large_file_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    with path.open("wb") as stream:
        stream.truncate(0)
        for _ in range(20):
            stream.write("é".encode() * 500_000)
    tracemalloc.start()
    num_chars = sum(len(chunk) for chunk in read_text(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert num_chars == 10_000_000
    assert peak < 2_000_000


def test_what_cannot_be_opened_is_said(tmp_path: Path) -> None:
    for path, cause in [
        (tmp_path / "none.txt", "there is no such file"),
        (tmp_path, "it is a folder"),
        (tmp_path / "a\0b", "null"),
    ]:
        with pytest.raises(DocumentError) as caught:
            read_text(path)
        assert cause in caught.value.cause
        assert str(path) in caught.value.problem


def test_a_failing_stream_is_an_error() -> None:
    class Broken(io.BytesIO):
        def read1(self, _size: int | None = -1) -> bytes:
            raise OSError(errno.EIO, "input/output error")

    with pytest.raises(DocumentError, match="cannot read standard input"):
        list(read_text(Broken()))


def test_output_is_in_place_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")
    path.chmod(0o640)
    with open_output(path) as output:
        output.write("new\r\n")
        output.flush()
        assert path.read_text() == "old"
    assert path.read_bytes() == b"new\r\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    usual = tmp_path / "usual.txt"
    usual.write_text("")
    with open_output(tmp_path / "out.txt", has_mark=True) as output:
        output.write("x")
    assert (tmp_path / "out.txt").read_bytes() == b"\xef\xbb\xbfx"
    assert (tmp_path / "out.txt").stat().st_mode == usual.stat().st_mode


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, GeneratorExit])
def test_what_was_finished_is_kept_as_partial(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")
    with pytest.raises(error), open_output(path) as output:  # noqa: PT012 - both lines
        output.write("half")
        raise error
    assert path.read_text() == "old"
    assert (tmp_path / "out.txt.partial").read_text() == "half"
    assert len(list(tmp_path.iterdir())) == 2


def test_nothing_is_left_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), open_output(tmp_path / "out.txt"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_the_input_may_be_the_output(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("a text")
    with open_output(path) as output:
        for chunk in read_text(path):
            output.write(chunk.upper())
    assert path.read_text() == "A TEXT"


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    real, link = tmp_path / "folder" / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    link.symlink_to(real)
    with open_output(link) as output:
        output.write("new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_device_is_written_to_directly() -> None:
    with open_output(Path("/dev/null")) as output:
        output.write("x")
    assert not Path("/dev/null").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_a_full_disk_is_an_error_with_a_remedy() -> None:
    with (
        pytest.raises(DocumentError, match="cannot write /dev/full") as caught,
        open_output(Path("/dev/full")) as output,
    ):
        output.write("x" * 100_000)
    assert caught.value.cause == "the disk is full"
    assert "free some space" in caught.value.remedy


def test_a_disk_that_fills_up_keeps_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with (
        pytest.raises(DocumentError, match="cannot write"),
        open_output(tmp_path / "out.txt") as output,
    ):
        output.write("half")
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt.partial"]


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    for path, cause in [
        (tmp_path, "it is a folder"),
        (tmp_path / "none" / "out.txt", "its folder does not exist"),
        (tmp_path / "a\0b", "null"),
    ]:
        with pytest.raises(DocumentError) as caught, open_output(path):
            pass
        assert cause in caught.value.cause
    with (
        pytest.raises(DocumentError) as caught,
        open_output(tmp_path / "out.txt", "latin-1") as output,
    ):
        output.write("字")
    assert "'字' does not exist in latin-1" in caught.value.cause
