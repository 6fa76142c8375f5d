"""Replaying text against a table and a ladder of step costs, without a model."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from math import inf
from operator import mul
from pathlib import Path
from typing import Protocol

import numpy as np

from polyspec.errors import UsageError
from polyspec.gguf_header import GgufHeader, tokenizer_fingerprint
from polyspec.tables.corpus import read_lines
from polyspec.tables.encoder import make_encoder
from polyspec.tables.reader import Table

CUDA_LADDER = {
    1: 1.0,
    2: 1.07,
    3: 1.12,
    4: 1.28,
    5: 1.28,
    6: 1.54,
    7: 1.61,
    8: 1.72,
    9: 3.88,
}
"""Relative cost of a step by its width.

Source: llama.cpp pull request 5625.
"""
CPU_LADDER = {1: 1.0, 2: 1.49, 4: 1.65, 8: 3.4, 16: 3.6}
"""Relative cost of a step of Qwen2.5 1.5B in 4 bits on two cores."""
_LADDERS = {"cuda": CUDA_LADDER, "cpu": CPU_LADDER}
_SOURCE = "table"
_MIN_GAIN = 0.03
_MAX_WIDTH = 1024


class Trust(Protocol):
    """Corrects probabilities while running, as `decoding.feedback` does."""

    def trust(self, source: str) -> float:
        """Return accepted over promised tokens so far."""
        ...

    def observe_draft(
        self, source: str, probabilities: Sequence[float], num_accepted: int
    ) -> None:
        """Learn how a draft went."""
        ...

    def observe_idle(self) -> None:
        """Learn that nothing was drafted."""
        ...


@dataclass(frozen=True, slots=True)
class Replay:
    """What drafting would have done to a text."""

    num_tokens: int
    num_steps: int
    num_drafted: int
    num_accepted: int
    cost: float
    """In steps of one token."""

    @property
    def acceptance_rate(self) -> float:
        """Accepted of drafted tokens, `0..1`."""
        return self.num_accepted / max(1, self.num_drafted)

    @property
    def speed_up(self) -> float:
        """Cost of plain decoding over that of drafting."""
        return self.num_tokens / self.cost if self.cost else 1.0

    def as_fields(self) -> dict[str, float]:
        """All figures, for JSON."""
        return {
            **asdict(self),
            "acceptance_rate": self.acceptance_rate,
            "speed_up": self.speed_up,
        }


def ladder_costs(relative: Mapping[int, float]) -> list[float]:
    """Cost of every width from 0 up, interpolated between the given ones."""
    widths = sorted(relative)
    costs: list[float] = np.interp(
        range(widths[-1] + 1), [0, *widths], [0.0, *(relative[w] for w in widths)]
    ).tolist()
    return costs


def parse_ladder(text: str) -> list[float]:
    """Costs by width of a ladder's name, or of pairs such as `2=1.07,4=1.28`.

    Raises:
        UsageError: Neither.
    """
    if text in _LADDERS:
        return ladder_costs(_LADDERS[text])
    try:
        pairs = (part.split("=") for part in text.split(","))
        relative = {int(width): float(cost) for width, cost in pairs}
    except ValueError:
        relative = {}
    is_sound = all(
        1 < width <= _MAX_WIDTH and 0 < cost < inf for width, cost in relative.items()
    )
    if not relative or not is_sound:
        raise UsageError(
            f"{text!r} is no ladder of step costs",
            cause=f"known are {', '.join(_LADDERS)}",
            remedy="or name costs relative to one token: --ladder 2=1.07,4=1.28,8=1.72",
        )
    return ladder_costs({1: 1.0, **relative})


def replay_file(
    table: Table, path: Path, header: GgufHeader, costs: Sequence[float], trust: Trust
) -> Replay:
    """Replay a text, tokenized as the model of a header would; see `replay`.

    Raises:
        TableMismatchError: The table is for another tokenizer.
        TableError: The text cannot be read.
    """
    table.require_match(tokenizer_fingerprint(header), header.path.stem)
    lines = make_encoder(header).encode(list(read_lines(path)))
    return replay(table, lines, costs, trust)


def replay(
    table: Table, lines: Iterable[Sequence[int]], costs: Sequence[float], trust: Trust
) -> Replay:
    """Write each line again, drafting as one sequence would.

    Each step takes the draft length that promises most tokens per cost.

    Args:
        table: What drafts.
        lines: Token ids of the text, as the target would write it.
        costs: Cost of each width of a step, from 0 up.
        trust: Corrects the table's probabilities by what was accepted.
    """
    num_tokens = num_steps = num_drafted = num_accepted = 0
    cost = 0.0
    order, longest = table.info.max_order, len(costs) - 2
    for line in lines:
        place = 0
        while place < len(line):
            state = table.enter(line[max(0, place - order) : place])
            # The last token is the target's own: a draft as long would be cut.
            limit = min(longest, len(line) - place - 1)
            token_ids, probabilities = table.walk(state, limit)
            num = choose_length(probabilities, costs, trust.trust(_SOURCE))
            accepted = _count_accepted(token_ids[:num], line[place : place + num])
            if num:
                trust.observe_draft(_SOURCE, probabilities[:num], accepted)
            else:
                trust.observe_idle()
            place += accepted + 1
            num_drafted += num
            num_accepted += accepted
            cost += costs[num + 1]
            num_steps += 1
        num_tokens += len(line)
    return Replay(num_tokens, num_steps, num_drafted, num_accepted, cost)


def choose_length(
    probabilities: Sequence[float], costs: Sequence[float], trust: float = 1.0
) -> int:
    """Return how many draft tokens promise most tokens per cost; 0 if none pays.

    The rule of `decoding.draft_policy` for one sequence.

    Example: probabilities 0.9 and 0.5 with costs 1, 1.1 and 2 of 1 to 3 tokens promise
    1, 1.73 and 1.18 tokens per cost, so one is drafted.
    """
    best, best_rate = 0, (1 + _MIN_GAIN) / costs[1]
    expected = 1.0
    for num, product in enumerate(accumulate(probabilities, mul), start=1):
        expected += trust * product
        rate = expected / costs[num + 1]
        if rate > best_rate:
            best, best_rate = num, rate
    return best


def _count_accepted(draft_ids: Sequence[int], line: Sequence[int]) -> int:
    for place, (drafted, written) in enumerate(zip(draft_ids, line, strict=True)):
        if drafted != written:
            return place
    return len(draft_ids)
