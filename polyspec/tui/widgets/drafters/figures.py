"""What drafting did, summed up."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class DraftFigures:
    """Sums over what one run has finished by now."""

    num_tokens: int = 0
    num_steps: int = 0
    num_drafted: int = 0
    accepted_by_source: dict[str, int] = field(default_factory=dict)
    drafted_by_source: dict[str, int] = field(default_factory=dict)
    """Empty where only the sum is known."""
    elapsed_s: float = 0.0

    @property
    def num_accepted(self) -> int:
        return sum(self.accepted_by_source.values())

    @property
    def rate(self) -> float:
        """Tokens a second, all segments together."""
        return self.num_tokens / self.elapsed_s if self.elapsed_s else 0.0

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
        drafted_by_source: Mapping[str, int] | None = None,
    ) -> None:
        """Add one finished answer."""
        self.num_tokens += num_tokens
        self.num_steps += num_steps
        self.num_drafted += num_drafted
        for sums, counts in (
            (self.accepted_by_source, accepted_by_source),
            (self.drafted_by_source, drafted_by_source or {}),
        ):
            for name, count in counts.items():
                sums[name] = sums.get(name, 0) + count
