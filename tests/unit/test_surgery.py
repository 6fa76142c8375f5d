"""Drafts cut out of a small random target, as files and inside llama.cpp."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from polyspec.arrays import LogitsArray
from polyspec.decoding.interfaces import Chunk
from polyspec.drafting.token_map import UNKNOWN_ID, TokenMap, read_token_map
from polyspec.engine.model import Model
from polyspec.engine.target import ContextOptions, LlamaTarget
from polyspec.errors import ModelError, UsageError
from polyspec.gguf_header import GgufHeader, StringArray, read_gguf_header
from polyspec.training.gguf_copy import read_fields, read_tensors, write_gguf
from polyspec.training.layers import choose_layers, find_period, require_layers
from polyspec.training.surgery import Cut, cut_model, read_card
from polyspec.training.vocabulary import choose_tokens
from tests.tiny_gemma import TOKENS, WORDS, write_tiny_gemma

FIRST_WORD = len(TOKENS) - len(WORDS)


class WordEncoder:
    """Tokenizes `w3 w5` as the tiny model would."""

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        return [[FIRST_WORD + int(word[1:]) for word in line.split()] for line in lines]


@pytest.fixture
def target(tmp_path: Path) -> GgufHeader:
    return read_gguf_header(write_tiny_gemma(tmp_path / "target.gguf"))


def cut(target: GgufHeader, layers: tuple[int, ...], *words: int) -> GgufHeader:
    corpus = target.path.with_name("corpus.txt")
    corpus.write_text(" ".join(f"w{word}" for word in words))
    ids = choose_tokens(target, corpora=[corpus], encoder=WordEncoder())
    out = target.path.with_name("draft.gguf")
    cut_model(target, Cut(layers, ids), {"languages": "deu"}, out)
    return read_gguf_header(out)


def logits(path: Path, ids: list[int]) -> LogitsArray:
    with Model(path, gpu_layers=0) as model:
        context = LlamaTarget(model, ContextOptions(1, 64, num_threads=1))
        rows = context.evaluate([Chunk(0, 0, ids, len(ids))]).copy()
        context.close()
    return rows


def tokens_of(header: GgufHeader) -> list[bytes]:
    tokens = header.metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, StringArray)
    return list(tokens)


def test_a_draft_keeps_its_words_bytes_and_controls(target: GgufHeader) -> None:
    draft = cut(target, (0, 5), 3, 7)
    kept = tokens_of(draft)
    assert kept == [token for token in TOKENS if token in kept]
    assert {WORDS[3], WORDS[7]} == set(kept) & set(WORDS)
    assert set(TOKENS[:4]) < set(kept)
    assert b"<unused0>" not in kept
    assert draft.integer("gemma3.block_count") == 2
    assert draft.text("general.name") == "Tiny, cut to a draft"
    assert read_card(draft) == {
        "target": "target",
        "layers": "0,5",
        "languages": "deu",
    }


def test_the_map_leads_there_and_back(target: GgufHeader) -> None:
    token_map = read_token_map(cut(target, (0, 5), 3, 7), target)
    ids = list(range(len(token_map)))
    assert token_map.to_draft(token_map.to_target(ids)) == ids
    assert token_map.to_draft([FIRST_WORD + 4]) == [token_map.unknown_id]
    assert token_map.to_target([token_map.unknown_id]) == [3]


def test_a_draft_of_all_layers_gives_the_logits_of_its_target(
    target: GgufHeader,
) -> None:
    draft = cut(target, tuple(range(6)), *range(0, 40, 2))
    token_map = read_token_map(draft, target)
    text = [2, *(FIRST_WORD + word for word in range(0, 40, 2))]
    whole = logits(target.path, text)
    part = logits(draft.path, token_map.to_draft(text))
    kept = token_map.to_target(range(len(token_map)))
    np.testing.assert_allclose(part, whole[:, kept], atol=1e-4)


def test_layers_are_taken_from_all_over_the_depth(target: GgufHeader) -> None:
    assert choose_layers(target, 2) == (0, 5)
    assert choose_layers(target, 4) == (0, 2, 3, 5)
    assert choose_layers(target, 1) == (5,)
    assert choose_layers(target, 6) == tuple(range(6))
    assert find_period(target, (0, 2, 3, 5)) == 4
    assert find_period(target, (0, 1)) == 3


@pytest.mark.parametrize("num", [0, 7, -1])
def test_more_layers_than_there_are_cannot_be_kept(
    target: GgufHeader, num: int
) -> None:
    with pytest.raises(UsageError, match="cannot be kept") as refusal:
        choose_layers(target, num)
    assert refusal.value.cause == "target has 6"


@pytest.mark.parametrize("layers", [(), (0, 6), (3, 1), (1, 1), (-1, 2)])
def test_layers_that_are_not_there_or_do_not_rise_are_refused(
    target: GgufHeader, layers: tuple[int, ...]
) -> None:
    with pytest.raises(UsageError):
        require_layers(target, layers)


def test_layers_of_two_kinds_must_keep_an_even_distance(target: GgufHeader) -> None:
    with pytest.raises(UsageError, match="cannot work together"):
        require_layers(read_gguf_header(write_tiny_gemma(target.path, 13)), (5, 6, 7))


def test_a_draft_for_another_tokenizer_is_refused(
    target: GgufHeader, tmp_path: Path
) -> None:
    draft = cut(target, (0, 5), 3, 7)
    other = cut(target, (0, 5), *range(40))
    with pytest.raises(ModelError, match="tokenizers differ"):
        read_token_map(draft, other)


def damage(draft: GgufHeader, key: str, value: bytes) -> GgufHeader:
    fields = read_fields(draft)
    fields[key] = value
    path = draft.path.with_name("damaged.gguf")
    write_gguf(path, fields, read_tensors(draft))
    return read_gguf_header(path)


def id_list(ids: list[int], dtype: str = "<i4", kind: int = 5) -> bytes:
    head = np.array([9, kind], "<u4").tobytes() + np.array([len(ids)], "<u8").tobytes()
    return head + np.array(ids, dtype).tobytes()


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda ids: id_list(ids[:-1]), "it maps 261 of 262 tokens"),
        (lambda ids: id_list([*ids[:-1], len(TOKENS)]), "0 to 300 may be"),
        (lambda ids: id_list([-1, *ids[1:]]), "it maps to tokens -1"),
        (lambda ids: id_list([*ids[:-1], ids[-2]]), "stand for the same one"),
        (lambda ids: id_list([*ids[:-2], ids[-1], ids[-2]]), "is not the target's"),
        (lambda ids: id_list(ids, "<u4", 4), "is no list of token ids"),
        (lambda ids: np.array([4, 7], "<u4").tobytes(), "is no list of token ids"),
    ],
)
def test_a_damaged_map_is_refused(target: GgufHeader, change, cause: str) -> None:  # type: ignore[no-untyped-def]
    draft = cut(target, (0, 5), 3, 7)
    ids = read_token_map(draft, target).to_target(range(262))
    damaged = damage(draft, "polyspec.draft.target_ids", change(ids))
    with pytest.raises(ModelError, match="cannot be used") as refusal:
        read_token_map(damaged, target)
    assert cause in refusal.value.cause


def test_a_map_without_a_token_for_the_unknown_is_refused(target: GgufHeader) -> None:
    damaged = damage(cut(target, (0, 5), 3), UNKNOWN_ID, id_list([1]))
    with pytest.raises(ModelError, match="cannot be used"):
        read_token_map(damaged, target)


def test_a_map_is_one_to_one() -> None:
    with pytest.raises(ValueError, match="twice"):
        TokenMap(np.array([1, 2, 1], np.int32), 0)
    with pytest.raises(ValueError, match="unknown_id"):
        TokenMap(np.array([1, 2], np.int32), 2)


def test_another_kind_of_model_is_refused(target: GgufHeader) -> None:
    fields = read_fields(target)
    fields["general.architecture"] = np.array([8, 5, 0], "<u4").tobytes() + b"mamba"
    write_gguf(target.path, fields, read_tensors(target))
    with pytest.raises(ModelError, match="no draft can be cut") as refusal:
        choose_layers(read_gguf_header(target.path), 2)
    assert "mamba" in refusal.value.cause
