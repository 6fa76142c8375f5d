"""Replaying texts as if a target wrote them: drafters and policy without a model.

The drafters, the policy and its corrections are those that run; only the target is
replaced, by the tokens it once chose and by a ladder of what its steps cost.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from operator import eq
from pathlib import Path
from typing import Protocol, TypeAlias

from polyspec.decoding.draft_policy import share_length
from polyspec.decoding.interfaces import EMPTY_DRAFT, Draft, Drafter, Weighing
from polyspec.decoding.sequences import cut_before_end
from polyspec.decoding.step_cost import StepCost
from polyspec.gguf_header import GgufHeader
from polyspec.tables.corpus import read_lines
from polyspec.tables.encoder import make_encoder

_ENDLESS = 1 << 30

Announce: TypeAlias = Callable[[Sequence[int], str], None]
"""Takes a prompt and the text that it asks to translate."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a target wrote after a prompt."""

    output_ids: Sequence[int]
    prompt_ids: Sequence[int] = ()
    max_tokens: int = _ENDLESS
    """Where the answer would have been cut."""
    source: str = ""
    """What it translates; empty for nothing."""
    end_id: int | None = None
    """The token that ended it, of which a draft saves nothing."""
    draw: Callable[[int], float] | None = None
    """Gives the random number, `0..1`, with which the token of a place was drawn; None
    where it was the likeliest, or that is not known."""
    chances: Sequence[float] = ()
    """The target's probability of each token, `0..1`; empty where it is not known."""


class Policy(Protocol):
    """Chooses how much of each draft to verify, as `DraftPolicy` does."""

    @property
    def step_cost(self) -> StepCost: ...

    @property
    def longest_draft(self) -> int: ...

    def choose_lengths(
        self,
        drafts: Sequence[Draft],
        num_rows: int,
        max_rows: int,
        num_cached: int = 0,
        draws: Sequence[Sequence[float]] = (),
    ) -> list[int]: ...

    def observe_step(
        self,
        width: int,
        elapsed_s: float,
        drafts: Sequence[Draft],
        accepted: list[int],
        num_prompt: int = 0,
    ) -> None: ...


@dataclass(slots=True)
class Replay:
    """What drafting would have done to texts."""

    num_tokens: int = 0
    num_steps: int = 0
    """Steps of all sequences counted together, so one for those side by side."""
    num_turns: int = 0
    """Steps as each sequence took part in them."""
    num_drafted: int = 0
    num_accepted: int = 0
    cost: float = 0.0
    """In steps of one token."""
    plain_cost: float = 0.0
    """The same without drafts."""

    @property
    def acceptance_rate(self) -> float:
        """Accepted of drafted tokens, `0..1`."""
        return self.num_accepted / max(1, self.num_drafted)

    @property
    def mean_acceptance_length(self) -> float:
        """Tokens that a step gives a sequence, bonus token included."""
        return self.num_tokens / max(1, self.num_turns)

    @property
    def speed_up(self) -> float:
        """Cost of plain decoding over that of drafting."""
        return self.plain_cost / self.cost if self.cost else 1.0

    def as_fields(self) -> dict[str, float]:
        """All figures, for JSON."""
        return {
            **asdict(self),
            "acceptance_rate": self.acceptance_rate,
            "mean_acceptance_length": self.mean_acceptance_length,
            "speed_up": self.speed_up,
        }


def read_answers(path: Path, header: GgufHeader) -> list[Answer]:
    """The lines of a text, tokenized as the model of a header would.

    Raises:
        TableError: The text cannot be read.
        ModelError: Texts cannot be tokenized for this model.
    """
    lines = make_encoder(header).encode(list(read_lines(path)))
    return [Answer(line) for line in lines]


def replay_lines(
    drafter: Drafter | None,
    policy: Policy,
    lines: Iterable[Sequence[int]],
    num_parallel: int = 1,
) -> Replay:
    """Replay token ids of texts without prompts; see `replay_answers`.

    Example: `replay_lines(TableDrafter(table), DraftPolicy(named_ladder("cuda")),
    lines).speed_up`
    """
    return replay_answers(drafter, policy, map(Answer, lines), num_parallel)


def replay_answers(
    drafter: Drafter | None,
    policy: Policy,
    answers: Iterable[Answer],
    num_parallel: int = 1,
    announce: Announce | None = None,
) -> Replay:
    """Write each answer again as the scheduler would, and count what it costs.

    The first token of an answer comes with its prompt, in a step that is counted like
    one of a single token; what reading prompts costs is left out. As in a real run,
    a draft may reach beyond the end of an answer, in vain.

    Args:
        drafter: What drafts, or nothing.
        policy: Chooses lengths; its ladder says what steps cost.
        answers: Texts of the target; empty ones are skipped.
        num_parallel: How many are written side by side.
        announce: Told of the source of each answer that has one, before it begins.
    """
    kept = [answer for answer in answers if len(answer.output_ids)]
    widest = num_parallel * (1 + policy.longest_draft)
    seconds = [policy.step_cost.of(width) for width in range(widest + 1)]
    done = _Run(
        drafter, policy, seconds, kept, num_parallel, announce=announce
    ).finish()
    lengths = [len(answer.output_ids) for answer in kept]
    done.plain_cost = _plain_seconds(lengths, seconds, num_parallel) / seconds[1]
    return done


