"""What `--stats` says of a run."""

from typing import cast

import pytest

from polyspec.cli.run_stats import RunStats, drafter_fields, show_stats
from polyspec.decoding.counters import Counters, DrafterCounts
from polyspec.decoding.feedback import Feedback
from polyspec.decoding.interfaces import Draft
from polyspec.drafting.compose import Drafting
from polyspec.drafting.router import Choice
from polyspec.prompting.interfaces import DraftCounts
from polyspec.translator import Translator


class FakeTranslator:
    """A run that is over."""

    num_parallel = 4
    drafter_name = "auto: table yor.3c1c93b8a0f2, history"

    def __init__(self) -> None:
        self.counters = Counters()
        self.drafting = Drafting("auto", Feedback())

    def describe_devices(self) -> str:
        return "tiny on paper"

    def drafter_counts(self) -> dict[str, DrafterCounts]:
        return self.counters.by_drafter


@pytest.fixture
def run() -> FakeTranslator:
    return FakeTranslator()


def lines(run: FakeTranslator, capsys: pytest.CaptureFixture[str]) -> list[str]:
    sums = RunStats()
    sums.add(20, DraftCounts(10, 4, 3, {"table": 3}))
    show_stats(sums, cast(Translator, run), 2.0)
    out, err = capsys.readouterr()
    assert out == ""
    return [line.removeprefix("polyspec: ") for line in err.splitlines()]


def test_the_table_and_what_it_saved_are_named(
    run: FakeTranslator, capsys: pytest.CaptureFixture[str]
) -> None:
    run.counters.count_call("table", 9, 30e-6)
    run.counters.count_call("table", 5, 10e-6)
    draft = Draft((1, 2), (0.9, 0.9), ("table", "table"))
    run.counters.count_verified(draft, 2)
    run.counters.count_verified(draft, 1)
    run.counters.of("table").saved_s = 0.5
    assert lines(run, capsys)[-2:] == [
        "drafters: auto: table yor.3c1c93b8a0f2, history",
        "table: asked 2 times (20 µs each), 14 tokens proposed, 4 verified, 3 accepted "
        "(75%; by place 100% 50%): 3 tokens saved, 0.50 s saved",
    ]


def test_time_that_was_lost_is_not_hidden(
    run: FakeTranslator, capsys: pytest.CaptureFixture[str]
) -> None:
    run.counters.count_call("history", 1, 0.25)
    run.counters.count_verified(Draft((1,), (0.9,), ("history",)), 0)
    assert lines(run, capsys)[-1].endswith("0 tokens saved, 0.25 s lost")


def test_a_drafter_that_had_nothing_worth_verifying_saved_nothing(
    run: FakeTranslator, capsys: pytest.CaptureFixture[str]
) -> None:
    run.counters.count_call("history", 3, 1e-6)
    assert lines(run, capsys)[-1] == (
        "history: asked 1 times (1 µs each), 3 tokens proposed, 0 verified: "
        "nothing saved"
    )


def test_a_place_that_only_others_filled_is_left_open(
    run: FakeTranslator, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = Draft((1, 2), (0.9, 0.9), ("table", "history"))
    run.counters.count_call("history", 1, 1e-6)
    run.counters.count_verified(draft, 2)
    assert "by place - 100%" in lines(run, capsys)[-1]


def test_a_drafter_that_never_proposed_is_left_out(
    run: FakeTranslator, capsys: pytest.CaptureFixture[str]
) -> None:
    run.counters.count_call("table", 0, 1e-6)
    assert not lines(run, capsys)[-1].startswith("table")


def test_json_has_every_count(run: FakeTranslator) -> None:
    run.counters.count_call("table", 9, 0.5)
    assert drafter_fields(cast(Translator, run)) == {
        "table": {
            "num_calls": 1,
            "num_proposed": 9,
            "num_verified": 0,
            "num_accepted": 0,
            "asked_s": 0.5,
            "saved_s": -0.5,
            "verified_at": [],
            "accepted_at": [],
        }
    }


def test_what_the_router_chose_is_said(
    run: FakeTranslator, capsys: pytest.CaptureFixture[str]
) -> None:
    run.drafting.route = (Choice("source", 1.21), Choice("table", 1.0, True))
    assert lines(run, capsys)[-1] == (
        "router: source expects 1.21; table rests, expects 1.00"
    )
