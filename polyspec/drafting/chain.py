"""Several drafters as one: whoever promises most drafts, and others may go on."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from polyspec.decoding.feedback import Feedback
from polyspec.decoding.interfaces import (
    EMPTY_DRAFT,
    Draft,
    Drafter,
    Drawing,
    Extender,
    Weighing,
)
from polyspec.decoding.sampling import Sampling
from polyspec.decoding.worth import expected_tokens, token_worths
from polyspec.drafting.one_by_one import OneByOneDrafter

_DOUBTFUL = 0.5
"""A token less likely than this, once those before it are right, may be replaced."""
_LEAST_REACH = 0.3
"""Behind what is reached less often than this nobody is asked to go on."""
_MAX_ROUNDS = 2


class ChainDrafter:
    """Takes, for each sequence, the draft with most tokens expected to be accepted.

    Drafters are asked in the order of what they saved of late. One whose time counts is
    not asked where another's draft promises more than its own ever do, and not at all
    while it costs more than it brings. Where a draft ends or becomes doubtful, another
    drafter may go on behind it. Every drafter sees every token, drafted by it or not,
    and the drafts that were taken are held against it, verified or not. Who looks at
    each sequence by itself sees what was written meanwhile when it is asked again, or
    when the sequence ends: many tokens at once take a fraction of the time.
    """

    def __init__(
        self,
        drafters: Mapping[str, Drafter],
        feedback: Feedback,
        clock: Callable[[], float] = time.perf_counter,
        *,
        look_out: str | None = None,
    ) -> None:
        """Join drafters; of equal promises the earlier one's is taken.

        Args:
            drafters: At least one, by the name that its drafts give as their source.
            feedback: That of the policy which will judge the drafts; told what calls
                took.
            clock: Gives seconds.
            look_out: Who is asked now and then while all rest: one that takes little
                time and finds out when drafting begins to pay.
        """
        self._drafters = dict(drafters)
        self._extenders = {
            name: drafter
            for name, drafter in self._drafters.items()
            if isinstance(drafter, Extender) and len(self._drafters) > 1
        }
        self._weighing = [
            drafter for drafter in drafters.values() if isinstance(drafter, Weighing)
        ]
        self._feedback = feedback
        self._clock = clock
        self._look_out = look_out
        self._unread: dict[str, dict[int, list[int]]] = {
            name: {}
            for name, drafter in self._drafters.items()
            if isinstance(drafter, OneByOneDrafter)
        }
        """For each drafter that may wait, and sequence, the tokens it has not seen."""
        self._num_steps = 0
        """Steps since any drafter was asked."""
        self._reading_s = 0.0
        """What drafters took in this step to see what was written before."""
        self._promised: dict[str, float] = {}
        self._taken: dict[int, list[tuple[int, Draft]]] = {}
        """Of each sequence, the draft of its next tokens, and what came of it where
        others went on, each with the place of its first token that is new. Proposals
        that promised less are left out: those who are trusted where they are best are
        not judged by where they are not."""

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        for drafter in self._drafters.values():
            drafter.begin(sequence_id, prompt_ids)

    def draw_as(self, sequence_id: int, sampling: Sampling, stream: int) -> None:
        """Let a drafter draw that is alone: choosing among drawn drafts would show."""
        if len(self._drafters) == 1:
            for drafter in self._drafters.values():
                if isinstance(drafter, Drawing):
                    drafter.draw_as(sequence_id, sampling, stream)

    def propose(
        self, sequence_ids: Sequence[int], limits: Sequence[int]
    ) -> list[Draft]:
        best = [EMPTY_DRAFT] * len(sequence_ids)
        asking = self._feedback.asking
        names = asking.order(self._drafters)
        if not names and self._look_out and asking.may_look(self._look_out):
            names = [self._look_out]
        self._taken = {}
        self._num_steps += 1
        if names:
            started, self._reading_s = self._clock(), 0.0
            self._propose(names, sequence_ids, limits, best)
            # What is read after a pause is of all the steps since.
            of_others_s = self._reading_s * (1.0 - 1.0 / self._num_steps)
            asking.observe_round(self._clock() - started - of_others_s)
            self._num_steps = 0
        return best

    def _propose(
        self,
        names: Sequence[str],
        sequence_ids: Sequence[int],
        limits: Sequence[int],
        best: list[Draft],
    ) -> None:
        """Put the best draft of each sequence into `best`."""
        promises = [0.0] * len(sequence_ids)
        for name in names:
            drafts = self._ask(name, sequence_ids, limits, promises)
            for place, draft in enumerate(drafts):
                promise = self._promise(draft)
                if promise > promises[place]:
                    best[place], promises[place] = draft, promise
        extenders = [name for name in names if name in self._extenders]
        self._taken = {
            sequence_id: [(0, draft)]
            for sequence_id, draft in zip(sequence_ids, best, strict=True)
            if draft.token_ids
        }
        if extenders:
            self._extend(extenders, sequence_ids, limits, best)

    def _ask(
        self,
        name: str,
        sequence_ids: Sequence[int],
        limits: Sequence[int],
        promises: Sequence[float],
    ) -> list[Draft]:
        """Let one drafter propose, without what takes time and cannot win."""
        if self._feedback.asking.is_dear(name):
            usual = self._promised.get(name, float("inf"))
            limits = [
                limit if promise < usual else 0
                for limit, promise in zip(limits, promises, strict=True)
            ]
            if sequence_ids and not any(limits):
                return [EMPTY_DRAFT] * len(sequence_ids)
        self._catch_up(name)
        started = self._clock()
        drafts = self._drafters[name].propose(sequence_ids, limits)
        self._note_call(name, drafts, started)
        for draft in drafts:
            if draft.token_ids:
                promise = self._promise(draft)
                mean = self._promised.get(name, promise)
                self._promised[name] = mean + 0.05 * (promise - mean)
        return drafts

    def _extend(
        self,
        names: Sequence[str],
        sequence_ids: Sequence[int],
        limits: Sequence[int],
        drafts: list[Draft],
    ) -> None:
        """Let others go on behind drafts where these end or become doubtful."""
        starts = {place: 1 for place, draft in enumerate(drafts) if draft.token_ids}
        for _ in range(_MAX_ROUNDS):
            cuts = dict(self._find_cuts(drafts, limits, starts))
            if not cuts:
                return
            starts = {}
            for name in names:
                # Who proposed a token has said already how it would go on.
                asked = {
                    place: cut
                    for place, cut in cuts.items()
                    if drafts[place].sources[cut - 1] != name
                }
                found = self._ask_to_extend(name, asked, sequence_ids, limits, drafts)
                for place, extension in found.items():
                    joined = _join(drafts[place], cuts[place], extension)
                    if self._promise(joined) > self._promise(drafts[place]):
                        drafts[place] = joined
                        starts[place] = cuts[place] + 1
                        taken = self._taken[sequence_ids[place]]
                        taken.append((cuts[place], joined))

    def _find_cuts(
        self, drafts: Sequence[Draft], limits: Sequence[int], starts: Mapping[int, int]
    ) -> Iterator[tuple[int, int]]:
        """Yield where to ask others: place of the draft, tokens of it that stay."""
        for place, start in starts.items():
            draft = drafts[place]
            chances, size, cut = draft.probabilities, len(draft.token_ids), start
            while cut < size and chances[cut] >= _DOUBTFUL:
                cut += 1
            if cut < limits[place]:
                worths = token_worths(draft, self._feedback.trust)
                if worths[cut - 1] >= _LEAST_REACH:
                    yield place, cut

    def _ask_to_extend(
        self,
        name: str,
        cuts: Mapping[int, int],
        sequence_ids: Sequence[int],
        limits: Sequence[int],
        drafts: Sequence[Draft],
    ) -> dict[int, Draft]:
        if not cuts:
            return {}
        self._catch_up(name)
        started = self._clock()
        extensions = self._extenders[name].extend(
            [sequence_ids[place] for place in cuts],
            [drafts[place].token_ids[:cut] for place, cut in cuts.items()],
            [limits[place] - cut for place, cut in cuts.items()],
        )
        self._note_call(name, extensions, started)
        return dict(zip(cuts, extensions, strict=True))

    def _note_call(self, name: str, drafts: Sequence[Draft], started: float) -> None:
        elapsed_s = self._clock() - started
        num_proposed = sum(len(draft.token_ids) for draft in drafts)
        self._feedback.counters.count_call(name, num_proposed, elapsed_s)
        self._feedback.asking.observe_call(name, elapsed_s)

    def _promise(self, draft: Draft) -> float:
        return expected_tokens(draft, self._feedback.trust)

    def weigh(self, sequence_id: int, chances: Sequence[float | None]) -> None:
        for drafter in self._weighing:
            drafter.weigh(sequence_id, chances)

    def observe(self, sequence_id: int, emitted_ids: Sequence[int]) -> None:
        for start, draft in self._taken.pop(sequence_id, ()):
            self._check(draft, start, emitted_ids)
        for name, drafter in self._drafters.items():
            unread = self._unread.get(name)
            if unread is None:
                drafter.observe(sequence_id, emitted_ids)
            else:
                unread.setdefault(sequence_id, []).extend(emitted_ids)

    def _catch_up(self, name: str) -> None:
        """Let a drafter see what was written since it was asked last."""
        unread, drafter = self._unread.get(name), self._drafters[name]
        if not unread:
            return
        started = self._clock()
        for sequence_id, ids in unread.items():
            drafter.observe(sequence_id, ids)
        unread.clear()
        self._reading_s += self._clock() - started

    def _check(self, draft: Draft, start: int, emitted_ids: Sequence[int]) -> None:
        """Tell what came of the tokens from `start` on, as far as that is known."""
        if draft.is_drawn:
            return  # its chances say nothing of the tokens that the draw gave
        pairs = zip(draft.token_ids, emitted_ids, strict=False)
        for place, (token_id, emitted_id) in enumerate(pairs):
            is_right = token_id == emitted_id
            if place >= start:
                name, chance = draft.sources[place], draft.probabilities[place]
                is_first = not place or draft.sources[place - 1] != name
                self._feedback.observe_token(name, chance, is_right, is_first=is_first)
            if not is_right:
                return

    def end(self, sequence_id: int) -> None:
        self._taken.pop(sequence_id, None)
        for name, drafter in self._drafters.items():
            unread_ids = self._unread.get(name, {}).pop(sequence_id, ())
            if unread_ids:
                drafter.observe(sequence_id, unread_ids)
            drafter.end(sequence_id)


def _join(draft: Draft, length: int, extension: Draft) -> Draft:
    """Return the first tokens of a draft with an extension behind them."""
    kept = draft.cut(length)
    return Draft(
        kept.token_ids + extension.token_ids,
        kept.probabilities + extension.probabilities,
        kept.sources + extension.sources,
    )
