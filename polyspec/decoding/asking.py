"""Which drafters to ask: those whose time is less than what they save."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_SPENT_RATE, _GAIN_RATE = 0.05, 0.005
"""Calls take about the same time; what they save is rare and much at once."""
_NUM_TRIALS = 12, 24
"""Steps before one that takes much time is judged, and before any other is."""
_NUM_RETRIALS = 8
"""Steps for which one that does not pay is tried again after a pause."""
_RETRIAL_SHARE = 0.0015
"""Of all time, what trying again may lose: the pauses are as long as that takes."""
_PAUSES = 16, 1000
"""Steps of the shortest and the longest."""
_FIRST_PAUSE = 96
"""Steps for which one is not asked that is presumed not to pay."""
_LOOK_SHARE = 0.001
"""Of all time, what asking one may take while all rest together: a text that begins to
repeat itself must not wait for the end of a pause."""
_LEAST_LOOKS = 4
"""Steps between two such, at least."""
_FREE_SHARE = 0.002
"""A drafter that takes less than this share of a step is asked anyhow."""
_OUTLIER = 10.0


@dataclass(slots=True)
class _Account:
    num_steps: int = 0
    """Steps in which it was asked."""
    num_skipped: int = 0
    """Steps since its pause began, those in which it was tried again among them."""
    pause: int = 0
    """For how many steps it is not asked; chosen when the pause begins."""
    spent_s: float = 0.0
    """What it takes in a step, on average of late."""
    gain_s: float = 0.0
    """What it saves in a step, its own time left out."""
    is_resting: bool = False
    """Whether it is presumed not to pay until it was judged."""

    is_judged: bool = False

    def add(self, spent_s: float, gain_s: float, step_s: float) -> None:
        if self.is_judged:
            # An interrupted call says nothing of the next ones.
            spent_s = min(spent_s, _OUTLIER * self.spent_s + 1e-6)
        self.num_steps += 1
        # The averages of all at first; then old ones fade.
        share = 1.0 / self.num_steps
        self.spent_s += max(_SPENT_RATE, share) * (spent_s - self.spent_s)
        self.gain_s += max(_GAIN_RATE, share) * (gain_s - self.gain_s)
        # One that has taken as much as a step on trial need not go on with it.
        is_dear = self.num_steps * self.spent_s > step_s
        self.is_judged = self.num_steps >= _NUM_TRIALS[0 if is_dear else 1]

    def wake(self) -> None:
        """End a pause: it is tried again from the next step on."""
        self.num_skipped = max(self.num_skipped, self.pause - 1)


class Asking:
    """Time that drafters take against time they save, learned while running."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}
        self._together = _Account()
        """Of all, with the time between their calls."""
        self._together_s: float | None = None
        self._spent_s: dict[str, float] = {}
        self._step_s = 0.0
        self._is_look = False
        """Whether all rest in this step but one, who is asked in spite of it."""
        self._num_unseen = 0
        """Steps since that was done last."""

    def numbers(self) -> dict[str, list[float]]:
        """What is known of each drafter that was judged.

        Seconds spent, seconds saved, and seconds of a step, against which they count.
        """
        return {
            name: [account.spent_s, max(0.0, account.gain_s), self._step_s]
            for name, account in self._accounts.items()
            if account.is_judged
        }

    def restore(self, numbers: Mapping[str, Sequence[float]]) -> None:
        """Begin with what an earlier `numbers` gave.

        Those who did not pay are soon tried again: what they know may have grown.
        """
        for name, known in numbers.items():
            if len(known) == 3:
                spent_s, gain_s, self._step_s = known
                account = self._accounts[name] = _Account(
                    num_steps=_NUM_TRIALS[1],
                    spent_s=spent_s,
                    gain_s=gain_s,
                    is_judged=True,
                )
                account.pause = self._choose_pause(account)
                account.num_skipped = account.pause - 1

    def is_judged(self, name: str) -> bool:
        """Whether enough was seen of a drafter to say what it is worth."""
        return self._of(name).is_judged

    def pays(self, name: str) -> bool:
        """Whether a drafter that was judged saves more time than it takes."""
        account = self._of(name)
        return account.spent_s <= self._least(account)

    def rest(self, name: str) -> None:
        """Ask a drafter of which nothing is known no more than now and then."""
        self._of(name).is_resting = True

    def order(self, names: Iterable[str]) -> list[str]:
        """Return whom to ask in this step, the most valuable first.

        Nobody, now and then excepted, where all together take more than they save:
        each may be cheap.
        """
        self._is_look = False
        if not self._is_chosen(self._together):
            return []
        accounts = [(name, self._of(name)) for name in names]
        chosen = [pair for pair in accounts if self._is_chosen(pair[1])]
        chosen.sort(key=lambda pair: pair[1].spent_s - pair[1].gain_s)
        return [name for name, _ in chosen]

    def may_look(self, name: str) -> bool:
        """Whether to ask one drafter in a step for which `order` returned nobody.

        Now and then, so that it takes next to no time. If what it proposes saves time,
        all are tried again.
        """
        self._num_unseen += 1
        account = self._of(name)
        if self._num_unseen < _LEAST_LOOKS or not account.num_steps:
            return False
        self._is_look = account.spent_s <= (
            _LOOK_SHARE * self._step_s * self._num_unseen
        )
        if self._is_look:
            self._num_unseen = 0
        return self._is_look

    def is_dear(self, name: str) -> bool:
        """Whether asking takes time that counts."""
        return self._of(name).spent_s > _FREE_SHARE * self._step_s

    def observe_call(self, name: str, elapsed_s: float) -> None:
        """Learn what a call took, of which a step may have several."""
        self._spent_s[name] = self._spent_s.get(name, 0.0) + max(0.0, elapsed_s)

    def observe_round(self, elapsed_s: float) -> None:
        """Learn what asking all those in `order` took, calls and all."""
        if not self._is_look:
            self._together_s = (self._together_s or 0.0) + max(0.0, elapsed_s)

    def observe_step(self, step_s: float, saved_s: Mapping[str, float]) -> None:
        """Learn what those asked since the last step saved.

        Args:
            step_s: What a step takes without drafts.
            saved_s: By drafter, the time of its own calls left out.
        """
        self._step_s = step_s
        if self._is_look and sum(saved_s.values()) > 0.0:
            for account in (self._together, *map(self._of, saved_s)):
                account.wake()
        for name, spent_s in self._spent_s.items():
            self._of(name).add(spent_s, saved_s.get(name, 0.0), step_s)
        self._spent_s.clear()
        if self._together_s is not None:
            self._together.add(self._together_s, sum(saved_s.values()), step_s)
            self._together_s = None

    def _of(self, name: str) -> _Account:
        return self._accounts.setdefault(name, _Account())

    def _least(self, account: _Account) -> float:
        """What a drafter may take of a step's time."""
        return max(account.gain_s, _FREE_SHARE * self._step_s)

    def _is_chosen(self, account: _Account) -> bool:
        if account.is_judged:
            is_worth_asking = account.spent_s <= self._least(account)
        else:
            is_worth_asking = not account.is_resting
        if is_worth_asking:
            return True
        account.num_skipped += 1
        if not account.pause or account.num_skipped >= account.pause + _NUM_RETRIALS:
            account.pause = self._choose_pause(account)
            account.num_skipped = 0
        return account.num_skipped >= account.pause

    def _choose_pause(self, account: _Account) -> int:
        """For how many steps one that does not pay is not asked."""
        if not account.num_steps or not self._step_s:
            return _FIRST_PAUSE
        # A bad start says little: what drafts lost is no part of it.
        lost = (account.spent_s - max(0.0, account.gain_s)) / self._step_s
        return int(
            min(max(_NUM_RETRIALS * lost / _RETRIAL_SHARE, _PAUSES[0]), _PAUSES[1])
        )


class AskingByLabel:
    """One `Asking` for each label, the caller's name for a kind of text."""

    def __init__(self) -> None:
        self._by_label: dict[str, Asking] = {}
        self.switch("")

    def switch(self, label: str) -> None:
        """Take the one of a label from now on."""
        self.current = self._by_label.setdefault(label, Asking())

    def numbers(self) -> dict[str, dict[str, list[float]]]:
        """What is known under each label; see `Asking.numbers`."""
        every = {label: asking.numbers() for label, asking in self._by_label.items()}
        return {label: numbers for label, numbers in every.items() if numbers}

    def restore(self, numbers: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
        """Begin with what an earlier `numbers` gave; the current label stays."""
        for label, known in numbers.items():
            self._by_label.setdefault(label, Asking()).restore(known)
