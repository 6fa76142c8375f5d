"""Texts for a table are tokenized by llama.cpp where nothing faster is known."""

import pytest

from polyspec.catalog.store import find_model
from polyspec.gguf_header import read_gguf_header
from polyspec.tables import encoder
from polyspec.tables.encoder import make_encoder
from polyspec.training.encoding import open_encoder

pytestmark = pytest.mark.model

LINES = ["The library opens at nine.", "Ẹ káàárọ̀ 1234!", "  two  spaces"]


def test_an_unknown_vocabulary_is_left_to_llama_cpp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    header = read_gguf_header(find_model("smollm2-135m-instruct"))
    expected = make_encoder(header).encode(LINES)
    monkeypatch.setattr(encoder, "_SPLITS", {})
    notes: list[str] = []
    with open_encoder(header, notes.append) as opened:
        assert opened.encode(LINES) == expected
    assert "takes longer" in notes[0]


def test_a_known_vocabulary_needs_no_note() -> None:
    header = read_gguf_header(find_model("gemma-3-270m"))
    notes: list[str] = []
    with open_encoder(header, notes.append) as opened:
        assert opened.encode(LINES) == make_encoder(header).encode(LINES)
    assert not notes
