"""Proposing and extending, for drafters that look at each sequence by itself."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from polyspec.decoding.interfaces import Draft


class OneByOneDrafter(ABC):
    """Serves the sequences of a step one after another.

    It has the part of `Drafter` and `Extender` that is the same whatever is proposed.
    Tokens of several steps may be observed at once, before it is asked again.
    """

    def propose(
        self, sequence_ids: Sequence[int], limits: Sequence[int]
    ) -> list[Draft]:
        return [
            self._go_on(sequence_id, (), limit)
            for sequence_id, limit in zip(sequence_ids, limits, strict=True)
        ]

    def extend(
        self,
        sequence_ids: Sequence[int],
        prefixes: Sequence[Sequence[int]],
        limits: Sequence[int],
    ) -> list[Draft]:
        return [
            self._go_on(sequence_id, prefix, limit)
            for sequence_id, prefix, limit in zip(
                sequence_ids, prefixes, limits, strict=True
            )
        ]

    @abstractmethod
    def _go_on(self, sequence_id: int, prefix: Sequence[int], limit: int) -> Draft:
        """Continue a sequence behind a prefix, which may be empty, or not at all."""
