import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyspec.decoding.step_cost import StepCost, fill_up

SAMPLES = st.dictionaries(
    st.integers(2, 80), st.floats(0.001, 10.0), max_size=8
).flatmap(lambda samples: st.floats(0.001, 10.0).map(lambda one: {**samples, 1: one}))


def test_costs_between_measured_widths_are_interpolated() -> None:
    cost = StepCost.from_samples({1: 10.0, 3: 14.0})
    assert [cost.of(width) for width in (0, 1, 2, 3)] == [0.0, 10.0, 12.0, 14.0]
    assert cost.relative(3) == pytest.approx(1.4)


def test_beyond_the_ladder_the_last_slope_goes_on() -> None:
    cost = StepCost.from_samples({1: 1.0, 2: 2.0, 4: 6.0})
    assert cost.of(5) == pytest.approx(8.0)
    assert cost.of(14) == pytest.approx(26.0)
    assert StepCost.from_samples({1: 3.0}).of(4) == pytest.approx(12.0)


def test_noise_never_makes_a_wide_step_cost_less_than_nothing() -> None:
    cost = StepCost.from_samples({1: 1.0, 32: 9.0, 64: 2.0})
    assert cost.of(5000) == pytest.approx(2.0)


@given(SAMPLES, st.integers(1, 90), st.integers(0, 30))
def test_a_span_is_the_cost_of_each_width(
    samples: dict[int, float], first: int, more: int
) -> None:
    cost = StepCost.from_samples(samples)
    span = cost.span(first, first + more)
    expected = [cost.of(width) for width in range(first, first + more + 1)]
    assert span == pytest.approx(np.array(expected))
    assert (span > 0).all()
    for width, seconds in samples.items():
        assert cost.of(width) == pytest.approx(seconds)


@given(SAMPLES, st.integers(0, 100))
def test_best_parallel_is_the_fewest_within_tolerance_of_the_best(
    samples: dict[int, float], limit: int
) -> None:
    cost = StepCost.from_samples(samples)
    best = cost.best_parallel(limit, tolerance=0.05)
    possible = range(1, max(1, min(limit, cost.max_width)) + 1)
    rates = {width: width / cost.of(width) for width in possible}
    assert rates[best] >= 0.95 * max(rates.values()) * (1 - 1e-12)
    for width in possible:
        if width < best:
            assert rates[width] < 0.95 * max(rates.values()) * (1 + 1e-12)


def test_a_ladder_without_width_one_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="width 1"):
        StepCost.from_samples({2: 1.0})


def test_on_a_flat_ladder_all_steps_cost_the_same() -> None:
    cost = StepCost.flat()
    assert cost.of(1) == cost.of(64) == cost.of(1)
    assert cost.best_parallel(64) >= 60


@given(SAMPLES, st.integers(1, 90))
def test_a_step_that_is_filled_up_costs_what_the_full_one_costs(
    samples: dict[int, float], width: int
) -> None:
    cost = StepCost.from_samples({**samples, 80: 1.0}, tile=4)
    full = fill_up(width, 4)
    assert full == width if width <= 4 else 0 <= full - width < 4 and full % 4 == 0
    if full <= 80:
        assert cost.of(width) == cost.of(full)
    again = StepCost.from_samples(cost.every_width())
    assert again.span(0, 90) == pytest.approx(cost.span(0, 90))
