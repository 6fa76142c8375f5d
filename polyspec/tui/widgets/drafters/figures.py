"""What drafting did, summed up."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DrafterShare:
    """What one drafter did in a run."""

    num_verified: int
    num_accepted: int
    saved_s: float
    """Seconds of plain decoding that it saved, by the step cost; negative if lost."""


@dataclass(slots=True)
class DraftFigures:
    """Sums over what one run has finished by now."""

    num_tokens: int = 0
    num_steps: int = 0
    num_drafted: int = 0
    accepted_by_source: dict[str, int] = field(default_factory=dict)
    elapsed_s: float = 0.0
    drafters: Mapping[str, DrafterShare] = field(default_factory=dict)
    """Known at the end of a run."""
    is_over: bool = False

    @property
    def num_accepted(self) -> int:
        return sum(self.accepted_by_source.values())

    @property
    def saved_s(self) -> float:
        """Seconds that all drafters saved."""
        return sum(share.saved_s for share in self.drafters.values())

    @property
    def rate(self) -> float:
        """Tokens a second, all segments together."""
        return self.num_tokens / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def plain_rate(self) -> float:
        """Tokens a second that plain decoding would have reached in the same run.

        By the step cost of this machine; 0 while the run is not over.
        """
        plain_s = self.elapsed_s + self.saved_s
        return self.num_tokens / plain_s if self.is_over and plain_s > 0 else 0.0

    @property
    def mean_length(self) -> float:
        """Tokens of a segment for each step it took part in, bonus included."""
        return self.num_tokens / self.num_steps if self.num_steps else 0.0

    def add(
        self,
        num_tokens: int,
        num_steps: int,
        num_drafted: int,
        accepted_by_source: Mapping[str, int],
    ) -> None:
        """Add one finished answer."""
        self.num_tokens += num_tokens
        self.num_steps += num_steps
        self.num_drafted += num_drafted
        for name, count in accepted_by_source.items():
            so_far = self.accepted_by_source.get(name, 0)
            self.accepted_by_source[name] = so_far + count

    def describe(self) -> str:
        """Speed and mean acceptance length, in a few words."""
        if not self.num_tokens:
            return ""
        return f"{self.rate:.0f} tokens/s · {self.mean_length:.2f} tokens a step"
