"""Several ways of drafting in one session, which take turns and are measured."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from polyspec.benchmarks.baselines import (
    PAPER_LENGTHS,
    BigramDrafter,
    NgramCounts,
    TakeAll,
)
from polyspec.benchmarks.replay import Policy
from polyspec.benchmarks.replay_suite import find_corpora
from polyspec.benchmarks.suite import Group, Suite
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.interfaces import Draft, Drafter, Drawing, Weighing
from polyspec.decoding.sampling import Sampling
from polyspec.drafting.compose import make_drafter
from polyspec.drafting.expectations import drafted_share
from polyspec.gguf_header import tokenizer_fingerprint
from polyspec.loading import Loaded, LoadedDraft
from polyspec.session import Announce
from polyspec.tables.corpus import read_lines
from polyspec.tables.encoder import make_encoder
from polyspec.translator import make_model_drafter

BIGRAM = "bigram"
BIGRAMS = tuple(f"{BIGRAM} {length}" for length in PAPER_LENGTHS)
"""The paper's drafter at each of its fixed lengths, of which the best is reported."""
_T = TypeVar("_T")


def _do_nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Lane:
    """One way of drafting; what it learns is its own."""

    drafter: Drafter | None
    """None drafts nothing."""
    policy: Policy
    announce: Announce | None = None
    close: Callable[[], None] = _do_nothing


@dataclass(slots=True)
class Tally:
    """What one lane did for one text."""

    prompt_ids: tuple[int, ...] = ()
    prompt_s: float = 0.0
    """From the beginning of the sequence to its first token."""
    draft_s: float = 0.0
    """Seconds that its drafter took itself, the reading of the prompt included."""
    tried_at: list[int] = field(default_factory=list)
    """Draft tokens that the target judged, by their place in the draft: those whose
    predecessors were all accepted."""
    accepted_at: list[int] = field(default_factory=list)
    chances: list[float | None] = field(default_factory=list)
    """The target's probability of each token that was drawn."""

    def count(self, draft: Draft, num_accepted: int) -> None:
        """Count a draft that the target verified."""
        for place in range(min(len(draft.token_ids), num_accepted + 1)):
            if place == len(self.tried_at):
                self.tried_at.append(0)
                self.accepted_at.append(0)
            self.tried_at[place] += 1
            self.accepted_at[place] += place < num_accepted


class Switch:
    """Drafter and policy of a session: those of the lane that was chosen last.

    Lanes are changed between texts only.
    """

    def __init__(self, lane: Lane, is_exact: bool) -> None:
        """Begin with a lane.

        Args:
            lane: The first one.
            is_exact: Whether the policies of all lanes are exact.
        """
        self.is_exact = is_exact
        self._lane = lane
        self._tally = Tally()
        self._begun_s: float | None = None

    def use(self, lane: Lane) -> Tally:
        """Let a lane draft the next text; gives the tally that will count it."""
        self._lane = lane
        self._tally = Tally()
        return self._tally

    def announce(self, prompt_ids: Sequence[int], source: str) -> None:
        if self._lane.announce is not None:
            self._timed(self._lane.announce, prompt_ids, source)

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        self._tally.prompt_ids = tuple(prompt_ids)
        self._begun_s = time.perf_counter()
        if self._lane.drafter is not None:
            self._timed(self._lane.drafter.begin, sequence_id, prompt_ids)

    def draw_as(self, sequence_id: int, sampling: Sampling, stream: int) -> None:
        drafter: object = self._lane.drafter
        if isinstance(drafter, Drawing):
            drafter.draw_as(sequence_id, sampling, stream)

    def propose(
        self, sequence_ids: Sequence[int], limits: Sequence[int]
    ) -> list[Draft]:
        if self._lane.drafter is None:
            raise ValueError("a lane that drafts nothing is never asked")
        return self._timed(self._lane.drafter.propose, sequence_ids, limits)

    def weigh(self, sequence_id: int, chances: Sequence[float | None]) -> None:
        self._tally.chances += chances
        drafter: object = self._lane.drafter
        if isinstance(drafter, Weighing):
            self._timed(drafter.weigh, sequence_id, chances)

    def observe(self, sequence_id: int, emitted_ids: Sequence[int]) -> None:
        if self._begun_s is not None:
            self._tally.prompt_s = time.perf_counter() - self._begun_s
            self._begun_s = None
        if self._lane.drafter is not None:
            self._timed(self._lane.drafter.observe, sequence_id, emitted_ids)

    def end(self, sequence_id: int) -> None:
        if self._lane.drafter is not None:
            self._timed(self._lane.drafter.end, sequence_id)

    @property
    def longest_draft(self) -> int:
        """Nothing where the lane has no drafter, so that none is asked."""
        return self._lane.policy.longest_draft if self._lane.drafter else 0

    def choose_lengths(
        self,
        drafts: Sequence[Draft],
        num_rows: int,
        max_rows: int,
        num_cached: int = 0,
        draws: Sequence[Sequence[float]] = (),
    ) -> list[int]:
        return self._lane.policy.choose_lengths(
            drafts, num_rows, max_rows, num_cached, draws
        )

    def observe_step(
        self,
        width: int,
        elapsed_s: float,
        drafts: Sequence[Draft],
        accepted: list[int],
        num_prompt: int = 0,
    ) -> None:
        self._lane.policy.observe_step(width, elapsed_s, drafts, accepted, num_prompt)
        for draft, num_accepted in zip(drafts, accepted, strict=True):
            self._tally.count(draft, num_accepted)

    def _timed(self, call: Callable[..., _T], *arguments: object) -> _T:
        started = time.perf_counter()
        result = call(*arguments)
        self._tally.draft_s += time.perf_counter() - started
        return result


