"""Where proposed tokens stand in a text that was tidied after it was written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polyspec.prompting.interfaces import TracedToken

_MAX_SKIP = 24
"""Characters that tidying may have put between two tokens."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A stretch of text whose token a drafter had proposed."""

    start: int
    """In characters."""
    end: int
    drafter: str


def locate_proposals(
    text: str, tokens: "Sequence[TracedToken]", start: int = 0
) -> Iterator[Proposal]:
    """Find the tokens in the text, in order; those that were tidied away are left out.

    Args:
        text: What is shown.
        tokens: What the model wrote, in order.
        start: Added to the offsets.
    """
    place = 0
    for token in tokens:
        written = token.text.strip()
        if not written:
            continue
        found = text.find(written, place, place + len(written) + _MAX_SKIP)
        if found < 0:
            continue
        place = found + len(written)
        if token.source:
            yield Proposal(start + found, start + place, token.source)
