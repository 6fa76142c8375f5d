"""Whether a drafter that takes time has paid for itself so far."""

from collections.abc import Mapping, Sequence

_CREDIT = 12.0
_MOST = 48.0
_FIRST_PAUSE = 128
_LONGEST_PAUSE = 8192


class ProfitAccount:
    """Time saved less time spent, in plain steps of the target.

    It opens with a credit, since nothing is known until something was tried. When that
    is lost drafting pauses, each time twice as long, so that all trials together cost a
    vanishing share of a long run.
    """

    def __init__(self) -> None:
        self._balance = _CREDIT
        self._next_pause = _FIRST_PAUSE
        self._num_paused = 0

    @property
    def balance(self) -> float:
        """What may still be spent before drafting pauses."""
        return self._balance

    def is_open(self) -> bool:
        """Whether to draft in this step; asked once a step."""
        if self._num_paused:
            self._num_paused -= 1
            return False
        return True

    def save(self, num_steps: float) -> None:
        """Count time saved."""
        self._balance = min(_MOST, self._balance + num_steps)
        if self._balance == _MOST:
            self._next_pause = _FIRST_PAUSE

    def spend(self, num_steps: float) -> None:
        """Count time spent."""
        self._balance -= num_steps

    def settle(self) -> None:
        """Pause if the credit is lost; asked between steps."""
        if self._balance <= 0.0:
            self._num_paused = self._next_pause
            self._next_pause = min(_LONGEST_PAUSE, 2 * self._next_pause)
            self._balance = _CREDIT

    def numbers(self) -> dict[str, list[float]]:
        """What is known, for `restore`."""
        return {
            "pause": [float(self._num_paused), float(self._next_pause)],
            "balance": [max(0.0, self._balance)],
        }

    def restore(self, numbers: Mapping[str, Sequence[float]]) -> None:
        """Begin with what an earlier `numbers` gave; what cannot be is ignored."""
        pause, balance = numbers.get("pause", ()), numbers.get("balance", ())
        if len(pause) != 2 or len(balance) != 1:
            return
        self._num_paused = min(_LONGEST_PAUSE, int(pause[0]))
        self._next_pause = min(_LONGEST_PAUSE, max(_FIRST_PAUSE, int(pause[1])))
        self._balance = min(_MOST, balance[0])
