"""Counts of what each drafter did: calls, tokens, time, and what came of it."""

from dataclasses import dataclass, field

from polyspec.decoding.interfaces import Draft


@dataclass(slots=True)
class DrafterCounts:
    """Sums over the steps of one drafter."""

    num_calls: int = 0
    """Times it was asked, for all sequences of a step at once."""
    num_proposed: int = 0
    num_verified: int = 0
    """Proposed tokens that were worth a place in a step of the target."""
    num_accepted: int = 0
    """Also the tokens saved: those the target did not have to write one by one."""
    asked_s: float = 0.0
    """Seconds that it took itself."""
    saved_s: float = 0.0
    """Seconds of plain decoding that accepted tokens saved, less what verifying its
    tokens and its own work took; negative where drafting lost."""
    verified_at: list[int] = field(default_factory=list)
    """Verified tokens by their place in the draft, the first one's first."""
    accepted_at: list[int] = field(default_factory=list)


class Counters:
    """Counts for every drafter by name; numbers only."""

    def __init__(self) -> None:
        self.by_drafter: dict[str, DrafterCounts] = {}

    def of(self, name: str) -> DrafterCounts:
        """The counts of a drafter, empty ones for one not heard of before."""
        return self.by_drafter.setdefault(name, DrafterCounts())

    def count_call(self, name: str, num_proposed: int, elapsed_s: float) -> None:
        """Count one call of a drafter."""
        counts = self.of(name)
        counts.num_calls += 1
        counts.num_proposed += num_proposed
        counts.asked_s += elapsed_s
        counts.saved_s -= elapsed_s

    def count_verified(self, draft: Draft, num_accepted: int) -> None:
        """Count a draft that the target verified."""
        for place, name in enumerate(draft.sources):
            counts = self.of(name)
            while len(counts.verified_at) <= place:
                counts.verified_at.append(0)
                counts.accepted_at.append(0)
            is_accepted = place < num_accepted
            counts.num_verified += 1
            counts.num_accepted += is_accepted
            counts.verified_at[place] += 1
            counts.accepted_at[place] += is_accepted
