"""Models made ready, without llama.cpp."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from polyspec import loading
from polyspec.catalog.adapters import PROFILE_KEY
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.compose import DRAFTERS
from polyspec.engine.devices import Device
from polyspec.engine.ladder import QUICK, THOROUGH, Effort, Exactness
from polyspec.engine.model import Model
from polyspec.errors import ModelError, UsageError
from polyspec.loading import Loaded, default_context, identify_model, load_model
from polyspec.prompting.profiles import GEMMA_BASE, PAIRS
from polyspec.settings import Settings
from polyspec.translator import open_translator
from tests.fakes import ByteTokenizer, FakeTarget

SECONDS = {1: 0.01, 2: 0.012, 3: 0.014, 64: 0.2}


class FakeModel:
    """A model as far as loading looks at it."""

    description = "tiny"
    num_layers = 4
    max_context = 8192
    bytes_per_token = 1 << 16
    has_gpu = False
    can_trim = True
    closed: list[str]

    def __init__(
        self,
        path: Path,
        *,
        adapter: Path | None = None,
        gpu_layers: int = -1,
        is_repacked: bool = True,
    ) -> None:
        self.path, self.gpu_layers = adapter or path, gpu_layers
        self.is_repacked = is_repacked
        self.files = (path, adapter) if adapter else (path,)
        self.header = SimpleNamespace(metadata={}, file_size=1, tensors=())
        self.tokenizer = ByteTokenizer()

    @property
    def uses_gpu(self) -> bool:
        return self.has_gpu and self.gpu_layers != 0

    def cache_bytes_per_token(self) -> int:
        return self.bytes_per_token

    def __enter__(self) -> "FakeModel":
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.append("model")


class FakeHeader:
    """The header of a file, with the texts it is made with."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.metadata = texts
        self.text = texts.get


class FakeContext(FakeTarget):
    """A target that notes what it was made with and what became of it."""

    made: list["FakeContext"]

    def __init__(self, model: FakeModel, options: Any) -> None:
        super().__init__(vocab_size=259)
        self.model, self.options, self.num_threads = model, options, 2
        self.governed: list[StepCost] = []
        self.made.append(self)

    def govern(self, expected: StepCost) -> None:
        self.governed.append(expected)

    def close(self) -> None:
        FakeModel.closed.append("target")