def _plain_seconds(
    lengths: Sequence[int], seconds: Sequence[float], num_parallel: int
) -> float:
    """What answers of these lengths cost, so many side by side, without drafts."""
    waiting = iter(lengths)
    left = list(islice(waiting, num_parallel))
    total_s = 0.0
    while left:
        total_s += seconds[len(left)]
        left = [num - 1 for num in left if num > 1]
        left += islice(waiting, num_parallel - len(left))
    return total_s


@dataclass(slots=True)
class _Sequence:
    """One answer on its way."""

    sequence_id: int
    output_ids: tuple[int, ...]
    max_tokens: int
    ends_alone: Callable[[int], bool]
    draw: Callable[[int], float] | None
    chances: Sequence[float]
    num_written: int = 0

    def coming_draws(self, count: int) -> Sequence[float]:
        """What the next tokens were drawn with; empty if that is not known."""
        if self.draw is None:
            return ()
        start = self.num_written
        return [self.draw(place) for place in range(start, start + count)]


class _Run:
    """The loop of `decoding.scheduler`, with recorded tokens for a target."""

    def __init__(
        self,
        drafter: Drafter | None,
        policy: Policy,
        seconds: Sequence[float],
        answers: Sequence[Answer],
        num_parallel: int,
        *,
        announce: Announce | None,
    ) -> None:
        self._announce = announce
        self._drafter = drafter
        weighing: object = drafter
        self._weighing = weighing if isinstance(weighing, Weighing) else None
        self._policy = policy
        self._seconds = seconds
        self._waiting = iter(answers)
        self._free_ids = list(range(num_parallel))
        self._live: list[_Sequence] = []
        self._total_s = 0.0
        self._done = Replay()

    def finish(self) -> Replay:
        """Run to the end."""
        self._admit()
        while self._live:
            self._step()
        self._done.cost = self._total_s / self._seconds[1]
        return self._done

    def _admit(self) -> None:
        while self._free_ids:
            answer = next(self._waiting, None)
            if answer is None:
                return
            sequence_id = self._free_ids.pop()
            if self._announce is not None and answer.source:
                self._announce(answer.prompt_ids, answer.source)
            if self._drafter is not None:
                self._drafter.begin(sequence_id, answer.prompt_ids)
            self._live.append(
                _Sequence(
                    sequence_id,
                    tuple(answer.output_ids),
                    answer.max_tokens,
                    partial(eq, answer.end_id),
                    answer.draw,
                    answer.chances,
                )
            )

    def _step(self) -> None:
        live, done = self._live, self._done
        drafts = self._draft(live)
        width = len(live)
        accepted = []
        for sequence, draft in zip(live, drafts, strict=True):
            num_drafted = len(draft.token_ids)
            width += num_drafted
            accepted.append(_count_agreed(draft, sequence) if num_drafted else 0)
        elapsed_s = self._seconds[width]
        self._policy.observe_step(width, elapsed_s, drafts, accepted)
        self._total_s += elapsed_s
        done.num_steps += 1
        done.num_turns += len(live)
        done.num_drafted += width - len(live)
        done.num_accepted += sum(accepted)
        is_over = [
            self._settle(sequence, num)
            for sequence, num in zip(live, accepted, strict=True)
        ]
        if True in is_over:
            self._live = [
                sequence
                for sequence, over in zip(live, is_over, strict=True)
                if not over
            ]
            self._admit()

    def _draft(self, live: Sequence[_Sequence]) -> list[Draft]:
        """Propose and keep what pays; the first token comes with the prompt."""
        drafts = [EMPTY_DRAFT] * len(live)
        places = [place for place, seq in enumerate(live) if seq.num_written]
        longest = self._policy.longest_draft
        if self._drafter is None or longest < 1 or not places:
            return drafts
        writing = [live[place] for place in places]
        longest = share_length(longest, len(writing))
        proposed = self._drafter.propose(
            [sequence.sequence_id for sequence in writing],
            [min(longest, seq.max_tokens - seq.num_written - 1) for seq in writing],
        )
        proposed = [
            cut_before_end(draft, sequence.ends_alone)
            for sequence, draft in zip(writing, proposed, strict=True)
        ]
        lengths = self._policy.choose_lengths(
            proposed,
            len(live),
            len(self._seconds) - 1,
            draws=[
                sequence.coming_draws(len(draft.token_ids))
                for sequence, draft in zip(writing, proposed, strict=True)
            ],
        )
        for place, draft, length in zip(places, proposed, lengths, strict=True):
            if length:
                drafts[place] = draft.cut(length)
        return drafts

    def _settle(self, sequence: _Sequence, num_accepted: int) -> bool:
        """Write a step's tokens and tell whether the answer is over."""
        start = sequence.num_written
        emitted = sequence.output_ids[start : start + num_accepted + 1]
        sequence.num_written = start + len(emitted)
        self._done.num_tokens += len(emitted)
        is_over = sequence.num_written == len(sequence.output_ids)
        if self._weighing is not None and sequence.chances:
            chances = sequence.chances[start : sequence.num_written]
            self._weighing.weigh(sequence.sequence_id, chances)
        if self._drafter is not None:
            self._drafter.observe(sequence.sequence_id, emitted)
            if is_over:
                self._drafter.end(sequence.sequence_id)
        if is_over:
            self._free_ids.append(sequence.sequence_id)
        return is_over


def _count_agreed(draft: Draft, sequence: _Sequence) -> int:
    start = sequence.num_written
    written = sequence.output_ids[start : start + len(draft.token_ids)]
    if written == draft.token_ids:
        return len(written)
    agreed = zip(draft.token_ids, written, strict=False)
    place = 0
    for drafted, token_id in agreed:
        if drafted != token_id:
            break
        place += 1
    return place
