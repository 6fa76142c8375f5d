"""One sequence as a draft model sees it: its tokens and how many were read."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from polyspec.decoding.interfaces import Distribution
from polyspec.drafting.drawer import DraftDrawer


@dataclass(slots=True)
class CachedText:
    """One sequence: confirmed tokens, then drafted ones."""

    sequence_id: int
    token_ids: list[int]
    num_prompt: int
    num_confirmed: int
    chances: list[float] = field(default_factory=list)
    """The draft model's probability of each drafted token; for a drawn one that of the
    likeliest in its place."""
    drawer: DraftDrawer | None = None
    """Draws what is drafted; None takes the likeliest tokens."""
    distributions: list[Distribution] = field(default_factory=list)
    """What each drafted token was drawn from, where they are drawn."""
    cells: list[int] = field(default_factory=list)
    """The cell of the KV cache of each token that was read and still stands."""
    num_held: int = 0
    """Tokens in the KV cache, those that no longer stand among them."""
    is_dropped: bool = False
    """The context was full: this sequence is not drafted for any more."""

    @property
    def num_drafted(self) -> int:
        return len(self.token_ids) - self.num_confirmed

    @property
    def num_unread(self) -> int:
        return len(self.token_ids) - len(self.cells)

    @property
    def drafted_ids(self) -> list[int]:
        return self.token_ids[self.num_confirmed :]

    @property
    def written_ids(self) -> list[int]:
        """The answer so far and what is drafted of it."""
        return self.token_ids[self.num_prompt :]

    def confirm(self, token_id: int) -> bool | None:
        """Append what the target chose.

        Returns:
            Whether it was the token drafted here, None where none was; the draft stays
            as long as it agrees.
        """
        is_drafted = self.num_drafted > 0
        if is_drafted and self.token_ids[self.num_confirmed] == token_id:
            self.num_confirmed += 1
            del self.chances[0], self.distributions[:1]
            return True
        del self.token_ids[self.num_confirmed :], self.cells[self.num_confirmed :]
        self.chances.clear()
        self.distributions.clear()
        self.token_ids.append(token_id)
        self.num_confirmed += 1
        return False if is_drafted else None


def count_shared(other: CachedText, text: CachedText) -> int:
    """Count the tokens read for `other` with which `text` begins.

    The last one of `text` is left out, for what follows it is wanted.
    """
    num_read = len(other.cells)
    return min(
        common_prefix(other.token_ids[:num_read], text.token_ids),
        len(text.token_ids) - 1,
    )


def common_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    """Count the leading tokens that both have."""
    for place, (left, right) in enumerate(zip(first, second, strict=False)):
        if left != right:
            return place
    return min(len(first), len(second))
