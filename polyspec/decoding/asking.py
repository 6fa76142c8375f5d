"""Which drafters to ask: those whose time is less than what they save."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_RATE = 0.05
_NUM_TRIALS = 24
"""Steps before a drafter is judged."""
_PAUSE = 96
"""Steps after which one that does not pay is tried again, for some steps."""
_NUM_RETRIALS = 8
_FREE_SHARE = 0.002
"""A drafter that takes less than this share of a step is asked anyhow."""
_OUTLIER = 10.0


@dataclass(slots=True)
class _Account:
    num_steps: int = 0
    """Steps in which it was asked."""
    num_skipped: int = 0
    spent_s: float = 0.0
    """What it takes in a step, on average of late."""
    gain_s: float = 0.0
    """What it saves in a step, its own time left out."""

    def add(self, spent_s: float, gain_s: float) -> None:
        if self.num_steps >= _NUM_TRIALS:
            # An interrupted call says nothing of the next ones.
            spent_s = min(spent_s, _OUTLIER * self.spent_s + 1e-6)
        self.num_steps += 1
        # The average of all at first; then old ones fade.
        rate = max(_RATE, 1.0 / self.num_steps)
        self.spent_s += rate * (spent_s - self.spent_s)
        self.gain_s += rate * (gain_s - self.gain_s)


class Asking:
    """Time that drafters take against time they save, learned while running."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}
        self._spent_s: dict[str, float] = {}
        self._step_s = 0.0

    def order(self, names: Iterable[str]) -> list[str]:
        """Return whom to ask in this step, the most valuable first."""
        accounts = [(name, self._of(name)) for name in names]
        chosen = [pair for pair in accounts if self._is_chosen(pair[1])]
        chosen.sort(key=lambda pair: pair[1].spent_s - pair[1].gain_s)
        return [name for name, _ in chosen]

    def is_dear(self, name: str) -> bool:
        """Whether asking takes time that counts."""
        return self._of(name).spent_s > _FREE_SHARE * self._step_s

    def observe_call(self, name: str, elapsed_s: float) -> None:
        """Learn what a call took, of which a step may have several."""
        self._spent_s[name] = self._spent_s.get(name, 0.0) + max(0.0, elapsed_s)

    def observe_step(self, step_s: float, saved_s: Mapping[str, float]) -> None:
        """Learn what those asked since the last step saved.

        Args:
            step_s: What a step takes without drafts.
            saved_s: By drafter, the time of its own calls left out.
        """
        self._step_s = step_s
        for name, spent_s in self._spent_s.items():
            self._of(name).add(spent_s, saved_s.get(name, 0.0))
        self._spent_s.clear()

    def _of(self, name: str) -> _Account:
        return self._accounts.setdefault(name, _Account())

    def _is_chosen(self, account: _Account) -> bool:
        least = max(account.gain_s, _FREE_SHARE * self._step_s)
        if account.num_steps < _NUM_TRIALS or account.spent_s <= least:
            return True
        account.num_skipped = (account.num_skipped + 1) % (_PAUSE + _NUM_RETRIALS)
        return account.num_skipped >= _PAUSE
