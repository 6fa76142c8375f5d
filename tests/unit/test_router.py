"""Which drafters work: by what was measured beforehand, then by what is seen."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.benchmarks.gain_curves import SHARES, format_gains, linear_ladder
from polyspec.decoding.asking import Asking, AskingByLabel
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.expectations import Gains, drafted_share, read_gains
from polyspec.drafting.router import Choice, Router

FINGERPRINT = "f" * 64
KEY = ("f" * 12, "deu", "translate", "table")
GAINS = Gains((0.1, 0.5), {KEY: (1.2, 1.0)})


def route(share: float, asking: Asking, names: Sequence[str] = ("table",)) -> Choice:
    router = Router(lambda: FINGERPRINT, share, lambda: GAINS)
    return router.route("deu", "translate", names, asking)[0]


def judge(asking: Asking, name: str, *, spent_s: float, saved_s: float) -> None:
    for _ in range(60):
        asking.observe_call(name, spent_s)
        asking.observe_step(1.0, {name: saved_s})


def test_gains_are_read_between_the_measured_costs() -> None:
    assert GAINS.expect(FINGERPRINT, "deu", "translate", "table", 0.3) == pytest.approx(
        1.1
    )
    assert GAINS.expect(FINGERPRINT, "deu", "translate", "table", 9.0) == 1.0
    assert GAINS.expect(FINGERPRINT, "deu", "story", "table", 0.3) is None
    assert GAINS.best(FINGERPRINT, "translate", 0.1) == {"deu": 1.2}
    assert GAINS.best("e" * 64, "translate", 0.1) == {}


def test_a_drafted_token_costs_what_it_adds_to_a_step() -> None:
    assert drafted_share(linear_ladder(0.25)) == pytest.approx(0.25)
    assert drafted_share(StepCost.flat()) == 0.0
    # Side by side, each sequence has a share of the step and of what drafts add.
    dear = StepCost.from_samples({1: 1.0, 2: 1.0, 10: 5.0})
    assert drafted_share(dear, 2) > drafted_share(dear, 1)


def test_what_promises_nothing_rests_and_is_tried_again() -> None:
    asking = Asking()
    assert route(0.5, asking) == Choice("table", 1.0, is_resting=True)
    asked = [bool(asking.order(["table"])) for _ in range(104)]
    assert not any(asked[:95])
    assert any(asked)


def test_what_promises_much_works() -> None:
    asking = Asking()
    choice = route(0.1, asking)
    assert not choice.is_resting
    assert choice.describe() == "table expects 1.20"
    assert asking.order(["table"]) == ["table"]


def test_what_was_never_measured_works() -> None:
    asking = Asking()
    choice = route(0.5, asking, ["history"])
    assert choice.describe() == "history not measured beforehand"
    assert asking.order(["history"]) == ["history"]


def test_who_does_not_pay_is_tried_again_the_sooner_the_less_that_takes() -> None:
    def num_asked(spent_s: float) -> int:
        asking = Asking()
        judge(asking, "table", spent_s=spent_s, saved_s=0.0)
        return sum(bool(asking.order(["table"])) for _ in range(480))

    assert num_asked(0.005) > 2 * num_asked(0.05) > 0
    assert num_asked(0.3) <= 8


def test_who_takes_much_is_judged_sooner() -> None:
    def num_trials(spent_s: float) -> int:
        asking = Asking()
        for number in range(100):
            if asking.is_judged("table"):
                return number
            asking.observe_call("table", spent_s)
            asking.observe_step(1.0, {})
        return 100

    assert num_trials(0.5) < num_trials(0.01) < 100


def test_nobody_is_asked_where_all_together_do_not_pay() -> None:
    """Though each takes so little that it may always be asked."""
    names = [f"drafter {number}" for number in range(20)]

    def num_asked(saved_s: float) -> int:
        asking, asked = Asking(), 0
        for _ in range(1000):
            found = asking.order(names)
            asked += len(found) == len(names)
            for name in found:
                asking.observe_call(name, 0.001)
            if found:
                asking.observe_round(0.02)
            asking.observe_step(1.0, {found[0]: saved_s} if found else {})
        return asked

    assert 24 <= num_asked(0.0) < 250
    assert num_asked(0.03) == 1000


@pytest.mark.parametrize("can_save", [True, False])
def test_one_looks_out_for_all_while_they_rest(can_save: bool) -> None:
    """It need not be the cheapest: that one may never propose anything."""
    asking, names = Asking(), ["dear", "cheap"]
    costs = {"dear": 0.05, "cheap": 0.002}
    asked: list[list[str]] = []
    for number in range(120):
        found = asking.order(names)
        if not found and asking.may_look("cheap"):
            found = ["cheap"]
        asked.append(sorted(found))
        for name in found:
            asking.observe_call(name, costs[name])
        if found:
            asking.observe_round(sum(map(costs.__getitem__, found)))
        # From then on a text repeats itself.
        saves = can_save and number >= 60 and "cheap" in found
        asking.observe_step(1.0, {"cheap": 2.0} if saves else {})
    resting = asked[30:60]
    assert ["cheap"] in resting
    assert 20 < resting.count([]) < 28
    assert ["cheap", "dear"] not in resting
    assert (asked[70:].count([]) == 0) is can_save


def test_what_is_seen_here_overrules_what_was_measured() -> None:
    asking = Asking()
    judge(asking, "table", spent_s=0.01, saved_s=0.2)
    choice = route(0.5, asking)
    assert choice.describe() == "table from what was seen here"
    assert asking.order(["table"]) == ["table"]
    judge(asking, "table", spent_s=0.3, saved_s=0.0)
    assert route(0.1, asking).describe() == "table rests, from what was seen here"


def test_what_is_seen_is_kept_between_runs() -> None:
    first = AskingByLabel()
    first.switch("deu translate")
    judge(first.current, "table", spent_s=0.3, saved_s=-0.1)
    first.current.observe_call("history", 1.0)  # not yet judged
    second = AskingByLabel()
    second.restore(first.numbers())
    second.switch("deu translate")
    assert second.current.is_judged("table")
    assert not second.current.pays("table")
    # Its knowledge may have grown meanwhile: the first steps try it.
    tried = [bool(second.current.order(["table"])) for _ in range(10)]
    assert tried == [True] * 8 + [False] * 2
    assert not second.current.is_judged("history")
    second.switch("fra translate")
    assert not second.current.is_judged("table")


def test_gains_are_written_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "gains.csv"
    values = tuple(1.0 + number / 8 for number in range(len(SHARES)))
    path.write_text(format_gains({KEY: values}))
    found = read_gains(path)
    assert found.by_key == {KEY: values}
    assert found.shares == SHARES


@given(st.text(max_size=300), st.integers(0, 200), st.integers(0, 200))
def test_damaged_gains_promise_nothing(
    tmp_path_factory: pytest.TempPathFactory, junk: str, start: int, size: int
) -> None:
    path = tmp_path_factory.mktemp("gains") / "gains.csv"
    whole = format_gains({KEY: [1.5] * len(SHARES)})
    path.write_text(
        whole[:start] + junk + whole[start + size :], "utf-8", "surrogatepass"
    )
    for values in read_gains(path).by_key.values():
        assert all(0 < value <= 100 for value in values)
    assert read_gains(tmp_path_factory.getbasetemp() / "none.csv").by_key == {}


def test_what_takes_no_time_to_speak_of_is_said_to_work_in_the_next_run() -> None:
    first = AskingByLabel()
    judge(first.current, "match", spent_s=0.001, saved_s=0.0)
    second = AskingByLabel()
    second.restore(first.numbers())
    assert second.current.pays("match")
