"""What a file that is not GGUF looks like."""

import struct

_MAGICS = {
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"Rar!": "a rar archive",
    b"lmgg": "an old GGML file",
    b"tjgg": "an old GGJT file",
    b"fmgg": "an old GGMF file",
    b"ggml": "an old GGML file",
    b"FUGG": "a GGUF file with its bytes swapped",
    b"\x89HDF": "an HDF5 file",
    b"\x80\x02": "a pickled PyTorch file",
    b"%PDF": "a PDF",
    b"\x7fELF": "a program",
    b"version https://git-lfs": "a Git LFS pointer, not the file it points to",
}

_WEB_PAGE_STARTS = (b"<!doctype", b"<html", b"<head", b"<?xml")


def describe_other(start: bytes, file_size: int) -> str:
    """Says what a file that begins with `start` looks like."""
    for magic, name in _MAGICS.items():
        if start.startswith(magic):
            return name
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    looks = {
        "a web page, not the file it links to": text.startswith(_WEB_PAGE_STARTS),
        "a safetensors file": _is_safetensors(start, file_size),
        "JSON": text.startswith((b"{", b"[")),
        "zeros, as an unfinished download leaves them": not start.strip(b"\0"),
        "plain text": _is_text(start),
    }
    unknown = f"unknown data starting with {start[:4].hex(' ')}"
    return next((name for name, is_it in looks.items() if is_it), unknown)


def _is_safetensors(start: bytes, file_size: int) -> bool:
    if len(start) < 9 or start[8:9] != b"{":
        return False
    (length,) = struct.unpack_from("<Q", start)
    return bool(0 < length <= file_size - 8)


def _is_text(start: bytes) -> bool:
    try:
        text = start.decode()
    except UnicodeDecodeError as error:
        # A character may be cut in two where the sample ends.
        if error.start < len(start) - 3:
            return False
        text = start[: error.start].decode()
    return all(character.isprintable() or character in "\t\r\n" for character in text)
