"""When garbage is collected."""

import gc

import pytest

from polyspec.tui.heap import tidy_heap


@pytest.mark.parametrize(
    ("num_since", "is_quiet", "is_due"),
    [(2, True, False), (50, True, True), (50, False, False), (9999, False, True)],
)
def test_a_full_collection_waits_for_a_quiet_moment(
    monkeypatch: pytest.MonkeyPatch, num_since: int, is_quiet: bool, is_due: bool
) -> None:
    done: list[str] = []
    monkeypatch.setattr(gc, "get_count", lambda: (0, 0, num_since))
    monkeypatch.setattr(gc, "collect", lambda: done.append("all"))
    tidy_heap(is_quiet=is_quiet)
    assert bool(done) == is_due
