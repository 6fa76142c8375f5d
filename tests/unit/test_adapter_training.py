"""An adapter trained on a small random model: loss, checkpoints, export."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("gguf")

from polyspec.catalog.store import model_path  # noqa: E402
from polyspec.decoding.interfaces import Chunk  # noqa: E402
from polyspec.engine.model import Model  # noqa: E402
from polyspec.engine.target import ContextOptions, LlamaTarget  # noqa: E402
from polyspec.errors import ModelError, UsageError  # noqa: E402
from polyspec.gguf_header import GgufHeader, read_gguf_header  # noqa: E402
from polyspec.languages import find_language  # noqa: E402
from polyspec.tables.encoder import make_encoder  # noqa: E402
from polyspec.training.adapter_export import export_adapter, require_format  # noqa: E402
from polyspec.training.adapter_run import (  # noqa: E402
    AdapterOptions,
    AdapterTraining,
    HoldThenFall,
    find_foreign,
)
from polyspec.training.adapter_start import begin_with  # noqa: E402
from polyspec.training.lora import (  # noqa: E402
    LoraLinear,
    add_lora,
    read_parameters,
)
from polyspec.training.pairs import PairFile, PairSampler  # noqa: E402
from polyspec.training.torch_gemma import Gemma, load_gemma  # noqa: E402
from tests.tiny_gemma import (  # noqa: E402
    TOKENS,
    write_next_words,
    write_tiny_gemma,
)

ENGLISH, GERMAN = find_language("en"), find_language("de")
SHORT = HoldThenFall(12, peak_rate=2e-2, num_warmup=2, save_every=4)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other take longer than the sums of so small a model."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def base() -> GgufHeader:
    path = model_path("tiny")
    path.parent.mkdir(parents=True, exist_ok=True)
    return read_gguf_header(write_tiny_gemma(path, 2))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return write_next_words(tmp_path / "deu.tsv")


def make_sampler(base: GgufHeader, pairs: Path, seed: int = 0) -> PairSampler:
    return PairSampler(
        [PairFile(GERMAN, pairs)],
        ENGLISH,
        make_encoder(base),
        bos_ids=(2,),
        batch_size=4,
        seed=seed,
    )


def make_training(
    base: GgufHeader,
    pairs: Path,
    checkpoint: Path,
    start: GgufHeader | None = None,
    **options: Any,
) -> AdapterTraining:
    chosen = replace(AdapterOptions(SHORT, rank=4, batch_size=4), **options)
    sampler = make_sampler(base, pairs)
    return AdapterTraining(base, sampler, chosen, checkpoint, start)


def train(training: AdapterTraining, stop_at: int | None = None) -> list[float]:
    losses: list[float] = []

    def report(num_done: int, loss: float) -> None:
        losses.append(loss)
        if num_done == stop_at:
            raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        training.run(report)
    return losses


def adapted(base: GgufHeader, scale: float) -> tuple[Gemma, Any]:
    model = load_gemma(base.path)
    trained = add_lora(model, 4, 8.0, seed=1)
    generator = torch.Generator().manual_seed(2)
    for name, weights in trained.items():
        if name.endswith("lora_b"):
            torch.nn.init.normal_(weights, std=scale, generator=generator)
    return model, trained


def test_a_new_adapter_changes_nothing(base: GgufHeader) -> None:
    ids = torch.tensor([[2, 270, 280, 290, 265]])
    plain = load_gemma(base.path)
    model, _ = adapted(base, 0.0)
    torch.testing.assert_close(model.logits(ids), plain.logits(ids))


def test_only_the_adapter_is_trained(base: GgufHeader) -> None:
    model, trained = adapted(base, 0.1)
    learning = [name for name, each in model.named_parameters() if each.requires_grad]
    assert len(learning) == len(trained) == 2 * 2 * 7


def test_the_product_has_the_gradients_of_its_formula() -> None:
    torch.manual_seed(0)
    lora = LoraLinear(torch.nn.Linear(6, 5, bias=False), 3, scale=2.0)
    torch.nn.init.normal_(lora.lora_a)
    torch.nn.init.normal_(lora.lora_b)
    inputs = torch.randn(2, 4, 6, requires_grad=True)
    wanted = inputs @ lora.weight.T + 2.0 * (inputs @ lora.lora_a.T) @ lora.lora_b.T
    outputs = lora(inputs)
    torch.testing.assert_close(outputs, wanted)
    direction = torch.randn_like(outputs)
    of = (inputs, lora.lora_a, lora.lora_b)
    ours = torch.autograd.grad((outputs * direction).sum(), of)
    theirs = torch.autograd.grad((wanted * direction).sum(), of)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(("number_format", "spread"), [("f16", 0.02), ("q8_0", 0.2)])
def test_llama_cpp_computes_with_the_adapter_as_torch_does(
    base: GgufHeader, tmp_path: Path, number_format: str, spread: float
) -> None:
    model = load_gemma(base.path)
    trained = add_lora(model, 32, 64.0, seed=1)
    generator = torch.Generator().manual_seed(2)
    for name, weights in trained.items():
        if name.endswith("lora_b"):
            torch.nn.init.normal_(weights, std=0.05, generator=generator)
    out = tmp_path / "adapter.gguf"
    export_adapter(
        read_parameters(trained), 64.0, base, {}, out, number_format=number_format
    )
    ids = np.random.default_rng(0).integers(4, len(TOKENS), 40).tolist()
    with torch.inference_mode():
        ours = model.logits(torch.tensor([ids]))[0].numpy()
    theirs = evaluate(base.path, ids, out)
    plain = evaluate(base.path, ids, None)
    assert np.abs(ours - theirs).mean() < spread
    assert np.abs(plain - theirs).mean() > 4 * spread


def evaluate(
    path: Path, ids: Sequence[int], adapter: Path | None
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    with Model(path, adapter=adapter, gpu_layers=0) as model:
        target = LlamaTarget(model, ContextOptions(1, 64, num_threads=1))
        rows = target.evaluate([Chunk(0, 0, list(ids), len(ids))]).copy()
        target.close()
    return rows


def test_an_adapter_of_other_sizes_is_refused(base: GgufHeader, tmp_path: Path) -> None:
    _, trained = adapted(base, 0.1)
    whole = read_parameters(trained)
    narrow = {name: weights[..., :-1] for name, weights in whole.items()}
    out = tmp_path / "adapter.gguf"
    export_adapter(narrow, 8.0, base, {}, out)
    with pytest.raises(ModelError, match="cannot be loaded"):
        Model(base.path, adapter=out, gpu_layers=0)


def test_the_loss_falls(base: GgufHeader, pairs: Path, tmp_path: Path) -> None:
    losses = train(make_training(base, pairs, tmp_path / "run.checkpoint"))
    assert len(losses) == 12
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("stop_at", [4, 6])
def test_a_killed_run_goes_on_bit_for_bit(
    base: GgufHeader, pairs: Path, tmp_path: Path, stop_at: int
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    training = make_training(base, pairs, whole)
    train(training)
    training.export(tmp_path / "adapter.gguf", {})
    train(make_training(base, pairs, parts), stop_at)
    resumed = make_training(base, pairs, parts)
    assert resumed.num_done == 4
    train(resumed)
    again = tmp_path / "again" / "adapter.gguf"
    again.parent.mkdir()
    resumed.export(again, {})
    assert again.read_bytes() == (tmp_path / "adapter.gguf").read_bytes()


def test_each_step_is_noted(base: GgufHeader, pairs: Path, tmp_path: Path) -> None:
    losses = train(make_training(base, pairs, tmp_path / "run.checkpoint"))
    lines = (tmp_path / "run.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    assert [entry["step"] for entry in entries] == list(range(1, 13))
    assert entries[-1]["loss"] == pytest.approx(losses[-1], abs=1e-4)


def test_a_run_can_be_made_longer(
    base: GgufHeader, pairs: Path, tmp_path: Path
) -> None:
    train(make_training(base, pairs, tmp_path / "run"))
    longer = HoldThenFall(15, peak_rate=2e-2, num_warmup=2, save_every=4)
    options = AdapterOptions(longer, rank=4, batch_size=4)
    sampler = make_sampler(base, pairs)
    assert len(train(AdapterTraining(base, sampler, options, tmp_path / "run"))) == 3


def test_the_time_ends_a_run(base: GgufHeader, pairs: Path, tmp_path: Path) -> None:
    training = make_training(base, pairs, tmp_path / "run")
    training.run(lambda num_done, loss: None, minutes=0.0)
    assert make_training(base, pairs, tmp_path / "run").num_done == 1


@pytest.mark.parametrize("other", [{"rank": 8}, {"seed": 3}, {"batch_size": 2}])
def test_the_checkpoint_of_another_run_is_refused(
    base: GgufHeader, pairs: Path, tmp_path: Path, other: dict[str, Any]
) -> None:
    train(make_training(base, pairs, tmp_path / "run"))
    with pytest.raises(ModelError, match="cannot be continued"):
        make_training(base, pairs, tmp_path / "run", **other)


def test_the_checkpoint_of_another_model_is_refused(
    base: GgufHeader, pairs: Path, tmp_path: Path
) -> None:
    train(make_training(base, pairs, tmp_path / "run"))
    other = read_gguf_header(write_tiny_gemma(tmp_path / "other.gguf", 2))
    with pytest.raises(ModelError) as caught:
        make_training(other, pairs, tmp_path / "run")
    assert caught.value.cause == "its target is tiny, not other"


@pytest.mark.parametrize("alpha", [8.0, 4.0])
def test_an_adapter_can_be_the_beginning_of_another(
    base: GgufHeader, tmp_path: Path, alpha: float
) -> None:
    before, trained = adapted(base, 0.1)
    out = tmp_path / "before.gguf"
    export_adapter(read_parameters(trained), 8.0, base, {}, out)
    after = load_gemma(base.path)
    begin_with(add_lora(after, 4, alpha, seed=5), read_gguf_header(out), base, alpha)
    ids = torch.tensor([[2, 270, 280, 290, 265]])
    torch.testing.assert_close(
        after.logits(ids), before.logits(ids), atol=1e-2, rtol=1e-2
    )


def test_training_goes_on_from_an_adapter(
    base: GgufHeader, pairs: Path, tmp_path: Path
) -> None:
    first = make_training(base, pairs, tmp_path / "first")
    losses = train(first)
    out = tmp_path / "first.gguf"
    first.export(out, {"corpus": "made up"})
    start = read_gguf_header(out)
    second = make_training(base, pairs, tmp_path / "second", start=start)
    assert train(second)[0] < 0.9 * losses[0]
    second.export(tmp_path / "second.gguf", {})
    origin = read_gguf_header(tmp_path / "second.gguf").text("polyspec.adapter.start")
    assert origin == "first (steps: 12; corpus: made up)"
    with pytest.raises(ModelError) as caught:
        make_training(base, pairs, tmp_path / "second")
    assert str(caught.value.cause).endswith("not nothing")


def test_what_training_cannot_begin_with_is_refused(
    base: GgufHeader, pairs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "start.gguf"
    export_adapter(read_parameters(adapted(base, 0.1)[1]), 8.0, base, {}, out)
    start = read_gguf_header(out)
    other = read_gguf_header(write_tiny_gemma(tmp_path / "deep.gguf", 3))
    for model, begun, rank, cause in (
        (base, base, 4, "it is no adapter"),
        (base, start, 8, "its rank is 4, not 8"),
        (other, start, 4, "it changes other matrices"),
    ):
        trained = add_lora(load_gemma(model.path), rank, 8.0, seed=1)
        with pytest.raises(ModelError, match="training cannot begin") as caught:
            begin_with(trained, begun, model, 8.0)
        assert caught.value.cause == cause


def test_the_rate_holds_and_then_falls_to_a_tenth() -> None:
    schedule = HoldThenFall(100, peak_rate=1.0, num_warmup=10, fall_share=0.2)
    assert schedule.rate(0) == pytest.approx(0.1)
    assert schedule.rate(9) == schedule.rate(50) == schedule.rate(80) == 1.0
    assert schedule.rate(90) == pytest.approx(0.55)
    assert schedule.rate(100) == pytest.approx(0.1)


def test_a_rank_that_cannot_be_written_is_refused_beforehand() -> None:
    with pytest.raises(UsageError, match="rank 20"):
        require_format("q8_0", 20)
    with pytest.raises(UsageError, match="unknown number format"):
        require_format("q2_k", 32)


def test_a_file_in_another_language_is_noticed(
    base: GgufHeader, tmp_path: Path
) -> None:
    french = "Le chat est assis sur la chaise et regarde par la fenêtre"
    german = "Die Katze sitzt auf dem Stuhl und schaut aus dem Fenster"
    files = []
    for name, text in (("deu", german), ("wrong", french)):
        path = tmp_path / f"{name}.tsv"
        path.write_text(f"The cat sits on the chair\t{text}\n" * 3, "utf-8")
        files.append(PairFile(GERMAN, path))
    sampler = PairSampler(
        files, ENGLISH, make_encoder(base), bos_ids=(2,), batch_size=1, seed=0
    )
    ((file, language),) = find_foreign(sampler)
    assert (file.path.stem, language.code) == ("wrong", "fra")
