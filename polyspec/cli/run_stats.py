"""What `--stats` says: tokens, seconds, and what drafting did."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polyspec.prompting.interfaces import DraftCounts


@dataclass(slots=True)
class RunStats:
    """Sums over the answers of one run."""

    num_segments: int = 0
    num_tokens: int = 0
    num_steps: int = 0
    num_drafted: int = 0
    num_accepted: int = 0
    accepted_by_source: dict[str, int] = field(default_factory=dict)

    def add(self, num_tokens: int, counts: "DraftCounts") -> None:
        """Add one answer."""
        self.num_segments += 1
        self.num_tokens += num_tokens
        self.num_steps += counts.num_steps
        self.num_drafted += counts.num_drafted
        self.num_accepted += counts.num_accepted
        for source, accepted in counts.accepted_by_source.items():
            so_far = self.accepted_by_source.get(source, 0)
            self.accepted_by_source[source] = so_far + accepted

    def describe(self, elapsed_s: float, num_parallel: int) -> Iterator[str]:
        """The figures, a line each."""
        rate = self.num_tokens / elapsed_s if elapsed_s else 0.0
        yield (
            f"{self.num_segments} segments, {self.num_tokens} tokens in "
            f"{elapsed_s:.2f} s: {rate:.1f} tokens/s, "
            f"up to {num_parallel} side by side"
        )
        if not self.num_drafted:
            yield "drafting: no token was drafted"
            return
        share = self.num_accepted / self.num_drafted
        length = self.num_tokens / max(1, self.num_steps)
        by_source = ", ".join(
            f"{name} {accepted}"
            for name, accepted in sorted(self.accepted_by_source.items())
        )
        yield (
            f"drafting: {self.num_drafted} tokens drafted, {self.num_accepted} "
            f"accepted ({share:.0%}; {by_source or 'none'}), mean acceptance length "
            f"{length:.2f} with the bonus token, {self.num_accepted} steps saved"
        )


def draft_fields(counts: "DraftCounts") -> dict[str, object]:
    """The drafting statistics of one answer, for JSON."""
    return {
        "num_steps": counts.num_steps,
        "num_drafted": counts.num_drafted,
        "num_accepted": counts.num_accepted,
        "accepted_by_source": counts.accepted_by_source,
    }
