"""Draft models made ready, without llama.cpp: pairs, tokenizers, faults."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from polyspec import loading
from polyspec.decoding.step_cost import StepCost
from polyspec.engine.model import Model
from polyspec.engine.target import LlamaTarget
from polyspec.errors import EngineError, ModelError, PolySpecError, UsageError
from polyspec.gguf_header import read_gguf_header, tokenizer_fingerprint
from polyspec.loading import Loaded, LoadedDraft, load_draft
from polyspec.paths import models_dir
from polyspec.prompting.profiles import GEMMA_BASE
from polyspec.settings import Settings
from polyspec.training.surgery import Cut, cut_model
from polyspec.training.vocabulary import choose_tokens
from tests.fakes import FakeTarget
from tests.gguf_files import I32, STRING, array, gguf
from tests.tiny_gemma import write_tiny_gemma

QWEN, QWEN_DRAFT = "qwen2.5-coder-1.5b-instruct", "qwen2.5-coder-0.5b-instruct"


def install(name: str, tokens: list[bytes], num_padding: int = 0) -> Path:
    """Put a model of these tokens into the user's folder."""
    path = models_dir() / f"{name}.gguf"
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata: dict[str | bytes, bytes] = {
        "tokenizer.ggml.tokens": array(STRING, tokens),
        "tokenizer.ggml.token_type": array(I32, [1] * len(tokens)),
    }
    path.write_bytes(gguf(metadata) + bytes(num_padding))
    return path


class FakeModel:
    """A model as far as drafting looks at it."""

    can_trim = True

    def __init__(self, path: Path, *, gpu_layers: int = -1) -> None:
        self.path, self.gpu_layers = path, gpu_layers
        self.header = read_gguf_header(path)

    def __enter__(self) -> "FakeModel":
        return self

    def __exit__(self, *_: object) -> None:
        pass


class FakeContext(FakeTarget):
    """A context that notes its options."""

    def __init__(self, model: FakeModel, options: object) -> None:
        super().__init__()
        self.model, self.options = model, options

    def govern(self, expected: StepCost) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[..., LoadedDraft]:
    """Load a draft for the installed model `QWEN` without llama.cpp."""
    monkeypatch.setattr(loading, "Model", FakeModel)
    monkeypatch.setattr(loading, "LlamaTarget", FakeContext)
    monkeypatch.setattr(loading, "require_loadable", lambda path, folder: None)
    monkeypatch.setattr(loading, "_measure", lambda *_: StepCost.flat())

    def load(name: str = "", settings: Settings | None = None) -> LoadedDraft:
        target = SimpleNamespace(options="those of the target")
        loaded = Loaded(
            cast(Model, FakeModel(models_dir() / f"{QWEN}.gguf")),
            cast(LlamaTarget, target),
            GEMMA_BASE,
            StepCost.flat(),
        )
        with load_draft(settings or Settings(), loaded, name) as draft:
            return draft

    return load


def refusal(load: Callable[..., LoadedDraft], name: str = "") -> PolySpecError:
    with pytest.raises(PolySpecError) as caught:
        load(name)
    return caught.value


def test_the_catalogue_knows_the_pair(load: Callable[..., LoadedDraft]) -> None:
    install(QWEN, [b"a", b"b"], num_padding=64)
    install(QWEN_DRAFT, [b"a", b"b"])
    draft = load(settings=Settings(draft_gpu_layers=3))
    assert draft.model.path.stem == QWEN_DRAFT
    assert draft.model.gpu_layers == 3
    assert draft.vocab_size == 2
    assert draft.notes == ()
    assert str(draft.target.options) == "those of the target"


def test_a_pair_that_is_not_installed_is_named(
    load: Callable[..., LoadedDraft],
) -> None:
    install(QWEN, [b"a"])
    error = refusal(load)
    assert isinstance(error, ModelError)
    assert QWEN_DRAFT in error.problem
    assert error.remedy == f"polyspec models pull {QWEN_DRAFT}"


def test_a_model_without_a_pair_needs_a_name(
    load: Callable[..., LoadedDraft], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = install(QWEN, [b"a"])
    path.rename(path.with_stem("my-own"))
    install(QWEN, [b"a"])
    monkeypatch.setattr(FakeModel, "__init__", _always(path.with_stem("my-own")))
    error = refusal(load)
    assert isinstance(error, UsageError)
    assert error.problem == "no draft model is known for my-own"
    assert "--draft model:NAME" in error.remedy


def _always(path: Path) -> Callable[..., None]:
    """Make every model the one at `path`."""

    def init(self: FakeModel, _path: Path, **_: object) -> None:
        self.path, self.header = path, read_gguf_header(path)

    return init


def test_another_tokenizer_is_refused_with_both_fingerprints(
    load: Callable[..., LoadedDraft],
) -> None:
    paths = [install(QWEN, [b"a", b"b"]), install("other", [b"a", b"c"])]
    error = refusal(load, "other")
    for path in paths:
        assert path.stem in error.problem
        assert tokenizer_fingerprint(read_gguf_header(path)) in error.cause


def test_a_larger_draft_is_a_note_with_figures(
    load: Callable[..., LoadedDraft],
) -> None:
    install(QWEN, [b"a"])
    install("huge", [b"a"], num_padding=20_000_000)
    (note,) = load("huge").notes
    assert "huge is larger than" in note
    assert "(0.02 GB against 0.00 GB)" in note


def test_a_memory_that_cannot_be_rolled_back_cannot_draft(
    load: Callable[..., LoadedDraft], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(QWEN, [b"a"])
    install("recurrent", [b"a"])
    monkeypatch.setattr(FakeModel, "can_trim", False)
    error = refusal(load, "recurrent")
    assert error.problem == "recurrent cannot draft"
    assert "rejected" in error.cause


def test_a_draft_that_does_not_exist_or_load_is_an_error(
    load: Callable[..., LoadedDraft], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(QWEN, [b"a"])
    assert isinstance(refusal(load, "no-such-model"), ModelError)
    (models_dir() / "broken.gguf").write_bytes(b"GGUF nonsense")
    assert isinstance(refusal(load, "broken"), ModelError)

    def fail(*_: object) -> FakeContext:
        raise EngineError("no context could be made")

    install("sound", [b"a"])
    monkeypatch.setattr(loading, "LlamaTarget", fail)
    assert refusal(load, "sound").problem == "no context could be made"


def cut_draft(path: Path, name: str) -> Path:
    """Install a draft cut out of a model."""
    header = read_gguf_header(path)
    out = models_dir() / f"{name}.gguf"
    cut_model(header, Cut((0, 5), choose_tokens(header)), {}, out)
    return out


def test_a_trimmed_draft_brings_a_map_of_its_tokens(
    load: Callable[..., LoadedDraft],
) -> None:
    models_dir().mkdir(parents=True)
    target = write_tiny_gemma(models_dir() / f"{QWEN}.gguf")
    cut_draft(target, "trimmed")
    draft = load("trimmed")
    assert draft.token_map is not None
    assert draft.vocab_size == len(draft.token_map) == 260
    assert draft.token_map.to_target([0, 259]) == [0, 260]


def test_a_trimmed_draft_of_another_tokenizer_is_refused(
    load: Callable[..., LoadedDraft],
) -> None:
    install(QWEN, [b"a"])
    cut_draft(write_tiny_gemma(models_dir() / "other.gguf"), "trimmed")
    error = refusal(load, "trimmed")
    assert error.problem.startswith(f"trimmed cannot draft for {QWEN}")
    assert error.remedy == (
        f"make one for it with: polyspec drafts make --target {QWEN}"
    )
