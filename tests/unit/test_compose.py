"""Drafters made by their names."""

from pathlib import Path

import pytest

from polyspec.decoding.feedback import Feedback
from polyspec.decoding.step_cost import StepCost
from polyspec.decoding.stop_rule import StopRule
from polyspec.drafting.compose import (
    DRAFTERS,
    Drafting,
    make_drafter,
    name_of_draft_model,
    require_drafter,
)
from polyspec.drafting.model import ModelDrafter
from polyspec.errors import TableError, UsageError
from polyspec.tables.automaton import assemble
from polyspec.tables.format import TableInfo
from polyspec.tables.lexicon import LexiconInfo, write_lexicon
from polyspec.tables.lexicon_store import own_lexicon_path
from polyspec.tables.store import own_table_path
from polyspec.tables.writer import write_table
from tests.fakes import FakeTarget

FINGERPRINT = "f" * 64


def make(name: str) -> Drafting:
    """Make a drafter where there is one table, of German."""
    write_table(
        own_table_path("deu", FINGERPRINT),
        TableInfo("deu", FINGERPRINT, 10, (), 0, "", "{}"),
        assemble({(): [(1, 0.1)], (2,): [(3, 0.8)]}),
    )
    return make_drafter(name, Feedback(), fingerprint=lambda: FINGERPRINT, model="tiny")


@pytest.mark.parametrize(
    ("name", "described"),
    [
        ("auto", "auto: table deu.ffffffffffff, history"),
        ("none", "none"),
        ("table", "table deu.ffffffffffff"),
        ("history", "history"),
        ("memory", "memory"),
    ],
)
def test_what_drafts_is_said(name: str, described: str) -> None:
    drafting = make(name)
    drafting.switch("deu", "translate")
    assert drafting.describe() == described


def test_a_lexicon_joins_the_table_of_its_language() -> None:
    make("auto")
    info = LexiconInfo("eng", "deu", (), 1, 1.0, "{}")
    write_lexicon(own_lexicon_path("eng", "deu"), info, {"a": [("ein", 0.5)]})
    for name in ("auto", "source"):
        drafting = make_drafter(
            name,
            Feedback(),
            fingerprint=lambda: FINGERPRINT,
            model="tiny",
            encode=lambda texts: [[2] for _ in texts],
        )
        drafting.switch("deu", "translate", "eng")
        assert "table deu.ffffffffffff, lexicon eng-deu" in drafting.describe()
        drafting.switch("deu", "story")
        assert "lexicon" not in drafting.describe()
    with pytest.raises(TableError):
        drafting.switch("deu", "translate", "fra")


def test_a_language_without_a_table_is_drafted_from_the_text_alone() -> None:
    drafting = make("auto")
    for language in ("deu", "fra"):
        drafting.switch(language, "translate")
    assert drafting.describe() == "auto: history"
    with pytest.raises(TableError):
        make("table").switch("fra", "translate")


@pytest.mark.parametrize("name", [name for name in DRAFTERS if name != "model"])
def test_every_other_drafter_can_be_made_without_a_model(name: str) -> None:
    assert (make(name).drafter is None) is (name == "none")


@pytest.mark.parametrize("name", ["model", "model:small", "model:/a/b.gguf"])
def test_a_draft_model_drafts_where_one_is_loaded(name: str) -> None:
    rule = StopRule(StepCost.flat(), StepCost.flat())
    drafter = ModelDrafter(FakeTarget(), rule, model_name="small")
    drafting = make_drafter(
        name,
        Feedback(),
        fingerprint=lambda: FINGERPRINT,
        model="tiny",
        draft_model=drafter,
    )
    drafting.switch("deu", "translate")
    assert drafting.describe() == "model small"
    assert set(drafting.learners()) == {"trust", "asking", "model small"}
    assert set(drafter.numbers()) == {"", "deu translate"}
    with pytest.raises(UsageError, match="cannot be used here"):
        make(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("model", ""), ("model:a:b", "a:b"), ("auto", None), ("modelling", None)],
)
def test_a_name_says_which_model_drafts(name: str, expected: str | None) -> None:
    assert name_of_draft_model(name) == expected


def test_a_draft_model_without_a_name_is_refused() -> None:
    with pytest.raises(UsageError, match="no drafter 'model:'"):
        require_drafter("model:")


def test_a_name_that_nobody_has_is_refused() -> None:
    with pytest.raises(UsageError, match="no drafter 'psychic'"):
        make("psychic")


def test_tables_are_trusted_less_beside_what_the_model_itself_wrote() -> None:
    joined = make("auto").feedback
    assert joined.trust("table") == joined.trust("source") < joined.trust("history")
    assert make("table").feedback.trust("table") == 1.0


def test_corrections_belong_to_a_language_and_a_task() -> None:
    drafting = make("auto")
    drafting.switch("deu", "translate")
    drafting.feedback.observe_token("history", 1.0, False)
    assert drafting.history is not None
    drafting.history.hit_rates.record(1, True)
    rate = drafting.history.hit_rates.rate(1)
    for task, is_known in (("story", False), ("translate", True)):
        drafting.switch("deu", task)
        assert (drafting.feedback.trust("history") < 1.0) is is_known
        assert (drafting.history.hit_rates.rate(1) == rate) is is_known


def test_auto_learns_where_there_is_a_place_to_keep_it(tmp_path: Path) -> None:
    drafting = make_drafter(
        "auto",
        Feedback(),
        fingerprint=lambda: FINGERPRINT,
        model="tiny",
        memory_dir=tmp_path,
    )
    drafting.switch("fra", "story")
    assert drafting.describe() == "auto: history, memory"
    assert drafting.drafter is not None
    drafting.drafter.begin(0, [1])
    drafting.drafter.observe(0, [2])
    drafting.drafter.end(0)
    drafting.save()
    assert [path.name for path in tmp_path.glob("*.npz")] == [
        "fra.story.ffffffffffff.npz"
    ]
    assert set(drafting.learners()) == {"trust", "asking", "history", "memory"}
