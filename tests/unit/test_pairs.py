"""Which pairs of sentences a step of training has."""

from collections import Counter
from pathlib import Path

import pytest

from polyspec.errors import UsageError
from polyspec.gguf_header import read_gguf_header
from polyspec.languages import find_language
from polyspec.prompting.profiles import PAIRS
from polyspec.tables.encoder import make_encoder
from polyspec.training.adapter_export import tensor_name
from polyspec.training.pairs import POOL_BATCHES, Pair, PairFile, PairSampler, fold
from polyspec.translation.prompts import make_prompt_builder
from tests.tiny_gemma import write_tiny_gemma

ENGLISH, GERMAN, FRENCH = (find_language(code) for code in ("en", "de", "fr"))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    path = write_tiny_gemma(tmp_path_factory.mktemp("tiny") / "tiny.gguf", 1)
    return make_encoder(read_gguf_header(path))


def write_pairs(path: Path, mark: str, num: int = 60) -> Path:
    lines = [
        f"w1 w2 w{i % 40} is number {i}\t" + f"{mark} w{i % 40} " * (1 + i % 9)
        for i in range(num)
    ]
    path.write_text("\n".join(lines), "utf-8")
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[PairFile]:
    return [
        PairFile(GERMAN, write_pairs(tmp_path / "deu.tsv", "w7"), 3.0),
        PairFile(FRENCH, write_pairs(tmp_path / "fra.tsv", "w8")),
    ]


def make_sampler(files: list[PairFile], encoder, **options) -> PairSampler:  # type: ignore[no-untyped-def]
    chosen = {"bos_ids": (2,), "batch_size": 4, "seed": 5, **options}
    return PairSampler(files, ENGLISH, encoder, **chosen)


def language_of(pair: Pair, encoder) -> str:  # type: ignore[no-untyped-def]
    tails = {name: encoder.encode([f"{name}:"])[0] for name in ("German", "French")}
    return next(
        name
        for name, tail in tails.items()
        if list(pair.prompt_ids[-len(tail) :]) == tail
    )


def test_a_step_has_the_same_pairs_in_every_run(files, encoder) -> None:  # type: ignore[no-untyped-def]
    first, second = make_sampler(files, encoder), make_sampler(files, encoder)
    ahead = second.batch(POOL_BATCHES + 3)
    for step in range(0, POOL_BATCHES, 7):
        for one, other in zip(first.batch(step), second.batch(step), strict=True):
            assert (one.prompt_ids, one.target_ids) == (
                other.prompt_ids,
                other.target_ids,
            )
    expected = first.batch(POOL_BATCHES + 3)
    assert [p.prompt_ids for p in expected] == [p.prompt_ids for p in ahead]
    another = make_sampler(files, encoder, seed=6).batch(0)
    assert [p.prompt_ids for p in another] != [p.prompt_ids for p in first.batch(0)]


def test_a_pair_is_asked_as_the_program_asks(files, encoder) -> None:  # type: ignore[no-untyped-def]
    pair = make_sampler(files[:1], encoder).batch(0)[0]
    source, target = next(
        found
        for _, found in ((None, line) for line in _lines(files[0].path))
        if tuple(encoder.encode([f" {found[1]}\n"])[0]) == pair.target_ids
        and tuple(encoder.encode([f" {found[0]}\n"])[0])
        == pair.prompt_ids[
            1 + len(encoder.encode(["English:"])[0]) : -len(
                encoder.encode(["German:"])[0]
            )
        ]
    )
    prompt = make_prompt_builder(PAIRS, ENGLISH, GERMAN)(source, "")
    parts = [part.text for part in (*prompt.shared, *prompt.own)]
    ids = [token for text in parts for token in encoder.encode([text])[0]]
    assert pair.prompt_ids == (2, *ids)
    assert target


def _lines(path: Path) -> list[tuple[str, str]]:
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    return [(source.strip(), target.strip()) for source, target in rows]


def test_files_are_drawn_from_by_their_weights(files, encoder) -> None:  # type: ignore[no-untyped-def]
    sampler = make_sampler(files, encoder)
    counts = Counter(
        language_of(pair, encoder)
        for step in range(2 * POOL_BATCHES)
        for pair in sampler.batch(step)
    )
    assert 2.3 < counts["German"] / counts["French"] < 3.9


def test_pairs_of_a_batch_are_about_as_long(files, encoder) -> None:  # type: ignore[no-untyped-def]
    sampler = make_sampler(files, encoder)
    num_read = num_padded = 0
    for step in range(POOL_BATCHES):
        lengths = [pair.num_tokens for pair in sampler.batch(step)]
        num_read += sum(lengths)
        num_padded += max(lengths) * len(lengths)
    assert num_padded < 1.02 * num_read


def test_every_target_is_among_the_candidates(files, encoder) -> None:  # type: ignore[no-untyped-def]
    for pair in make_sampler(files, encoder).batch(0):
        assert set(pair.target_ids) <= set(pair.candidates.tolist())


def test_what_measures_the_result_is_left_out(files, encoder) -> None:  # type: ignore[no-untyped-def]
    sampler = make_sampler(files, encoder, avoid=frozenset({fold("W7 w3!")}))
    assert sampler.num_pairs == {"deu": 53, "fra": 53}


def test_a_file_without_usable_pairs_is_refused(tmp_path: Path, encoder) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "deu.tsv"
    path.write_text("Run!\tLauf!\n", "utf-8")
    with pytest.raises(UsageError, match="nothing to learn from"):
        make_sampler([PairFile(GERMAN, path)], encoder)


@pytest.mark.parametrize("projection", ["attn_q", "attn_output", "ffn_down"])
@pytest.mark.parametrize("side", ["lora_a", "lora_b"])
def test_parameters_are_named_as_llama_cpp_names_them(
    projection: str, side: str
) -> None:
    name = f"blk_12_{projection}_weight_{side}"
    assert tensor_name(name) == f"blk.12.{projection}.weight.{side}"
