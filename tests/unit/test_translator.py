"""Settings to a translator, without a model."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from polyspec import translator
from polyspec.decoding.sampling import Sampling
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.history import HistoryDrafter
from polyspec.engine.devices import Device
from polyspec.engine.ladder import THOROUGH, Exactness
from polyspec.engine.model import Model
from polyspec.engine.target import LlamaTarget
from polyspec.errors import ModelError, UsageError
from polyspec.prompting.profiles import GEMMA_BASE
from polyspec.settings import Settings
from polyspec.stories.writer import STORY_SAMPLING
from polyspec.translator import (
    DRAFTERS,
    Loaded,
    adjust_sampling,
    default_context,
    load_model,
    make_translator,
    open_translator,
    require_drafter,
)
from tests.fakes import ByteTokenizer, FakeTarget

SECONDS = {1: 0.01, 2: 0.012, 3: 0.014, 64: 0.2}


class FakeModel:
    """A model as far as loading looks at it."""

    description = "tiny"
    num_layers = 4
    max_context = 8192
    bytes_per_token = 1 << 16
    closed: list[str]

    def __init__(self, path: Path, *, gpu_layers: int = -1) -> None:
        self.path, self.gpu_layers = path, gpu_layers
        self.header = SimpleNamespace(metadata={}, file_size=1, tensors=())
        self.tokenizer = ByteTokenizer()

    def cache_bytes_per_token(self) -> int:
        return self.bytes_per_token

    def __enter__(self) -> "FakeModel":
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.append("model")


class FakeContext(FakeTarget):
    """A target that notes what it was made with and what became of it."""

    made: list["FakeContext"]

    def __init__(self, model: FakeModel, options: Any) -> None:
        super().__init__(vocab_size=259)
        self.model, self.options, self.num_threads = model, options, 2
        self.governed: list[StepCost] = []
        self.made.append(self)

    def govern_threads(self, expected: StepCost) -> None:
        self.governed.append(expected)

    def close(self) -> None:
        FakeModel.closed.append("target")


class Bench:
    """Counts measurements and tells what was reported."""

    def __init__(self) -> None:
        self.num_measured = 0
        self.num_probed = 0
        self.reports: list[str] = []

    def measure(self, _target: object, _effort: object) -> dict[int, float]:
        self.num_measured += 1
        return SECONDS

    def probe(self, _target: object) -> Exactness:
        self.num_probed += 1
        return Exactness((2, 3), 512)

    def load(self, settings: Settings | None = None, *effort: Any) -> Loaded:
        chosen = settings or Settings()
        with load_model(chosen, self.reports.append, *effort) as loaded:
            return loaded


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Loading without llama.cpp."""
    bench = Bench()
    FakeModel.closed, FakeContext.made = [], []
    monkeypatch.setattr(translator, "Model", FakeModel)
    monkeypatch.setattr(translator, "LlamaTarget", FakeContext)
    monkeypatch.setattr(translator, "default_model", lambda: Path("tiny.gguf"))
    monkeypatch.setattr(translator, "find_model", Path)
    monkeypatch.setattr(translator, "require_loadable", lambda path, folder: None)
    monkeypatch.setattr(translator, "detect_profile", lambda metadata: GEMMA_BASE)
    monkeypatch.setattr(translator, "measure_step_seconds", bench.measure)
    monkeypatch.setattr(translator, "probe_exactness", bench.probe)
    monkeypatch.setattr(translator, "missing_gpu_note", lambda: None)
    monkeypatch.setattr(translator, "list_devices", list)
    monkeypatch.setattr("polyspec.engine.ladder.list_devices", list)
    monkeypatch.setattr("polyspec.engine.ladder.build_info", lambda: "a build")
    monkeypatch.setattr("polyspec.engine.bindings.wait_policy", lambda: "passive")
    yield bench
    assert FakeModel.closed == ["target", "model"] * len(FakeContext.made)


def make_loaded(
    *, can_trim: bool = True, cost: StepCost | None = None, notes: tuple[str, ...] = ()
) -> Loaded:
    model = SimpleNamespace(tokenizer=ByteTokenizer(), path=Path("tiny.gguf"))
    return Loaded(
        model=cast(Model, model),
        target=cast(LlamaTarget, FakeTarget(can_trim=can_trim)),
        profile=GEMMA_BASE,
        step_cost=cost or StepCost.from_samples(SECONDS, [2, 3], 512),
        notes=notes,
    )


