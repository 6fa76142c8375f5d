"""What a draft model is worth on texts of its target, without running the target."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polyspec.arrays import LogitsArray
from polyspec.benchmarks.replay import Answer, Replay, replay_answers
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.interfaces import Chunk, Target
from polyspec.decoding.step_cost import StepCost
from polyspec.decoding.stop_rule import StopRule
from polyspec.drafting.model import ModelDrafter
from polyspec.drafting.token_map import TokenMap

_SEQUENCE = 0


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often a draft model would have gone on as its target did."""

    num_tokens: int
    num_known: int
    """Tokens that the draft has at all."""
    num_agreed: int
    """Tokens that are its likeliest after all those before."""

    @property
    def acceptance(self) -> float:
        """Chance that a draft token is accepted once those before it are, `0..1`."""
        return self.num_agreed / max(1, self.num_tokens)

    @property
    def coverage(self) -> float:
        """Share of tokens that it could propose, `0..1`."""
        return self.num_known / max(1, self.num_tokens)


def measure_agreement(
    draft: Target, token_map: TokenMap | None, answers: Sequence[Answer]
) -> Agreement:
    """Read answers with a draft model and compare its choice at each place.

    Args:
        draft: The draft model; its first sequence is used and released.
        token_map: Of a trimmed draft.
        answers: With their prompts, which are not counted.

    Raises:
        EngineError: The draft model cannot be evaluated.
    """
    num_tokens = num_known = num_agreed = 0
    for answer in answers:
        output = list(answer.output_ids)
        if not answer.prompt_ids:
            output = output[1:]
        if not output:
            continue
        ids = [*answer.prompt_ids, *answer.output_ids]
        read = ids if token_map is None else token_map.to_draft(ids)
        unknown_id = None if token_map is None else token_map.unknown_id
        chosen = _choose(draft, read, len(output), unknown_id)
        wanted = np.array(read[-len(output) :])
        known = (
            np.ones(len(wanted), bool) if unknown_id is None else wanted != unknown_id
        )
        num_tokens += len(output)
        num_known += int(known.sum())
        num_agreed += int((known & (chosen == wanted)).sum())
    return Agreement(num_tokens, num_known, num_agreed)


def _choose(
    draft: Target, ids: Sequence[int], num: int, unknown_id: int | None
) -> np.ndarray:
    """The draft's choice of the last `num` tokens, each after those before it."""
    first = len(ids) - num - 1
    step = min(draft.max_batch, draft.max_outputs)
    chosen: list[int] = []
    try:
        for start in range(0, len(ids) - 1, step):
            end = min(len(ids) - 1, start + step)
            num_outputs = max(0, end - max(start, first))
            chunk = Chunk(_SEQUENCE, start, ids[start:end], num_outputs)
            for row in draft.evaluate([chunk]):
                chosen.append(_best(row, unknown_id))
    finally:
        draft.release(_SEQUENCE)
    return np.array(chosen)


def _best(row: LogitsArray, unknown_id: int | None) -> int:
    best = int(row.argmax())
    if best != unknown_id:
        return best
    others = row.copy()
    others[best] = -np.inf
    return int(others.argmax())


class TimedTarget:
    """A draft model whose evaluations are added up by a ladder instead of a clock."""

    def __init__(self, model: Target, cost: StepCost) -> None:
        self._model = model
        self._cost = cost
        self.spent = 0.0
        """In the unit of the ladder."""
        self.vocab_size = model.vocab_size
        self.context_size = model.context_size
        self.max_batch = model.max_batch
        self.max_outputs = model.max_outputs
        self.can_trim = model.can_trim

    def evaluate(self, chunks: Sequence[Chunk]) -> LogitsArray:
        self.spent += self._cost.of(sum(len(chunk.token_ids) for chunk in chunks))
        return self._model.evaluate(chunks)

    def copy_prefix(self, from_id: int, to_id: int, num_tokens: int) -> None:
        self._model.copy_prefix(from_id, to_id, num_tokens)

    def trim(self, sequence_id: int, num_tokens: int) -> None:
        self._model.trim(sequence_id, num_tokens)

    def release(self, sequence_id: int) -> None:
        self._model.release(sequence_id)


def replay_draft(
    draft: Target,
    token_map: TokenMap | None,
    answers: Sequence[Answer],
    target_cost: StepCost,
    draft_cost: StepCost,
) -> Replay:
    """Replay answers with a draft model, its own steps counted in the cost.

    Reading of prompts by the draft model is part of it, for only drafting needs that.

    Args:
        draft: The draft model, whose first sequence is used.
        token_map: Of a trimmed draft.
        answers: With their prompts.
        target_cost: Ladder of the target.
        draft_cost: Ladder of the draft model, in the same unit.
    """
    timed = TimedTarget(draft, draft_cost)
    drafter = ModelDrafter(
        timed,
        StopRule(target_cost, draft_cost),
        vocab_size=len(token_map) if token_map else None,
        token_map=token_map,
    )
    done = replay_answers(drafter, DraftPolicy(target_cost), answers)
    drafter.close()
    done.cost += timed.spent / target_cost.of(1)
    return done


def scale_ladder(ladder: StepCost, share: float) -> StepCost:
    """A ladder of the same shape at a share of the cost."""
    return StepCost(ladder.seconds * share, ladder.measured_widths)
