"""A translator with a draft model, without llama.cpp."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from polyspec.decoding.step_cost import StepCost
from polyspec.engine.model import Model
from polyspec.engine.target import LlamaTarget
from polyspec.loading import Loaded, LoadedDraft
from polyspec.prompting.profiles import GEMMA_BASE
from polyspec.settings import Settings
from polyspec.translator import (
    assembly,
    make_model_drafter,
    make_translator,
    open_translator,
)
from tests.fakes import ByteTokenizer, FakeTarget

FREE = StepCost.from_samples({1: 1e-9, 64: 1e-9})


def make_model(name: str) -> Model:
    return cast(
        Model,
        SimpleNamespace(
            tokenizer=ByteTokenizer(),
            path=Path(f"{name}.gguf"),
            files=(),
            header=SimpleNamespace(file_size=1, tensors=()),
            description=f"{name} 1B",
            gpu_layers=0,
        ),
    )


def make_target(**options: object) -> LlamaTarget:
    made = FakeTarget(**options)  # type: ignore[arg-type]
    made.num_threads = 2  # type: ignore[attr-defined]
    return cast(LlamaTarget, made)


def make_loaded(*, can_trim: bool = True) -> Loaded:
    target = make_target(can_trim=can_trim)
    return Loaded(make_model("big"), target, GEMMA_BASE, StepCost.flat())


def make_draft(**options: object) -> LoadedDraft:
    target = make_target(**options)
    return LoadedDraft(make_model("small"), target, FREE, 5, ("small is large",))


def test_the_draft_model_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polyspec.translator.devices.list_devices", list)
    made = make_translator(Settings(draft="model"), make_loaded(), make_draft())
    assert made.drafter_name == "model small"
    assert made.notes == ["small is large"]
    assert made.describe_devices() == (
        "big (big 1B) on 2 processor threads; "
        "drafts: small (small 1B) on 2 processor threads"
    )


def test_a_draft_model_that_fails_is_told_of_once() -> None:
    reports: list[str] = []
    drafter = make_model_drafter(make_loaded(), make_draft(fail_at=0), reports.append)
    drafter.begin(0, [1, 2])
    for _ in range(3):
        assert not drafter.propose([0], [2])[0].token_ids
    assert reports == [
        "the work goes on without drafts, small has failed: the fake failed, as asked"
    ]


@pytest.mark.parametrize(
    ("draft", "can_trim", "wanted"),
    [
        ("model", True, [""]),
        ("model:small", True, ["small"]),
        ("history", True, []),
        ("model:small", False, []),
    ],
)
def test_a_draft_model_is_loaded_only_where_it_can_draft(
    draft: str,
    can_trim: bool,
    wanted: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names: list[str] = []

    @contextmanager
    def load_model(*_: object, **_named: object) -> Iterator[Loaded]:
        yield make_loaded(can_trim=can_trim)

    @contextmanager
    def load_draft(
        settings: Settings, loaded: Loaded, name: str, report: object
    ) -> Iterator[LoadedDraft]:
        names.append(name)
        yield make_draft()

    monkeypatch.setattr(assembly, "load_model", load_model)
    monkeypatch.setattr(assembly, "load_draft", load_draft)
    with open_translator(Settings(draft=draft)) as made:
        assert (made.draft is not None) == bool(wanted)
        assert (made.drafter_name == "none") is not can_trim
    assert names == wanted