def test_what_the_user_chose_takes_the_place_of_the_task() -> None:
    settings = Settings(temperature=0.0, top_k=0, seed=7)
    assert adjust_sampling(STORY_SAMPLING, settings) == Sampling(
        temperature=0.0, top_k=0, top_p=0.9, seed=7
    )


def test_without_a_choice_the_task_decides() -> None:
    assert adjust_sampling(STORY_SAMPLING, Settings()) == STORY_SAMPLING


@pytest.mark.parametrize(
    ("bytes_per_token", "trained_for", "expected"),
    [
        (1 << 10, 131_072, 16384),
        (1 << 15, 131_072, 16384),
        (1 << 16, 131_072, 8192),
        (100_000, 131_072, 4096),
        (1 << 20, 131_072, 2048),
        (1 << 10, 4096, 4096),
        (1 << 10, 512, 512),
        (1 << 10, 0, 16384),
        (0, 0, 16384),
    ],
)
def test_the_context_fits_memory_and_training(
    bytes_per_token: int, trained_for: int, expected: int
) -> None:
    model = SimpleNamespace(
        cache_bytes_per_token=lambda: bytes_per_token, max_context=trained_for
    )
    assert default_context(cast(Model, model)) == expected


@pytest.mark.parametrize("name", DRAFTERS)
def test_every_drafter_that_is_named_exists(name: str) -> None:
    require_drafter(name)


def test_an_unknown_drafter_is_refused_before_anything_is_loaded(bench: Bench) -> None:
    with (
        pytest.raises(UsageError) as caught,
        open_translator(Settings(draft="psychic")),
    ):
        pass
    assert caught.value.problem == "there is no drafter 'psychic'"
    assert caught.value.cause == f"the drafters are {', '.join(DRAFTERS)}"
    assert caught.value.remedy == "pass --draft auto"
    assert FakeContext.made == []


def test_a_ladder_is_measured_once_and_said_so(bench: Bench) -> None:
    first, second = bench.load(), bench.load()
    assert (bench.num_measured, bench.num_probed) == (1, 0)
    assert bench.reports == ["measuring how fast tiny is here, once"]
    for loaded in (first, second):
        assert loaded.step_cost.measured_widths == tuple(SECONDS)
        assert not loaded.step_cost.identical_widths


def test_exactness_is_probed_when_it_is_asked_for(bench: Bench) -> None:
    bench.load()
    for _ in range(2):
        cost = bench.load(Settings(exact=True)).step_cost
        assert cost.identical_widths == {2, 3}
        assert cost.identical_tokens == 512
        assert cost.of(2) == SECONDS[2]
    assert (bench.num_measured, bench.num_probed) == (1, 1)
    assert bench.reports[1:] == ["probing which steps of tiny are exact here, once"]
    assert bench.load().step_cost.identical_widths == {2, 3}


def test_a_thorough_measurement_is_made_anew_and_kept(bench: Bench) -> None:
    bench.load()
    bench.load(None, THOROUGH)
    assert (bench.num_measured, bench.num_probed) == (2, 1)
    assert bench.load().step_cost.identical_widths == {2, 3}
    assert (bench.num_measured, bench.num_probed) == (2, 1)


