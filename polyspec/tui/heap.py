"""Garbage collection that is not felt."""

import gc


def spare_heap() -> None:
    """Never look through what is there now again, since it stays.

    A full collection stops all threads; after a model and its libraries are loaded it
    takes longer than a key may wait. Called when much was made that is there to stay.
    """
    gc.collect(1)
    gc.freeze()
