"""Learning from what the target wrote."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyspec.drafting import learned_counts
from polyspec.drafting import memory as memory_module
from polyspec.drafting.learned_counts import (
    LENGTHS,
    MAX_FOLLOWERS,
    LearnedCounts,
    Rows,
    digest_contexts,
    merge_rows,
)
from polyspec.drafting.memory import MemoryChoice, MemoryDrafter, MemoryRates
from polyspec.drafting.memory_file import (
    MemoryFile,
    list_files,
    read_rows,
    remove_files,
)

TEXT = [5, 6, 7, 8, 9, 10, 11, 12]
TEXTS = st.lists(
    st.lists(st.integers(0, 3), min_size=1, max_size=20), min_size=1, max_size=4
)


def write(drafter: MemoryDrafter, text: list[int], times: int = 1) -> None:
    for _ in range(times):
        drafter.begin(0, [1])
        for token_id in text:
            drafter.observe(0, [token_id])
        drafter.end(0)


def draft(drafter: MemoryDrafter, prompt: list[int], limit: int = 4) -> tuple[int, ...]:
    drafter.begin(0, prompt)
    (found,) = drafter.propose([0], [limit])
    drafter.end(0)
    return found.token_ids


def rows_of(texts: list[list[int]]) -> Rows:
    counts = LearnedCounts()
    for text in texts:
        for place, token_id in enumerate(text):
            counts.add(digest_contexts(text[:place]), token_id)
    return counts.new_rows()


def test_what_was_written_before_is_drafted_again() -> None:
    drafter = MemoryDrafter()
    assert draft(drafter, [1, 5, 6]) == ()
    write(drafter, TEXT, times=5)
    assert draft(drafter, [3, 5, 6]) == (7, 8, 9, 10)
    (extended,) = _begin(drafter, [3]).extend([0], [[5, 6]], [2])
    assert extended.token_ids == (7, 8)
    assert draft(drafter, [3, 5, 77]) == ()


def _begin(drafter: MemoryDrafter, prompt: list[int]) -> MemoryDrafter:
    drafter.begin(0, prompt)
    return drafter


def test_a_longer_context_counts_for_more() -> None:
    drafter = MemoryDrafter()
    write(drafter, [1, 2, 3], times=8)
    write(drafter, [9, 2, 4], times=3)
    assert draft(drafter, [9, 2], 1) == (4,)
    assert draft(drafter, [5, 2], 1) == (3,)


def test_nothing_is_learned_from_prompts() -> None:
    drafter = MemoryDrafter()
    for _ in range(9):
        drafter.begin(0, TEXT)
        drafter.propose([0], [4])
        drafter.end(0)
    assert draft(drafter, TEXT[:3]) == ()


def test_guesses_are_promised_as_often_as_they_turn_out_right() -> None:
    wrong, right = MemoryRates(), MemoryRates()
    before = wrong.rate(0, 3, 4, is_own=False)
    assert before < MemoryRates().rate(3, 3, 4, is_own=False)
    for number in range(400):
        wrong.record(0, 3, 4, False, is_own=False)
        right.record(0, 3, 4, number % 4 != 0, is_own=False)
    assert wrong.rate(0, 3, 4, is_own=False) < 0.1 * before
    assert wrong.rate(0, 3, 4, is_own=True) == before
    assert right.rate(0, 3, 4, is_own=False) == pytest.approx(0.75, abs=0.05)
    new = MemoryRates().rate(0, 1, 1, is_own=False)
    assert right.rate(0, 1, 1, is_own=False) == new


def test_what_a_text_repeats_promises_nothing_of_the_next() -> None:
    def promise(drafter: MemoryDrafter, written: list[int]) -> float:
        drafter.begin(0, [1])
        drafter.observe(0, written)
        (found,) = drafter.propose([0], [1])
        drafter.end(0)
        assert found.token_ids == (8,)
        return found.probabilities[0]

    drafter = MemoryDrafter()
    write(drafter, TEXT * 40)
    in_this, in_another = TEXT * 2, [11, 12]
    assert promise(drafter, [*in_this, 5, 6, 7]) > 0.95
    assert promise(drafter, [*in_another, 5, 6, 7]) < 0.9


@given(TEXTS)
def test_counts_are_those_of_the_definition(texts: list[list[int]]) -> None:
    expected: Counter[tuple[int, int]] = Counter()
    for text in texts:
        for place, token_id in enumerate(text):
            for digest in digest_contexts(text[:place]):
                expected[digest, token_id] += 1
    rows = merge_rows(Rows.none(), rows_of(texts))
    found = dict(
        zip(
            zip(rows.contexts.tolist(), rows.token_ids.tolist(), strict=True),
            rows.counts.tolist(),
            strict=True,
        )
    )
    # The vocabulary is as small as what is kept of one context.
    assert found == expected
    assert rows.num_tokens == sum(map(len, texts))
    merged = merge_rows(rows_of(texts[:1]), rows_of(texts[1:]))
    assert merged.contexts.tolist() == rows.contexts.tolist()
    assert merged.counts.tolist() == rows.counts.tolist()


@given(TEXTS)
def test_the_sorted_part_and_what_is_new_answer_alike(texts: list[list[int]]) -> None:
    new, merged = LearnedCounts(), LearnedCounts()
    for text in texts:
        for place, token_id in enumerate(text):
            new.add(digest_contexts(text[:place]), token_id)
    merged.replace(merge_rows(Rows.none(), new.new_rows()))
    for text in texts:
        digests = digest_contexts(text)
        found, same = new.find(digests), merged.find(digests)
        assert (found is None) == (same is None)
        if found is not None and same is not None:
            assert (found[0], *found[2:]) == (same[0], *same[2:])


def test_contexts_of_another_length_are_others() -> None:
    digests = digest_contexts([0, 0, 0, 0, 0, 0])
    assert len(digests) == len(set(digests)) == len(LENGTHS)
    assert digest_contexts([]) == []
    assert digest_contexts([7, 1, 2, 3, 4, 5]) == digest_contexts([1, 2, 3, 4, 5])


def test_of_many_followers_the_frequent_and_the_latest_are_kept() -> None:
    counts = LearnedCounts()
    digests = digest_contexts([1])
    for token_id in range(100, 400):
        counts.add(digests, token_id)
        counts.add(digests, 7)
    rows = counts.new_rows()
    assert rows.token_ids.size <= 25
    found = dict(zip(rows.token_ids.tolist(), rows.counts.tolist(), strict=True))
    assert found[7] == 300
    assert 399 in found
    assert rows.num_tokens == 600


def test_few_followers_are_kept_and_old_ones_fade() -> None:
    rows = merge_rows(Rows.none(), rows_of([[1, token] for token in range(2, 20)]))
    assert rows.contexts.size <= MAX_FOLLOWERS + MAX_FOLLOWERS
    often = rows_of([[1, 2]] * 50)
    once = rows_of([list(range(100, 400))])
    rows = merge_rows(often, once, max_rows=100)
    assert rows.contexts.size <= 100
    (kept,) = np.flatnonzero(rows.contexts == np.uint64(digest_contexts([1])[0]))
    assert rows.counts[kept] == 25
    assert np.all(rows.contexts[1:] >= rows.contexts[:-1])


def test_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory_module, "_MAX_NEW_CONTEXTS", 50)
    for file in (None, MemoryFile(tmp_path / "a.b.c.npz", pytest.fail)):
        drafter = MemoryDrafter()
        drafter.open(file)
        write(drafter, list(range(100, 500)))
        write(drafter, TEXT, times=4)
        assert drafter._counts.num_new_contexts <= 60
        assert draft(drafter, TEXT[:2], 1) == (7,)
    assert (tmp_path / "a.b.c.npz").is_file()


def test_the_next_run_goes_on_where_this_one_ended(tmp_path: Path) -> None:
    told: list[str] = []
    for expected in ((), (7, 8, 9, 10)):
        drafter = MemoryDrafter()
        choice = MemoryChoice(drafter, tmp_path, lambda: "f" * 64, told.append)
        choice.use("deu", "story")
        assert draft(drafter, [5, 6]) == expected
        write(drafter, TEXT, times=5)
        choice.use("fra", "story")
        assert draft(drafter, [5, 6]) == ()
        choice.use("deu", "translate")
        assert draft(drafter, [5, 6]) == ()
        drafter.save()
    (path,) = tmp_path.glob("*.npz")
    assert path.name == "deu.story.ffffffffffff.npz"
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_rows(path).num_tokens == 2 * 5 * len(TEXT)
    assert told == []


def test_two_processes_at_once_keep_what_both_learned(tmp_path: Path) -> None:
    path = tmp_path / "deu.story.f.npz"
    first, second = MemoryDrafter(), MemoryDrafter()
    for drafter, text in ((first, TEXT), (second, [20, 21, 22, 23])):
        drafter.open(MemoryFile(path, pytest.fail))
        write(drafter, text, times=5)
    first.save()
    second.save()
    assert draft(second, [5, 6], 1) == (7,)
    third = MemoryDrafter()
    third.open(MemoryFile(path, pytest.fail))
    assert draft(third, [5, 6], 1) == (7,)
    assert draft(third, [20, 21], 1) == (22,)
    second.save()
    assert read_rows(path).num_tokens == 5 * (8 + 4)


@pytest.mark.parametrize("at", ["open", "fsync", "replace"])
def test_a_full_disk_or_a_kill_loses_no_older_counts(
    at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "deu.story.f.npz"
    told: list[str] = []
    drafter = MemoryDrafter()
    drafter.open(MemoryFile(path, told.append))
    write(drafter, TEXT, times=5)
    drafter.save()
    before = path.read_bytes()
    for kind in (OSError(28, "No space left on device"), KeyboardInterrupt()):

        def fail(*_: object, error: BaseException = kind) -> None:
            raise error

        write(drafter, [30, 31, 32], times=5)
        with monkeypatch.context() as patch:
            patch.setattr(Path if at == "replace" else os, at, fail)
            if isinstance(kind, OSError):
                drafter.save()
            else:
                with pytest.raises(KeyboardInterrupt):
                    drafter.save()
        assert path.read_bytes() == before
        assert draft(drafter, [30, 31], 1) == (32,)
    assert len(told) == 1
    assert "No space left on device" in told[0]
    drafter.save()
    assert read_rows(path).num_tokens == 5 * 8 + 10 * 3


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_file_is_set_aside_and_told(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("memory") / "deu.story.f.npz"
    drafter = MemoryDrafter()
    drafter.open(MemoryFile(path, pytest.fail))
    write(drafter, TEXT, times=5)
    drafter.save()
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[place:]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    told: list[str] = []
    drafter.open(MemoryFile(path, told.append))
    assert len(told) <= 1
    if told:
        assert path.with_name(f"{path.name}.damaged").read_bytes() == content
    write(drafter, [20, 21, 22], times=5)
    drafter.save()
    assert draft(drafter, [20, 21], 1) == (22,)
    assert len(told) <= 1


@pytest.mark.parametrize(
    "change",
    [
        {"contexts": np.array([2, 1], np.uint64)},
        {"contexts": np.array([1, 2], np.int64)},
        {"contexts": np.array([[1, 2]], np.uint64)},
        {"token_ids": np.array([-1, 1], np.int32)},
        {"token_ids": np.array([1], np.int32)},
        {"counts": np.array([np.nan, 1], np.float32)},
        {"counts": np.array([0, 1], np.float32)},
        {"info": np.array([2, 5])},
        {"info": np.array([1])},
        {"info": np.array([1, -5])},
        {"contexts": np.array([None, None], object)},
    ],
)
def test_what_could_not_have_been_written_is_refused(
    change: dict[str, Any], tmp_path: Path
) -> None:
    arrays: dict[str, Any] = {
        "contexts": np.array([1, 2], np.uint64),
        "token_ids": np.array([1, 1], np.int32),
        "counts": np.array([1, 1], np.float32),
        "info": np.array([1, 5]),
    }
    path = tmp_path / "memory.npz"
    np.savez(path, **arrays)
    assert read_rows(path).num_tokens == 5
    np.savez(path, **(arrays | change))
    with pytest.raises(ValueError, match="damaged"):
        read_rows(path)


def test_a_file_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "memory.npz"
    path.write_bytes(b"0" * (17 * learned_counts.MAX_ROWS))
    with pytest.raises(ValueError, match="too large"):
        read_rows(path)


def test_files_are_listed_and_removed_with_all_that_belongs_to_them(
    tmp_path: Path,
) -> None:
    for language in ("deu", "fra"):
        drafter = MemoryDrafter()
        drafter.open(MemoryFile(tmp_path / f"{language}.story.f.npz", pytest.fail))
        write(drafter, TEXT)
        drafter.save()
    (tmp_path / "deu.story.f.npz.damaged").touch()
    (tmp_path / "deu.translate.f.npz").write_bytes(b"no archive")
    listed = {file.path.name: file.num_tokens for file in list_files(tmp_path)}
    assert listed == {
        "deu.story.f.npz": 8,
        "deu.translate.f.npz": None,
        "fra.story.f.npz": 8,
    }
    assert [file.task for file in remove_files(tmp_path, "deu")] == [
        "story",
        "translate",
    ]
    assert not list(tmp_path.glob("deu*"))
    assert len(remove_files(tmp_path)) == 1
    assert list(tmp_path.iterdir()) == []
    assert remove_files(tmp_path / "none") == []


def test_rates_are_kept_by_label() -> None:
    first, second = MemoryDrafter(), MemoryDrafter()
    first.switch("deu story")
    first.rates.record(1, 3, 3, True, is_own=False)
    second.restore(first.numbers())
    second.restore({"deu story": {"hits": [1.0], "promised": [1.0]}})
    assert second.rates.numbers() != first.rates.numbers()
    second.switch("deu story")
    assert second.rates.numbers() == first.rates.numbers()
