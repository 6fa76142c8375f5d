import numpy as np
import pytest

from polyspec.tables.calibration import (
    calibration_error,
    choose_num_top,
    fit_calibration,
    hits_of,
)


def test_overconfident_promises_come_down() -> None:
    generator = np.random.default_rng(1)
    truth = generator.uniform(0, 1, 20_000)
    hits = (generator.uniform(0, 1, truth.size) < truth).astype(float)
    promised = np.sqrt(truth)
    calibration = fit_calibration(promised, hits)
    assert calibration_error(promised, hits) > 0.1
    assert calibration_error(calibration.apply(promised), hits) < 0.02


def test_the_map_never_falls_and_stays_in_range() -> None:
    generator = np.random.default_rng(2)
    calibration = fit_calibration(
        generator.uniform(0, 1, 5000), generator.integers(0, 2, 5000).astype(float)
    )
    mapped = calibration.apply(np.linspace(0, 1, 101))
    assert (np.diff(mapped) >= 0).all()
    assert mapped.min() >= 0
    assert mapped.max() <= 1


@pytest.mark.parametrize("size", [0, 1, 49])
def test_too_little_text_changes_nothing(size: int) -> None:
    calibration = fit_calibration(np.full(size, 0.5), np.ones(size))
    assert calibration.pairs() == ()
    assert calibration.apply(np.array([0.25])).tolist() == [0.25]
    assert calibration_error(np.empty(0), np.empty(0)) == 0.0


def test_equal_promises_are_one_point() -> None:
    calibration = fit_calibration(np.full(500, 0.5), np.ones(500))
    assert len(calibration.pairs()) == 1
    assert calibration.apply(np.array([0.1, 0.9])).min() > 0.9


def test_hits_follow_the_longest_kept_context() -> None:
    table = {(): (1, 0.25), (1,): (2, 0.5), (1, 2): (3, 0.75)}
    estimated, hits = hits_of({**table, (2,): (9, 0.1)}, [[1, 2, 3, 1]], 2)
    assert estimated.tolist() == [0.25, 0.5, 0.75, 0.25]
    assert hits.tolist() == [1, 1, 1, 1]


def test_a_few_sure_promises_do_not_share_a_bin_with_others() -> None:
    promised = np.concatenate([np.linspace(0, 0.6, 40_000), np.full(300, 0.99)])
    hits = np.concatenate([np.arange(40_000) % 10 < 3, np.ones(300)]).astype(float)
    assert choose_num_top(promised, hits) > 1
    for num_top, is_close in ((1, False), (choose_num_top(promised, hits), True)):
        sure = fit_calibration(promised, hits, num_top).apply(np.array([0.99]))
        assert (sure[0] > 0.9) == is_close
    assert choose_num_top(promised[:40_000], hits[:40_000]) == 1
