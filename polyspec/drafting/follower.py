"""Where in an older text a new one has come, though the two may differ in places."""

from collections.abc import Sequence
from typing import Self

MAX_RUN = 8
"""More tokens in agreement tell no more."""
START = MAX_RUN + 1
"""The run of a text of which nothing is written."""
_REACH = 32
"""Tokens forward, and half as many backward, that are searched for the place."""


class Follower:
    """Follows a reference with the tokens of a text, and finds its way back to it.

    After a token that is not the one foreseen, the nearest place of the reference is
    taken where the last tokens agree longest; where none agrees, the token is held to
    replace the one foreseen.
    """

    __slots__ = ("_tail", "_variants", "ids", "place", "run", "variant")

    def __init__(self, variants: Sequence[tuple[int, ...]], variant: int = 0) -> None:
        """Stand at the beginning.

        Args:
            variants: The tokens of the reference, in each way that it may begin.
            variant: The number of the likeliest.
        """
        self._variants = variants
        self._tail: tuple[int, ...] = ()
        self.variant = variant
        self.ids = variants[variant]
        self.place = 0
        """Index of the token that should come next."""
        self.run = START
        """How many of the last tokens agreed, at most `MAX_RUN`; 0 when it is lost."""

    def copy(self) -> Self:
        other = type(self)(self._variants, self.variant)
        other._tail, other.place, other.run = self._tail, self.place, self.run
        return other

    @property
    def foreseen(self) -> int | None:
        """The token that should come next; None behind the end."""
        return self.ids[self.place] if self.place < len(self.ids) else None

    def push(self, token_id: int) -> None:
        """Take a token of the text."""
        if self.run == START:
            self._choose_variant(token_id)
        self._tail = (*self._tail, token_id)[-MAX_RUN:]
        if token_id == self.foreseen:
            self.place += 1
            self.run = 1 if self.run == START else min(MAX_RUN, self.run + 1)
        else:
            self._find_place()

    def _choose_variant(self, token_id: int) -> None:
        for number, ids in enumerate(self._variants):
            if ids and ids[0] == token_id and self.foreseen != token_id:
                self.variant, self.ids = number, ids
                return

    def _find_place(self) -> None:
        best_run, best_cost, best_place = 0, 0, min(len(self.ids), self.place + 1)
        first = max(0, self.place - _REACH // 2)
        token_id = self._tail[-1]
        for place in range(first, min(len(self.ids), self.place + _REACH)):
            if self.ids[place] != token_id:
                continue
            run = self._count_agreeing(place)
            distance = place - self.place
            cost = distance if distance >= 0 else -2 * distance
            if (run, -cost) > (best_run, -best_cost):
                best_run, best_cost, best_place = run, cost, place + 1
        self.run, self.place = best_run, best_place

    def _count_agreeing(self, place: int) -> int:
        """How many tokens up to this place equal the last ones of the text."""
        run = 0
        for token_id in reversed(self._tail):
            if run > place or self.ids[place - run] != token_id:
                break
            run += 1
        return run
