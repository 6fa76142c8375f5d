"""What every source of a download has in common."""

from collections.abc import Callable
from typing import TypeAlias

OnBytes: TypeAlias = Callable[[int], None]
"""Hears how many bytes of the whole are done."""


class SourceUnavailable(Exception):
    """A source cannot deliver; the next one is tried.

    The text says why in a few words. Never seen by the user as an error of its own.
    """
