"""Prompt beginnings that many sequences share, computed once."""

from collections.abc import Sequence

from polyspec.decoding.interfaces import Chunk, Target


class PrefixStore:
    """Keeps the latest shared prefixes in sequences of their own.

    A prefix is always evaluated alone and in the same pieces, so that what is copied
    does not depend on which requests came together.
    """

    def __init__(
        self, target: Target, sequence_ids: Sequence[int], min_tokens: int = 8
    ) -> None:
        self._target = target
        self._free_ids = list(sequence_ids)
        self._min_tokens = min_tokens
        self._held: dict[tuple[int, ...], int] = {}
        self._users: dict[int, tuple[int, ...]] = {}

    @property
    def num_cells(self) -> int:
        """Tokens of the KV cache that prefixes occupy."""
        return sum(map(len, self._held))

    def holds(self, prefix_ids: Sequence[int]) -> bool:
        return tuple(prefix_ids) in self._held

    def enter(self, prefix_ids: Sequence[int], sequence_id: int) -> int:
        """Let an empty sequence begin with the prefix.

        Returns:
            Number of tokens that the sequence now holds: all of the prefix, or 0 when
            it is too short to be worth it or every place is in use.
        """
        prefix = tuple(prefix_ids)
        if len(prefix) < self._min_tokens:
            return 0
        if prefix not in self._held:
            if not self._free_ids:
                self.drop_unused(limit=1)
            if not self._free_ids:
                return 0
            self._keep(prefix)
        # Insertion order is the order of use.
        self._held[prefix] = self._held.pop(prefix)
        self._users[sequence_id] = prefix
        self._target.copy_prefix(self._held[prefix], sequence_id, len(prefix))
        return len(prefix)

    def leave(self, sequence_id: int) -> None:
        """Note that a sequence has been released."""
        self._users.pop(sequence_id, None)

    def drop_unused(self, limit: int | None = None) -> None:
        """Give up prefixes that no living sequence begins with, the oldest first."""
        used = set(self._users.values())
        unused = [prefix for prefix in self._held if prefix not in used]
        for prefix in unused[:limit]:
            self._drop(prefix)

    def _keep(self, prefix: tuple[int, ...]) -> None:
        sequence_id = self._free_ids.pop()
        self._held[prefix] = sequence_id
        try:
            self._evaluate(prefix, sequence_id)
        except BaseException:
            self._drop(prefix)
            raise

    def _drop(self, prefix: tuple[int, ...]) -> None:
        sequence_id = self._held.pop(prefix)
        self._target.release(sequence_id)
        self._free_ids.append(sequence_id)

    def _evaluate(self, prefix: tuple[int, ...], sequence_id: int) -> None:
        size = self._target.max_batch
        for start in range(0, len(prefix), size):
            piece = prefix[start : start + size]
            self._target.evaluate([Chunk(sequence_id, start, piece, 0)])
