"""Garbage collection that is not felt.

A full collection stops all threads; with a model's libraries and some screens it takes
longer than a key may wait.
"""

import gc

_NEVER = 1 << 30
_FEW, _MANY = 5, 5000
"""Collections of the younger objects after which a full one is due: in a quiet moment,
and in any."""


def spare_heap() -> None:
    """Never look through what is there now again, since it stays.

    Called when much was made that is there to stay.
    """
    gc.collect(1)
    gc.freeze()


def postpone_full_collections() -> None:
    """Leave full collections to `tidy_heap`; for the whole process."""
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _NEVER)


def tidy_heap(*, is_quiet: bool) -> None:
    """Do a full collection if one is due.

    Args:
        is_quiet: Whether nobody waits for anything now.
    """
    if gc.get_count()[2] > (_FEW if is_quiet else _MANY):
        gc.collect()