class LaneMaker:
    """Makes the lanes of one model by the names of their drafters."""

    def __init__(
        self,
        loaded: Loaded,
        suite: Suite,
        drafts: Mapping[str, LoadedDraft],
        report: Callable[[str], None],
        memory_dir: Path | None,
    ) -> None:
        """Make nothing yet.

        Args:
            loaded: The model that decides.
            suite: What is measured.
            drafts: The draft models that are measured, by the names of their drafters.
            report: Told when a drafter fails.
            memory_dir: Where lanes keep learned tables, each its own; without it `auto`
                has none.
        """
        self._loaded = loaded
        self._suite = suite
        self._drafts = drafts
        self._report = report
        self._memory_dir = memory_dir
        self._bigrams: dict[str, NgramCounts] = {}

    def make(self, name: str, group: Group) -> Lane:
        """Make a lane that has learned nothing yet.

        Raises:
            TableError: The language has no table or no lexicon, and the drafter is one.
            DocumentError: It has no corpus, and the drafter counts one.
        """
        cost = self._loaded.step_cost
        if name in BIGRAMS:
            counts = self._count(group.language.code)
            policy = TakeAll(cost, int(name.removeprefix(BIGRAM)))
            return Lane(BigramDrafter(counts), policy)
        return self._make_own(name, group)

    def _make_own(self, name: str, group: Group) -> Lane:
        policy = DraftPolicy(self._loaded.step_cost, is_exact=self._suite.is_exact)
        model = self._loaded.model
        small, memory_dir = None, None
        if name in self._drafts:
            small = make_model_drafter(
                self._loaded, self._drafts[name], self._report, draws=True
            )
        elif self._memory_dir is not None:
            memory_dir = self._memory_dir / name
        drafting = make_drafter(
            name,
            policy.feedback,
            fingerprint=lambda: tokenizer_fingerprint(model.header),
            model=model.path.stem,
            draft_model=small,
            encode=model.tokenizer.encode_all,
            memory_dir=memory_dir,
            share=drafted_share(self._loaded.step_cost),
            tell=self._report,
        )
        source = "" if group.task == "story" else "eng"
        drafting.switch(group.language.code, group.task, source)
        return Lane(
            drafting.drafter,
            policy,
            drafting.sources.announce if drafting.sources else None,
            small.close if small is not None else _do_nothing,
        )

    def _count(self, language: str) -> NgramCounts:
        """Count the language's corpus once for all its lanes and tasks."""
        if language not in self._bigrams:
            paths = find_corpora(self._suite.corpora, language)
            lines = [line for path in paths for line in read_lines(path)]
            encoder = make_encoder(self._loaded.model.header)
            # Languages come one after another, so the last one's counts may go.
            self._bigrams = {language: NgramCounts(encoder.encode(lines), 1)}
        return self._bigrams[language]