def test_a_cache_that_cannot_be_written_only_costs_time(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setattr(translator, "cache_dir", lambda: blocked)
    bench.load()
    bench.load()
    assert bench.num_measured == 2


def test_threads_are_left_alone_where_exactness_counts(bench: Bench) -> None:
    bench.load()
    bench.load(Settings(exact=True))
    assert [len(target.governed) for target in FakeContext.made] == [1, 0]


def test_what_is_loaded_is_freed_when_the_work_fails(bench: Bench) -> None:
    def work() -> None:
        with open_translator(Settings()):
            raise ModelError("it failed")

    with pytest.raises(ModelError):
        work()
    assert FakeModel.closed == ["target", "model"]


def test_what_is_loaded_is_freed_when_measuring_is_interrupted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> dict[int, float]:
        raise KeyboardInterrupt

    monkeypatch.setattr(translator, "measure_step_seconds", stop)
    with pytest.raises(KeyboardInterrupt):
        bench.load()
    assert FakeModel.closed == ["target", "model"]


def test_the_context_has_room_for_what_goes_side_by_side(bench: Bench) -> None:
    bench.load(Settings(parallel=100, ctx=1024, threads=3, kv_type="q8_0"))
    bench.load(Settings(parallel=256))
    few, many = (target.options for target in FakeContext.made)
    assert (few.num_sequences, few.max_outputs) == (102, 200)
    assert (few.context_size, few.num_threads, few.kv_type) == (1024, 3, "q8_0")
    assert (many.num_sequences, many.context_size) == (256, 8192)


def test_a_gpu_that_cannot_be_used_is_a_note(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        translator, "missing_gpu_note", lambda: ("a GPU is there", "build it in")
    )
    notes = bench.load().notes
    assert notes == ("a GPU is there; to change that: build it in",)


@pytest.mark.parametrize(
    ("gpu_layers", "notes"),
    [
        (0, ()),
        (-1, ()),
        (4, ()),
        (3, ("3 of 4 layers are on the GPU; the others are on the processor",)),
    ],
)
def test_layers_left_on_the_processor_are_a_note(
    gpu_layers: int,
    notes: tuple[str, ...],
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gpu = Device("GPU0", "gpu", "a GPU", 1 << 30, 1 << 30)
    monkeypatch.setattr(translator, "list_devices", lambda: [gpu])
    assert bench.load(Settings(gpu_layers=gpu_layers)).notes == notes


def test_history_drafts_unless_told_otherwise() -> None:
    made = make_translator(Settings(), make_loaded(notes=("mind this",)))
    assert (made.drafter_name, made.notes) == ("history", ["mind this"])
    off = make_translator(Settings(draft="none"), make_loaded())
    assert (off.drafter_name, off.notes) == ("none", [])


def test_a_memory_that_cannot_be_trimmed_turns_drafting_off() -> None:
    made = make_translator(Settings(), make_loaded(can_trim=False))
    assert made.drafter_name == "none"
    assert made.notes == ["drafting is off: this model's memory cannot drop its tail"]


def test_exactness_goes_one_by_one_and_says_how_far_it_drafts() -> None:
    made = make_translator(Settings(exact=True, parallel=8), make_loaded())
    assert (made.num_parallel, made.drafter_name) == (1, "history")
    assert made.notes == [
        "exact: segments go one by one, and drafts are taken while prompt and answer "
        "have at most 512 tokens"
    ]


def test_exactness_without_an_exact_width_turns_drafting_off() -> None:
    loaded = make_loaded(cost=StepCost.from_samples(SECONDS))
    made = make_translator(Settings(exact=True), loaded)
    assert (made.num_parallel, made.drafter_name) == (1, "none")
    assert len(made.notes) == 1
    assert "as --exact asks" in made.notes[0]


def test_as_many_go_side_by_side_as_pay_unless_told_otherwise() -> None:
    loaded = make_loaded(cost=StepCost.flat())
    assert make_translator(Settings(), loaded).num_parallel == 61
    assert make_translator(Settings(parallel=3), loaded).num_parallel == 3


def test_languages_come_from_the_call_or_the_settings() -> None:
    made = make_translator(Settings(to="fr", from_="German"), make_loaded())
    assert made.target_language().code == "fra"
    assert made.target_language("yo").code == "yor"
    assert made.source_language().code == "deu"
    assert made.source_language("it").code == "ita"


def test_a_text_is_english_unless_told_otherwise() -> None:
    made = make_translator(Settings(), make_loaded())
    assert made.source_language().code == "eng"
    with pytest.raises(UsageError) as caught:
        made.translate(["hello"])
    assert caught.value.remedy == "pass --to CODE, for example --to fr"


def test_the_drafter_of_a_session_is_its_own() -> None:
    loaded = make_loaded()
    first = translator._make_drafter(Settings(), loaded, [])
    second = translator._make_drafter(Settings(), loaded, [])
    assert isinstance(first, HistoryDrafter)
    assert first is not second
