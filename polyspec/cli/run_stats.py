"""What `--stats` says: tokens, seconds, and what drafting did."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from polyspec.cli import diagnostics

if TYPE_CHECKING:
    from polyspec.decoding.counters import DrafterCounts
    from polyspec.prompting.interfaces import DraftCounts
    from polyspec.translator import Translator

_SHOWN_PLACES = 6


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


def show_stats(sums: RunStats, translator: "Translator", elapsed_s: float) -> None:
    """Say where the run took place, how fast it went, and what each drafter did."""
    diagnostics.note(translator.describe_devices())
    for line in sums.describe(elapsed_s, translator.num_parallel):
        diagnostics.note(line)
    diagnostics.note(f"drafters: {translator.drafter_name}")
    route = translator.drafting.describe_route()
    if route:
        diagnostics.note(f"router: {route}")
    for name, counts in sorted(translator.drafter_counts().items()):
        if counts.num_proposed:
            diagnostics.note(f"{name}: {_describe_drafter(counts)}")


def _describe_drafter(counts: "DrafterCounts") -> str:
    """What one drafter did, in a line.

    Example: `asked 40 times (12 µs each), 90 tokens proposed, 60 verified, 45 accepted
    (75%; by place 80% 70%): 45 tokens saved, 1.21 s saved`.
    """
    call_us = 1e6 * counts.asked_s / max(1, counts.num_calls)
    asked = (
        f"asked {counts.num_calls} times ({call_us:.0f} µs each), "
        f"{counts.num_proposed} tokens proposed, {counts.num_verified} verified"
    )
    if not counts.num_verified:
        return f"{asked}: nothing saved"
    places = " ".join(
        f"{accepted / verified:.0%}" if verified else "-"
        for accepted, verified in zip(
            counts.accepted_at[:_SHOWN_PLACES],
            counts.verified_at[:_SHOWN_PLACES],
            strict=True,
        )
    )
    outcome = "saved" if counts.saved_s >= 0 else "lost"
    return (
        f"{asked}, {counts.num_accepted} accepted "
        f"({counts.num_accepted / counts.num_verified:.0%}; by place {places}): "
        f"{counts.num_accepted} tokens saved, {abs(counts.saved_s):.2f} s {outcome}"
    )


def drafter_fields(translator: "Translator") -> dict[str, object]:
    """What each drafter did in the run so far, for JSON."""
    return {
        name: asdict(counts) for name, counts in translator.drafter_counts().items()
    }


def draft_fields(counts: "DraftCounts") -> dict[str, object]:
    """The drafting statistics of one answer, for JSON."""
    return {
        "num_steps": counts.num_steps,
        "num_drafted": counts.num_drafted,
        "num_accepted": counts.num_accepted,
        "accepted_by_source": counts.accepted_by_source,
    }
