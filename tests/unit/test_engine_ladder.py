import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from polyspec.engine.ladder import Exactness, LadderCache, find_tile
from polyspec.engine.target import LlamaTarget

SECONDS = {1: 0.01, 2: 0.013, 64: 0.1}
EXACT = Exactness((2, 3), 256)


def make_target(
    *,
    file_size: int = 1,
    kv_type: str = "f16",
    context_size: int = 4096,
    is_repacked: bool = True,
) -> LlamaTarget:
    """As much of a target as the key of a ladder is made of."""
    header = SimpleNamespace(file_size=file_size, tensors=())
    model = SimpleNamespace(
        header=header,
        path=Path("a.model.gguf"),
        files=(Path("a.model.gguf"),),
        description="tiny",
        gpu_layers=0,
        is_repacked=is_repacked,
    )
    options = SimpleNamespace(num_threads=None, kv_type=kv_type)
    target = SimpleNamespace(
        model=model, options=options, num_threads=2, context_size=context_size
    )
    return cast(LlamaTarget, target)


@pytest.fixture
def kept(tmp_path: Path) -> tuple[LadderCache, Path]:
    """A cache with one ladder, and its file."""
    cache = LadderCache(tmp_path / "ladders")
    cache.put(make_target(), SECONDS, EXACT)
    (path,) = (tmp_path / "ladders").iterdir()
    return cache, path


def test_a_ladder_comes_back_as_it_was(kept: tuple[LadderCache, Path]) -> None:
    cost = kept[0].get(make_target())
    assert cost is not None
    assert cost.measured_widths == tuple(SECONDS)
    assert [cost.of(width) for width in SECONDS] == list(SECONDS.values())
    assert cost.identical_widths == {2, 3}
    assert cost.identical_tokens == 256
    assert kept[0].knows_exactness(make_target())


def test_another_file_or_setting_is_another_ladder(
    kept: tuple[LadderCache, Path],
) -> None:
    assert kept[0].get(make_target(file_size=2)) is None
    assert kept[0].get(make_target(kv_type="q8_0")) is None
    assert not kept[0].knows_exactness(make_target(file_size=2))


def test_each_arrangement_of_the_weights_has_a_ladder(
    kept: tuple[LadderCache, Path],
) -> None:
    cache = kept[0]
    as_in_file = make_target(is_repacked=False)
    assert cache.get(as_in_file) is None
    cache.put(as_in_file, {1: 0.02, 64: 0.05}, None)
    repacked, flat = cache.get_repacked(as_in_file), cache.get(as_in_file)
    assert repacked is not None
    assert flat is not None
    assert repacked.of(64) == SECONDS[64]
    assert flat.of(64) == 0.05


def test_a_ladder_without_a_probe_has_no_exact_widths(tmp_path: Path) -> None:
    cache = LadderCache(tmp_path)
    cache.put(make_target(), SECONDS, None)
    cost = cache.get(make_target())
    assert cost is not None
    assert not cost.identical_widths
    assert not cache.knows_exactness(make_target())


def test_a_probe_that_found_nothing_is_remembered(tmp_path: Path) -> None:
    cache = LadderCache(tmp_path)
    cache.put(make_target(), SECONDS, Exactness((), 0))
    assert cache.knows_exactness(make_target())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"7",
        b"{}",
    ],
)
def test_a_file_that_is_no_ladder_is_measured_anew(
    kept: tuple[LadderCache, Path], content: bytes
) -> None:
    cache, path = kept
    path.write_bytes(content)
    assert cache.get(make_target()) is None
    assert not cache.knows_exactness(make_target())
    cache.put(make_target(), SECONDS, EXACT)
    assert cache.get(make_target()) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": None},
        {"seconds": {}},
        {"seconds": {"2": 1.0}},
        {"seconds": {"1": "soon"}},
        {"seconds": {"1": -1.0}},
        {"seconds": {"1": 0}},
        {"seconds": {"1": float("nan")}},
        {"seconds": {"1": float("inf")}},
        {"seconds": {"one": 1.0}},
        {"seconds": {"1": 1.0, "-3": 1.0}},
        {"seconds": {"1": 1.0, "1000000000000": 1.0}},
        {"seconds": [1.0]},
        {"format": 0},
        {"exact": {"widths": 3, "num_tokens": 2}},
        {"exact": {"widths": ["two"], "num_tokens": 2}},
        {"exact": {"num_tokens": 2}},
    ],
    ids=str,
)
def test_senseless_values_are_measured_anew(
    kept: tuple[LadderCache, Path], change: dict[str, object]
) -> None:
    cache, path = kept
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, **change}), encoding="utf-8")
    assert cache.get(make_target()) is None


def test_a_folder_that_cannot_be_written_is_no_harm(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    cache = LadderCache(blocked / "ladders")
    cache.put(make_target(), SECONDS, EXACT)
    assert cache.get(make_target()) is None


def test_nothing_but_the_ladder_is_left_in_the_folder(
    kept: tuple[LadderCache, Path],
) -> None:
    kept[0].put(make_target(), SECONDS, EXACT)
    assert list(kept[1].parent.iterdir()) == [kept[1]]


def test_a_larger_context_is_probed_again(tmp_path: Path) -> None:
    cache = LadderCache(tmp_path)
    cache.put(make_target(context_size=300), SECONDS, EXACT)
    assert cache.knows_exactness(make_target(context_size=300))
    assert not cache.knows_exactness(make_target(context_size=4096))
    assert cache.get(make_target(context_size=4096)) is not None


IN_FOURS = {
    1: 11.9, 2: 24.0, 3: 28.0, 4: 30.0, 5: 45.0, 6: 50.0, 7: 53.0, 8: 44.0, 9: 61.0,
    12: 55.0, 16: 66.0, 17: 83.0, 24: 92.0, 32: 112.0, 48: 158.0, 64: 207.0,
}  # fmt: skip
"""Milliseconds of Gemma 3 270M on two cores."""
STEADY = {width: 10.0 + 2.0 * width for width in IN_FOURS}


def test_steps_are_filled_up_where_a_wider_one_costs_less(tmp_path: Path) -> None:
    cache = LadderCache(tmp_path)
    cache.put(make_target(), IN_FOURS, EXACT)
    cost = cache.get(make_target())
    assert cost is not None
    assert cost.tile == 4
    assert [cost.of(width) for width in (3, 4, 5, 8, 9, 15, 17)] == [
        28.0, 30.0, 44.0, 44.0, 55.0, 66.0, 79.0,
    ]  # fmt: skip
    as_it_is = cache.get(make_target(), is_filled_up=False)
    assert as_it_is is not None
    assert as_it_is.tile == 1
    assert [as_it_is.of(width) for width in IN_FOURS] == list(IN_FOURS.values())
    assert cache.samples(make_target()) == IN_FOURS


@pytest.mark.parametrize(
    "seconds",
    [STEADY, SECONDS, {**IN_FOURS, 8: 52.0}, {**IN_FOURS, 12: 70.0}, {1: 1.0}],
)
def test_steps_are_left_alone_elsewhere(seconds: dict[int, float]) -> None:
    assert find_tile(seconds) == 1
