"""Settings to a translator, without a model."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from polyspec.decoding.sampling import Sampling
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.compose import DRAFTERS, require_drafter
from polyspec.engine.model import Model
from polyspec.engine.target import LlamaTarget
from polyspec.errors import UsageError
from polyspec.loading import Loaded
from polyspec.paths import data_dir
from polyspec.prompting.profiles import GEMMA_BASE
from polyspec.settings import Settings
from polyspec.stories.writer import STORY_SAMPLING
from polyspec.translator import (
    adjust_sampling,
    assembly,
    make_translator,
    open_translator,
)
from tests.fakes import ByteTokenizer, FakeTarget

SECONDS = {1: 0.01, 2: 0.012, 3: 0.014, 64: 0.2}


def make_loaded(
    *, can_trim: bool = True, cost: StepCost | None = None, notes: tuple[str, ...] = ()
) -> Loaded:
    model = SimpleNamespace(
        tokenizer=ByteTokenizer(), path=Path("tiny.gguf"), header=None
    )
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


@pytest.mark.parametrize("name", DRAFTERS)
def test_every_drafter_that_is_named_exists(name: str) -> None:
    require_drafter(name)


def test_history_drafts_unless_told_otherwise() -> None:
    made = make_translator(Settings(), make_loaded(notes=("mind this",)))
    assert (made.drafter_name, made.notes) == (
        "auto: history, memory, match",
        ["mind this"],
    )
    off = make_translator(Settings(draft="none"), make_loaded())
    assert (off.drafter_name, off.notes) == ("none", [])


def test_a_memory_that_cannot_be_trimmed_turns_drafting_off() -> None:
    made = make_translator(Settings(), make_loaded(can_trim=False))
    assert made.drafter_name == "none"
    assert made.notes == ["drafting is off: this model's memory cannot drop its tail"]


def test_exactness_goes_one_by_one_and_says_how_far_it_drafts() -> None:
    made = make_translator(Settings(exact=True, parallel=8), make_loaded())
    assert (made.num_parallel, made.drafter_name) == (1, "auto: history, memory, match")
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
    assert make_translator(Settings(), loaded).num_parallel == 60
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
    first, second = (make_translator(Settings(), make_loaded()) for _ in range(2))
    assert first.drafting.drafter is not second.drafting.drafter


@pytest.fixture
def opening(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening without a model file."""

    @contextmanager
    def load(*_: object, **_named: object) -> Iterator[Loaded]:
        yield make_loaded()

    monkeypatch.setattr(assembly, "load_model", load)
    monkeypatch.setattr(assembly, "identify_model", lambda model: "tiny.1234")
    monkeypatch.setattr(assembly, "tokenizer_fingerprint", lambda header: "f" * 64)


@pytest.mark.usefixtures("opening")
def test_what_a_run_learns_about_drafters_the_next_one_knows() -> None:
    for expected in (1.0, 0.2):
        with open_translator(Settings()) as made:
            made.drafting.switch("deu", "translate")
            assert made.drafting.feedback.trust("history") == pytest.approx(
                expected, abs=0.05
            )
            made.drafting.switch("deu", "story")
            assert made.drafting.feedback.trust("history") == 1.0
            made.drafting.switch("deu", "translate")
            for _ in range(100):
                made.drafting.feedback.observe_token("history", 1.0, False)


@pytest.mark.usefixtures("opening")
def test_a_run_that_fails_keeps_what_it_learned_as_well() -> None:
    def fail() -> None:
        with open_translator(Settings()) as made:
            made.drafting.feedback.observe_token("history", 1.0, True)
            raise UsageError("it failed")

    with pytest.raises(UsageError):
        fail()
    assert (data_dir() / "drafting" / "tiny.1234.json").is_file()


@pytest.mark.usefixtures("opening")
def test_without_drafts_nothing_is_learned() -> None:
    with open_translator(Settings(draft="none")):
        pass
    assert not data_dir().exists()


@pytest.mark.usefixtures("opening")
def test_damaged_numbers_are_told_once_and_cost_nothing_else() -> None:
    path = data_dir() / "drafting" / "tiny.1234.json"
    path.parent.mkdir(parents=True)
    path.write_text("{", encoding="utf-8")
    told: list[str] = []
    for _ in range(2):
        with open_translator(Settings(), told.append):
            pass
    assert len(told) == 1
    assert "tiny.1234.json.damaged" in told[0]


@pytest.mark.usefixtures("opening")
def test_what_the_target_wrote_is_learned_unless_that_is_off() -> None:
    for settings, num_files in ((Settings(memory=False), 0), (Settings(), 1)):
        with open_translator(settings) as made:
            assert (made.drafting.memory is not None) is settings.memory
            made.drafting.switch("deu", "story")
            assert made.drafting.drafter is not None
            made.drafting.drafter.begin(0, [1])
            made.drafting.drafter.observe(0, [2, 3])
            made.drafting.drafter.end(0)
        assert len(list(data_dir().glob("memory/*.npz"))) == num_files
