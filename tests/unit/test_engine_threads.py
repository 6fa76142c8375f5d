from collections.abc import Callable

from polyspec.engine.threads import ThreadGovernor, default_threads

EXPECTED_S = 0.01


def drive(
    governor: ThreadGovernor, machine: Callable[[int], float], num_steps: int
) -> list[int]:
    """Number of threads of each step on a machine that costs what it says."""
    used = []
    for _ in range(num_steps):
        used.append(governor.num_threads)
        governor.after_step(EXPECTED_S * machine(governor.num_threads), EXPECTED_S)
    return used


def idle(num_threads: int) -> float:
    """Relative cost of a step on four free cores."""
    return 4 / num_threads


def busy(num_threads: int) -> float:
    """The same with another process on one of the cores."""
    return 6.0 if num_threads == 4 else 4 / num_threads


def crowded(num_threads: int) -> float:
    """Only one core is free."""
    return 3.0 * num_threads


def test_an_idle_machine_keeps_all_threads() -> None:
    assert set(drive(ThreadGovernor(4), idle, 2000)) == {4}


def test_a_busy_machine_loses_one() -> None:
    used = drive(ThreadGovernor(4), busy, 100)
    assert used[0] == 4
    assert used[-1] == 3


def test_a_crowded_machine_comes_down_to_one() -> None:
    used = drive(ThreadGovernor(4), crowded, 150)
    assert used[-1] == 1


def test_a_machine_that_is_free_again_gets_its_threads_back() -> None:
    governor = ThreadGovernor(4, patience=50)
    assert drive(governor, busy, 45)[-1] == 3
    assert drive(governor, idle, 100)[-1] == 4
    assert set(drive(governor, idle, 500)) == {4}


def test_a_machine_that_stays_busy_is_tried_rarely() -> None:
    governor = ThreadGovernor(4, patience=200)
    drive(governor, busy, 50)
    used = drive(governor, busy, 2000)
    assert used.count(4) < 0.05 * len(used)
    assert used.count(3) > 0.9 * len(used)


def test_a_machine_slow_with_any_number_keeps_the_better_one() -> None:
    used = drive(ThreadGovernor(4), lambda threads: 8 / threads, 2000)
    assert used.count(4) > 0.9 * len(used)


def test_a_single_slow_step_changes_nothing() -> None:
    governor = ThreadGovernor(4)
    for step in range(100):
        governor.after_step(EXPECTED_S * (50 if step % 10 == 5 else 1), EXPECTED_S)
        assert governor.num_threads == 4


def test_one_thread_stays_one() -> None:
    assert set(drive(ThreadGovernor(1), lambda _: 9.0, 500)) == {1}


def test_there_is_always_a_thread() -> None:
    governor = ThreadGovernor(8)
    assert min(drive(governor, crowded, 3000)) >= 1
    assert default_threads() >= 1
