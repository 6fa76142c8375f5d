import pytest

from polyspec.decoding.interfaces import Chunk
from polyspec.decoding.prefixes import PrefixStore
from polyspec.errors import EngineError
from tests.fakes import FakeTarget

ONE, TWO, THREE = ((digit,) * 9 for digit in (1, 2, 3))


def make(num_places: int = 2, max_batch: int = 512) -> tuple[FakeTarget, PrefixStore]:
    target = FakeTarget(max_batch=max_batch)
    return target, PrefixStore(target, range(10, 10 + num_places))


def test_a_prefix_is_read_once_and_copied() -> None:
    target, store = make()
    assert store.enter(ONE, 0) == 9
    assert store.enter(ONE, 1) == 9
    assert target.widths == [9]
    assert target.cache[0] == target.cache[1] == list(ONE)
    assert store.num_cells == target.num_cells == 9
    assert store.holds(list(ONE))


def test_a_short_prefix_is_not_worth_a_place() -> None:
    target, store = make()
    assert store.enter((1,) * 7, 0) == 0
    assert store.enter((), 1) == 0
    assert target.num_evaluations == store.num_cells == 0


def test_the_prefix_that_was_not_used_for_longest_makes_room() -> None:
    _, store = make()
    for place, prefix in enumerate((ONE, TWO, ONE)):
        store.enter(prefix, place)
        store.leave(place)
    store.enter(THREE, 3)
    assert store.holds(ONE)
    assert not store.holds(TWO)


def test_a_prefix_in_use_is_never_dropped() -> None:
    target, store = make(num_places=1)
    store.enter(ONE, 0)
    assert store.enter(TWO, 1) == 0
    store.drop_unused()
    assert store.holds(ONE)
    store.leave(0)
    assert store.enter(TWO, 1) == 9
    assert not store.holds(ONE)
    assert set(target.cache) == {0, 1, 10}


def test_without_places_nothing_is_kept() -> None:
    target, store = make(num_places=0)
    assert store.enter(ONE, 0) == 0
    assert not target.cache


def test_dropping_gives_back_cells_and_places() -> None:
    target, store = make()
    store.enter(ONE, 0)
    target.release(0)
    store.leave(0)
    store.drop_unused()
    assert not target.cache
    assert store.num_cells == 0
    assert store.enter(TWO, 0) == store.enter(THREE, 1) == 9


def test_a_long_prefix_is_read_alone_in_pieces_of_a_batch() -> None:
    target, store = make(max_batch=4)
    store.enter(ONE, 0)
    assert target.steps == [
        [Chunk(11, 0, (1, 1, 1, 1), 0)],
        [Chunk(11, 4, (1, 1, 1, 1), 0)],
        [Chunk(11, 8, (1,), 0)],
    ]


def test_a_prefix_that_cannot_be_read_leaves_nothing_behind() -> None:
    target, store = make(num_places=1, max_batch=4)
    target.fail_at = 1
    with pytest.raises(EngineError):
        store.enter(ONE, 0)
    assert not target.cache
    assert not store.holds(ONE)
    assert store.enter(ONE, 0) == 9


def test_leaving_without_having_entered_is_harmless() -> None:
    _, store = make()
    store.leave(5)