class Bench:
    """Counts measurements and tells what was reported."""

    def __init__(self) -> None:
        self.num_measured = 0
        self.num_probed = 0
        self.reports: list[str] = []
        self.seconds_as_it_is = SECONDS

    def measure(self, target: FakeContext, _effort: object) -> dict[int, float]:
        self.num_measured += 1
        return SECONDS if target.model.is_repacked else self.seconds_as_it_is

    def probe(self, _target: object) -> Exactness:
        self.num_probed += 1
        return Exactness((2, 3), 512)

    def load(
        self,
        settings: Settings | None = None,
        effort: Effort = QUICK,
        num_texts: int = 1,
    ) -> Loaded:
        chosen = settings or Settings()
        with load_model(chosen, self.reports.append, effort, num_texts) as loaded:
            return loaded


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Loading without llama.cpp."""
    bench = Bench()
    FakeModel.closed, FakeContext.made = [], []
    monkeypatch.setattr(loading, "Model", FakeModel)
    monkeypatch.setattr(loading, "LlamaTarget", FakeContext)
    monkeypatch.setattr(loading, "default_model", lambda task: Path("tiny.gguf"))
    monkeypatch.setattr(loading, "find_model", Path)
    monkeypatch.setattr(loading, "read_gguf_header", lambda path: FakeHeader({}))
    monkeypatch.setattr(loading, "require_loadable", lambda path, folder, adapter: None)
    monkeypatch.setattr(loading, "detect_profile", lambda metadata: GEMMA_BASE)
    monkeypatch.setattr(loading, "measure_step_seconds", bench.measure)
    monkeypatch.setattr(loading, "probe_exactness", bench.probe)
    monkeypatch.setattr(loading, "missing_gpu_note", lambda: None)
    monkeypatch.setattr(loading, "list_devices", list)
    monkeypatch.setattr("polyspec.engine.ladder.list_devices", list)
    monkeypatch.setattr("polyspec.engine.ladder.build_info", lambda: "a build")
    monkeypatch.setattr("polyspec.engine.bindings.wait_policy", lambda: "passive")
    yield bench
    assert FakeModel.closed == ["target", "model"] * len(FakeContext.made)


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
    monkeypatch.setattr(loading, "cache_dir", lambda: blocked)
    bench.load()
    bench.load()
    assert bench.num_measured == 2


FAST_WIDE = {1: 0.013, 2: 0.016, 3: 0.018, 64: 0.12}
SLOW_WIDE = {1: 0.009, 2: 0.012, 3: 0.014, 64: 0.4}


@pytest.mark.parametrize(
    ("as_it_is", "num_texts", "expected"),
    [
        (FAST_WIDE, 1, True),
        (FAST_WIDE, 15, True),
        (FAST_WIDE, 16, False),
        (FAST_WIDE, 10_000, False),
        (SLOW_WIDE, 10_000, True),
        (SECONDS, 10_000, True),
    ],
)
def test_many_texts_get_the_layout_that_is_faster_for_them(
    as_it_is: dict[int, float], num_texts: int, expected: bool, bench: Bench
) -> None:
    bench.seconds_as_it_is = as_it_is
    first, again = (bench.load(num_texts=num_texts) for _ in range(2))
    assert first.model.is_repacked == again.model.is_repacked == expected
    ladder = SECONDS if expected else as_it_is
    for loaded in (first, again):
        assert loaded.step_cost.of(64) == ladder[64]
    assert bench.num_measured == (1 if num_texts < 16 else 2)
    assert bench.load().step_cost.of(64) == SECONDS[64]


def test_the_layout_is_chosen_though_no_ladder_can_be_kept(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setattr(loading, "cache_dir", lambda: blocked)
    bench.seconds_as_it_is = FAST_WIDE
    assert not bench.load(num_texts=64).model.is_repacked


@pytest.mark.parametrize(
    "settings", [Settings(exact=True), Settings(parallel=1), Settings(parallel=15)]
)
def test_what_goes_one_by_one_keeps_the_usual_layout(
    settings: Settings, bench: Bench
) -> None:
    bench.seconds_as_it_is = FAST_WIDE
    assert bench.load(settings, num_texts=64).model.is_repacked


def test_on_a_gpu_the_layout_stays(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = Device("GPU0", "gpu", "a GPU", 1 << 30, 1 << 30)
    monkeypatch.setattr(loading, "list_devices", lambda: [gpu])
    bench.seconds_as_it_is = FAST_WIDE
    assert bench.load(num_texts=64).model.is_repacked
    assert not bench.load(Settings(gpu_layers=0), num_texts=64).model.is_repacked


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

    monkeypatch.setattr(loading, "measure_step_seconds", stop)
    with pytest.raises(KeyboardInterrupt):
        bench.load()
    assert FakeModel.closed == ["target", "model"]


def test_the_context_has_room_for_what_goes_side_by_side(bench: Bench) -> None:
    bench.load(Settings(parallel=100, ctx=1024, threads=3, kv_type="q8_0"))
    bench.load(Settings(parallel=256))
    few, many = (target.options for target in FakeContext.made)
    assert (few.num_sequences, few.max_outputs, few.max_batch) == (122, 128, 900)
    assert (few.context_size, few.num_threads, few.kv_type) == (1024, 3, "q8_0")
    assert (many.num_sequences, many.context_size) == (256, 8192)


def test_more_go_side_by_side_where_there_are_many(bench: Bench) -> None:
    few, many, narrow = bench.load(), bench.load(num_texts=300), Settings(parallel=2)
    assert few.writer is few.streams
    assert (few.max_parallel, many.max_parallel) == (63, 96)
    assert (few.best_parallel, many.best_parallel) == (21, 96)
    assert bench.load(num_texts=75).max_parallel == 75
    rising = StepCost.from_samples({1: 1.0, 16: 4.0, 64: 32.0})
    assert replace(many, step_cost=rising).best_parallel == 13
    assert replace(few, step_cost=StepCost.flat()).best_parallel == 60
    made = FakeContext.made[1].options
    assert (made.num_sequences, made.max_batch) == (96 + 19 + 2, 864)
    alone = bench.load(narrow, num_texts=300)
    assert alone.writer is alone.target


def test_streams_are_for_processors_that_need_not_be_exact(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bench.load(Settings(exact=True), num_texts=300).streams is None
    monkeypatch.setattr(FakeModel, "can_trim", False)
    assert bench.load(num_texts=300).streams is None
    monkeypatch.setattr(FakeModel, "can_trim", True)
    monkeypatch.setattr(FakeModel, "has_gpu", True)
    loaded = bench.load(num_texts=300)
    assert (loaded.streams, loaded.max_parallel) == (None, 63)
    # Each of many texts may have a draft there.
    bench.load(Settings(parallel=100))
    assert FakeContext.made[-1].options.max_outputs == 200


def test_a_gpu_that_cannot_be_used_is_a_note(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        loading, "missing_gpu_note", lambda: ("a GPU is there", "build it in")
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
    monkeypatch.setattr(loading, "list_devices", lambda: [gpu])
    monkeypatch.setattr(FakeModel, "has_gpu", True)
    assert bench.load(Settings(gpu_layers=gpu_layers)).notes == notes


def test_what_is_learned_belongs_to_one_model_on_one_device(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def name(content: bytes, gpu_layers: int = -1) -> str:
        path = tmp_path / "tiny.gguf"
        path.write_bytes(content)
        model = cast(Model, FakeModel(path, gpu_layers=gpu_layers))
        model.header.file_size = len(content)  # type: ignore[misc]
        return identify_model(model)

    names = [name(b"weights"), name(b"another"), name(b"weights", 0)]
    gpu = Device("GPU0", "gpu", "a GPU", 1 << 30, 1 << 30)
    assert name(b"weights") == names[0]
    assert names[0].startswith("tiny.")
    monkeypatch.setattr(loading, "list_devices", lambda: [gpu])
    assert len({*names, name(b"weights")}) == 4


def test_an_adapter_is_loaded_with_the_model_that_it_changes(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = tmp_path / "tiny-translate.gguf"
    adapter.write_bytes(b"adapter")
    texts = {"general.type": "adapter", PROFILE_KEY: "pairs"}
    header = FakeHeader(texts)
    monkeypatch.setattr(loading, "read_gguf_header", lambda path: header)
    monkeypatch.setattr(loading, "find_base", lambda header: Path("tiny.gguf"))
    loaded = bench.load(Settings(model=str(adapter)))
    assert loaded.model.files == (Path("tiny.gguf"), adapter)
    assert loaded.model.path == adapter
    assert loaded.profile is PAIRS
    assert bench.reports == ["measuring how fast tiny-translate is here, once"]
    before = identify_model(loaded.model)
    adapter.write_bytes(b"trained")
    assert identify_model(loaded.model) != before
