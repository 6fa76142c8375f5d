"""The mean of adapters, and what cannot be averaged."""

from pathlib import Path

import numpy as np
import pytest

from polyspec.catalog.store import model_path
from polyspec.cli import main
from polyspec.errors import ModelError, UsageError
from polyspec.gguf_header import GgufHeader, read_gguf_header
from polyspec.prompting.profiles import find_profile
from polyspec.training import adapter_export
from polyspec.training.adapter_average import average_adapters
from polyspec.training.adapter_card import read_alpha, read_languages
from polyspec.training.adapter_export import export_adapter
from polyspec.training.weights import read_weights
from tests.tiny_gemma import write_tiny_gemma

A, B = "blk.0.attn_q.weight.lora_a", "blk.0.attn_q.weight.lora_b"


def install(name: str) -> GgufHeader:
    path = model_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return read_gguf_header(write_tiny_gemma(path, 1))


@pytest.fixture
def base() -> GgufHeader:
    return install("tiny")


def make_adapter(
    base: GgufHeader,
    out: Path,
    value: float,
    alpha: float = 8.0,
    rank: int = 4,
    languages: tuple[str, ...] = ("de",),
    names: str = "German",
) -> GgufHeader:
    weights = {
        A: np.full((rank, 8), value, np.float32),
        B: np.full((8, rank), 10 * value, np.float32),
    }
    card = {"steps": "7", "seed": "3", "corpus": "made up", "languages": names}
    export_adapter(weights, alpha, base, card, out, languages=languages)
    return read_gguf_header(out)


def tensor(adapter: GgufHeader, side: str) -> float:
    weights = read_weights(adapter, f"blk.0.attn_q.weight.lora_{side}")
    assert weights.min() == weights.max()
    return float(weights.flat[0])


def test_both_factors_are_averaged(base: GgufHeader, tmp_path: Path) -> None:
    one = make_adapter(base, tmp_path / "one.gguf", 1.0)
    other = make_adapter(
        base, tmp_path / "other.gguf", 4.0, 8.0, 4, ("fr", "de"), "French, German"
    )
    average_adapters([one, other, one], {"figures": "chrF 40"}, tmp_path / "mean.gguf")
    mean = read_gguf_header(tmp_path / "mean.gguf")
    assert tensor(mean, "a") == pytest.approx(2.0, rel=1e-3)
    assert tensor(mean, "b") == pytest.approx(20.0, rel=1e-3)
    assert read_languages(mean) == ["de", "fr"]
    assert mean.text("polyspec.adapter.figures") == "chrF 40"
    assert mean.text("polyspec.adapter.mean of") == (
        "one (steps: 7; seed: 3), other (steps: 7; seed: 3), one (steps: 7; seed: 3)"
    )
    assert mean.text("polyspec.adapter.languages") == "German, French"
    assert mean.text("polyspec.adapter.corpus") == "made up"


def test_other_strengths_are_evened_out(base: GgufHeader, tmp_path: Path) -> None:
    one = make_adapter(base, tmp_path / "one.gguf", 1.0, alpha=8.0)
    other = make_adapter(base, tmp_path / "other.gguf", 1.0, alpha=16.0)
    average_adapters([one, other], {}, tmp_path / "mean.gguf")
    mean = read_gguf_header(tmp_path / "mean.gguf")
    assert read_alpha(mean) == 8.0
    assert (tensor(mean, "a"), tensor(mean, "b")) == (1.0, 15.0)


def test_an_adapter_without_a_strength_counts_once(
    base: GgufHeader, tmp_path: Path
) -> None:
    adapter = make_adapter(base, tmp_path / "one.gguf", 1.0, alpha=0.0)
    assert read_alpha(adapter) == 4.0


def test_an_adapter_made_for_another_prompt_is_refused(
    base: GgufHeader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make_adapter(base, tmp_path / "one.gguf", 1.0)
    monkeypatch.setattr(adapter_export, "PAIRS", find_profile("plain"))
    other = make_adapter(base, tmp_path / "other.gguf", 1.0)
    monkeypatch.undo()
    with pytest.raises(ModelError) as caught:
        average_adapters([one, other], {}, tmp_path / "mean.gguf")
    assert caught.value.cause == "it was not made with polyspec train adapter"


def test_what_has_no_mean_is_refused(base: GgufHeader, tmp_path: Path) -> None:
    one = make_adapter(base, tmp_path / "one.gguf", 1.0)
    wide = make_adapter(base, tmp_path / "wide.gguf", 1.0, rank=8)
    foreign = make_adapter(install("foreign"), tmp_path / "foreign.gguf", 1.0)
    out = tmp_path / "mean.gguf"
    for other, cause in (
        (base, "it is no adapter"),
        (wide, f"its matrices are not those of {one.path}"),
        (foreign, f"it is of another model than {one.path}"),
    ):
        with pytest.raises(ModelError, match="cannot be averaged") as caught:
            average_adapters([one, other], {}, out)
        assert caught.value.cause == cause
    for number_format in ("q8_0", "q2_k"):
        with pytest.raises(UsageError):
            average_adapters([one, one], {}, out, number_format=number_format)
    assert not out.exists()


def test_the_command_writes_the_mean(
    base: GgufHeader, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / "one.gguf", tmp_path / "other.gguf"]
    for path, value in zip(paths, (1.0, 2.0), strict=True):
        make_adapter(base, path, value)
    out = tmp_path / "mean.gguf"
    command = ["train", "average", *map(str, paths)]
    assert main.main([*command, "--corpus", "ours", "-o", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    mean = read_gguf_header(out)
    assert tensor(mean, "b") == 15.0
    assert mean.text("polyspec.adapter.corpus") == "ours"
    assert main.main([*command, str(base.path), "-o", str(tmp_path / "no.gguf")]) == 3
    assert "cannot be averaged" in capsys.readouterr().err
