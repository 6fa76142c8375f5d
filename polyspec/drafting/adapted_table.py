"""A table whose promises follow what the target wrote in the same contexts."""

from collections.abc import Sequence

from polyspec.tables.reader import Table

_PRIOR_WEIGHT = 3.0
"""So many tokens seen in a state count as much as the table does."""
_DISCOUNT = 0.6
"""Taken off the count of a token that is not the table's choice: it may be chance."""
_MAX_STATES = 1 << 16
_MAX_FOLLOWERS = 32
"""With more different tokens in a state, all but the likeliest are forgotten there."""
_KEEP = 0.999
"""Outcomes fade so that one from 700 ago counts half."""
_RATE_WEIGHT = 8.0
_NUM_COUNTS = 8
_SURE = 0.5
_FIRST_UNSEEN = 2 * _NUM_COUNTS


class _Seen:
    """What the target wrote in one state, and which token is likeliest now."""

    __slots__ = (
        "best_id",
        "best_next",
        "best_weight",
        "chance",
        "greedy_id",
        "greedy_next",
        "rate",
        "total",
        "weights",
    )

    def __init__(self, greedy_id: int, weight: float, greedy_next: int) -> None:
        self.best_id = self.greedy_id = greedy_id
        self.best_next = self.greedy_next = greedy_next
        self.best_weight = weight
        self.weights: dict[int, float] = {}
        """By token, what the table says and what was seen together."""
        self.total = 0
        self.chance, self.rate = 0.0, 0

    def update(self) -> None:
        """Work out the chance of the likeliest token, and which rate corrects it."""
        self.chance = self.best_weight / (_PRIOR_WEIGHT + self.total)
        place = min(_NUM_COUNTS - 1, self.total.bit_length())
        self.rate = 2 * place + (self.best_id != self.greedy_id)


class AdaptedTable:
    """Looks tokens up in a table and in what was seen since.

    In each state the table's chances count as so many tokens seen, and those that the
    target wrote there, and in longer contexts that end alike, are added (a Dirichlet
    prior). A token that the table does not know is a state of its own. How often such
    promises are kept, by how much was seen, corrects them. Knows token ids only, and
    forgets them with the object.
    """

    def __init__(self, table: Table) -> None:
        """Begin with what the table says; nothing was seen yet."""
        self._table = table
        self.info = table.info
        self._seen: dict[int, _Seen] = {}
        num_rates = _FIRST_UNSEEN + 2
        self._kept = [_RATE_WEIGHT] * num_rates
        self._promised = [_RATE_WEIGHT] * num_rates
        self._rates = [1.0] * num_rates

    def close(self) -> None:
        """Close the table."""
        self._table.close()

    def enter(self, context_ids: Sequence[int]) -> int:
        """Return the state of the longest known end of a context, 0 for none.

        Where the table does not know the last token, the number is negative.
        """
        state = self._table.enter(context_ids)
        return state or (-1 - context_ids[-1] if context_ids else 0)

    def best(self, state: int) -> tuple[int, float, int]:
        """Return the likeliest token of a state, its probability and the next state."""
        token_id, chance, rate, next_state = self._look_up(state)
        return token_id, min(1.0, chance * self._rates[rate]), next_state

    def _look_up(self, state: int) -> tuple[int, float, int, int]:
        """Token, chance, number of the rate that corrects it, and next state."""
        seen = self._seen.get(state)
        if seen is not None:
            return seen.best_id, seen.chance, seen.rate, seen.best_next
        token_id, chance, next_state = self._table.edge(state if state > 0 else 0)
        return token_id, chance, _FIRST_UNSEEN + (chance >= _SURE), next_state

    def walk(
        self, state: int, limit: int, least_chance: float
    ) -> tuple[list[int], list[float]]:
        """Follow the likeliest tokens from a state; see `Table.walk`."""
        token_ids: list[int] = []
        probabilities: list[float] = []
        look_up, rates = self._look_up, self._rates
        reached = 1.0
        for _ in range(limit):
            token_id, chance, rate, state = look_up(state)
            chance *= rates[rate]
            chance = 1.0 if chance > 1.0 else chance
            reached *= chance
            if reached < least_chance:
                break
            token_ids.append(token_id)
            probabilities.append(chance)
        return token_ids, probabilities

    def observe(self, context_ids: Sequence[int], emitted_ids: Sequence[int]) -> None:
        """Learn what followed a context.

        Args:
            context_ids: What stood before; the last tokens are enough.
            emitted_ids: What the target wrote then.
        """
        ids = list(context_ids)
        path = self._table.states(ids)
        for token_id in emitted_ids:
            state = path[-1] or (-1 - ids[-1] if ids else 0)
            self._judge(state, token_id)
            ids.append(token_id)
            next_path = self._table.states(ids)
            last = len(next_path) - 1
            for length in range(1, len(path)):
                next_state = next_path[min(length + 1, last)]
                self._count(path[length], token_id, next_state or -1 - token_id)
            if state < 0:
                self._count(state, token_id, next_path[last] or -1 - token_id)
            path = next_path

    def _judge(self, state: int, token_id: int) -> None:
        likeliest, chance, rate, _ = self._look_up(state)
        promised = self._promised[rate] * _KEEP + chance
        kept = self._kept[rate] * _KEEP + (likeliest == token_id)
        self._promised[rate], self._kept[rate] = promised, kept
        self._rates[rate] = kept / promised

    def _count(self, state: int, token_id: int, next_state: int) -> None:
        seen = self._seen.get(state)
        if seen is None:
            if len(self._seen) >= _MAX_STATES:
                self._forget()
            greedy_id, chance, greedy_next = self._table.edge(max(0, state))
            seen = _Seen(greedy_id, _PRIOR_WEIGHT * chance, greedy_next)
            self._seen[state] = seen
        seen.total += 1
        weight = seen.weights.get(token_id)
        if weight is None:
            weight = self._prior(state, token_id, is_greedy=token_id == seen.greedy_id)
        weight = seen.weights[token_id] = weight + 1.0
        # Only this token's weight grew, so it alone can become the likeliest.
        if token_id == seen.best_id or weight > seen.best_weight:
            is_greedy = token_id == seen.greedy_id
            seen.best_id, seen.best_weight = token_id, weight
            seen.best_next = seen.greedy_next if is_greedy else next_state
        if len(seen.weights) > _MAX_FOLLOWERS:
            seen.weights = {seen.best_id: seen.best_weight}
        seen.update()

    def _prior(self, state: int, token_id: int, *, is_greedy: bool) -> float:
        """What a token weighs in a state before it was seen there."""
        edges = self._table.edges(max(0, state))
        chance = next((edge[1] for edge in edges if edge[0] == token_id), 0.0)
        return _PRIOR_WEIGHT * chance - (0.0 if is_greedy else _DISCOUNT)

    def _forget(self) -> None:
        """Drop the half that was learned first."""
        for state in list(self._seen)[: _MAX_STATES // 2]:
            del self._seen[state]
