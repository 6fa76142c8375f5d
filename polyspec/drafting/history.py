"""Copies what followed the last time: prompt and output so far as their own draft."""

from collections.abc import Mapping, Sequence
from operator import truediv

from polyspec.decoding.interfaces import EMPTY_DRAFT, Draft
from polyspec.drafting.one_by_one import OneByOneDrafter

NAME = "history"
_MAX_ORDER = 8
_PRIOR_HITS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.45, 0.5)
"""First guess of how often a match of 1, 2, ... tokens goes on the same way: cautious,
since drawn stories break off what models repeat, and soon corrected upwards."""
_PRIOR_WEIGHT = 4.0
_HALF_LIFE = 150.0
"""Outcomes after which an old one counts half."""


class HitRates:
    """How often a match of each length was right, learned while running.

    Numbers only, so that they may outlive the texts they come from.
    """

    def __init__(self) -> None:
        self._hits = [_PRIOR_WEIGHT * rate for rate in _PRIOR_HITS]
        self._trials = [_PRIOR_WEIGHT] * _MAX_ORDER
        self._keep = 0.5 ** (1 / _HALF_LIFE)

    def rate(self, length: int) -> float:
        """Return the chance that a match of `length` tokens goes on, `0..1`."""
        place = min(length, _MAX_ORDER) - 1
        return self._hits[place] / self._trials[place]

    def rates(self, length: int, number: int) -> tuple[float, ...]:
        """Return the rates of `number` lengths from `length` up."""
        first = min(length, _MAX_ORDER) - 1
        known = map(truediv, self._hits[first:], self._trials[first:])
        rates = tuple(known)[:number]
        return rates + rates[-1:] * (number - len(rates))

    def record(self, length: int, is_hit: bool) -> None:
        """Learn how a match of `length` tokens turned out."""
        place = min(length, _MAX_ORDER) - 1
        self._hits[place] = self._hits[place] * self._keep + is_hit
        self._trials[place] = self._trials[place] * self._keep + 1.0

    def numbers(self) -> dict[str, list[float]]:
        """What is known: hits and trials of each length."""
        return {"hits": list(self._hits), "trials": list(self._trials)}

    def restore(self, numbers: Mapping[str, Sequence[float]]) -> None:
        """Begin with what an earlier `numbers` gave; what cannot be is ignored."""
        hits, trials = numbers.get("hits", ()), numbers.get("trials", ())
        if len(hits) == len(trials) == _MAX_ORDER and all(
            0 < hit <= trial for hit, trial in zip(hits, trials, strict=True)
        ):
            self._hits, self._trials = list(hits), list(trials)


class _SuffixIndex:
    """The tokens of one sequence and where each short n-gram ended last."""

    def __init__(self, prompt_ids: Sequence[int]) -> None:
        self.ids: list[int] = []
        self._ends: dict[tuple[int, ...], int] = {}
        self.match_end = 0
        """Index behind the latest earlier occurrence of the current suffix."""
        self.match_length = 0
        for token_id in prompt_ids:
            self.append(token_id)

    def append(self, token_id: int) -> None:
        """Add a token and find the longest earlier match of the new suffix."""
        ids, ends = self.ids, self._ends
        ids.append(token_id)
        size = len(ids)
        found_end = found_length = 0
        for order in range(1, min(_MAX_ORDER, size) + 1):
            key = tuple(ids[size - order :])
            earlier = ends.get(key)
            if earlier is not None:
                found_end, found_length = earlier, order
            ends[key] = size
        self.match_end, self.match_length = found_end, found_length

    def find_match(self, prefix_ids: Sequence[int]) -> tuple[int, int]:
        """Return where the end of the text and a prefix occurred last, and its length.

        As `match_end` and `match_length` would be if the text went on with the prefix.
        Only what lies in the text is found, not in the prefix.
        """
        tail = [*self.ids[-_MAX_ORDER:], *prefix_ids][-_MAX_ORDER:]
        found_end = found_length = 0
        for order in range(1, len(tail) + 1):
            end = self._ends.get(tuple(tail[-order:]))
            if end is None:
                break  # what ends a longer match ends a shorter one
            found_end, found_length = end, order
        return found_end, found_length


class HistoryDrafter(OneByOneDrafter):
    """Proposes what followed the latest occurrence of the longest matching suffix.

    Each prediction is compared with the token that came, drafted or not, so that the
    probabilities are honest without ever paying for a rejected draft.

    Source: prompt lookup decoding (Saxena 2023) with the suffix lengths of
    SAM-Decoding, arXiv 2411.10666.
    """

    def __init__(self) -> None:
        self._by_label: dict[str, HitRates] = {}
        self._indexes: dict[int, _SuffixIndex] = {}
        self.switch("")

    def switch(self, label: str) -> None:
        """Go by what is known of texts with this label from now on."""
        self.hit_rates = self._by_label.setdefault(label, HitRates())

    def numbers(self) -> dict[str, dict[str, list[float]]]:
        """What is known, for each label."""
        return {label: rates.numbers() for label, rates in self._by_label.items()}

    def restore(self, numbers: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
        """Begin with what an earlier `numbers` gave; the current label stays."""
        for label, known in numbers.items():
            self._by_label.setdefault(label, HitRates()).restore(known)

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        self._indexes[sequence_id] = _SuffixIndex(prompt_ids)

    def _go_on(self, sequence_id: int, prefix: Sequence[int], limit: int) -> Draft:
        index = self._indexes[sequence_id]
        if not prefix:
            return self._copy(index.ids, index.match_end, index.match_length, limit)
        end, length = index.find_match(prefix)
        return self._copy([*index.ids[end:], *prefix], 0, length, limit)

    def _copy(self, ids: Sequence[int], start: int, length: int, limit: int) -> Draft:
        """Copy on from a match.

        Example: after `a b c x a b` the match `a b` of length 2 ended at index 2, so a
        draft of 3 is `c x a`, `c` with the rate of 2 tokens, `x` with that of 3.
        """
        if not length or limit < 1:
            return EMPTY_DRAFT
        rates = self.hit_rates.rates(length, limit)
        if len(ids) - start >= limit:
            token_ids = tuple(ids[start : start + limit])
        else:
            # A match that reaches the end of the text repeats itself from there on.
            period = len(ids) - start
            token_ids = tuple(ids[start + place % period] for place in range(limit))
        return Draft(token_ids, rates, (NAME,) * limit)

    def observe(self, sequence_id: int, emitted_ids: Sequence[int]) -> None:
        index = self._indexes[sequence_id]
        for token_id in emitted_ids:
            if index.match_length:
                predicted = index.ids[index.match_end]
                self.hit_rates.record(index.match_length, predicted == token_id)
            index.append(token_id)

    def end(self, sequence_id: int) -> None:
        self._indexes.pop(sequence_id, None)
