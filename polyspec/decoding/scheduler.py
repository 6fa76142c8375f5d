"""The loop: many sequences in one context, each step proposing and verifying."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator

from polyspec.arrays import LogitsArray
from polyspec.decoding.draft_policy import DraftPolicy, share_length
from polyspec.decoding.interfaces import (
    EMPTY_DRAFT,
    Chunk,
    Draft,
    Drafter,
    Drawing,
    Target,
    Weighing,
)
from polyspec.decoding.prefixes import PrefixStore
from polyspec.decoding.sampling import Chooser
from polyspec.decoding.sequences import (
    Emitted,
    Finished,
    LiveSequence,
    Request,
    cut_before_end,
    prompt_chunk,
)
from polyspec.decoding.verify import verify_drawn, verify_greedy, verify_resampled
from polyspec.errors import EngineError

__all__ = ["Emitted", "Finished", "Request", "Scheduler"]
_MANY = 16
"""With fewer side by side a prompt is read when a place is free for its answer."""
_AHEAD_SHARE = 5
"""For so many places one prompt is read ahead. Those of 63 places, with the tokens of
the answers, fit into one step of 512."""


def num_read_ahead(max_sequences: int) -> int:
    """Return how many prompts to read before there is a place for their answers.

    Together they are read in one wide pass, which costs less for each token than a
    pass for each, and no place is empty until there are enough of them.
    """
    return max_sequences // _AHEAD_SHARE if max_sequences >= _MANY else 0


class Scheduler:
    """Decodes requests side by side in one target.

    Used by one thread. Between runs the target holds nothing but shared prefixes.
    """

    def __init__(
        self,
        target: Target,
        drafter: Drafter | None,
        policy: DraftPolicy,
        *,
        max_sequences: int,
        max_ahead: int = 0,
        max_drafting: int | None = None,
        max_prefixes: int = 2,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Decode at most `max_sequences` at once.

        An exact policy decodes one sequence at a time, as the text it promises was
        defined.

        Args:
            target: Offers `max_sequences + max_ahead + max_prefixes` sequence ids.
            drafter: Proposes tokens, or nothing.
            policy: Chooses how many of them are verified.
            max_sequences: Most answers that are written in one step.
            max_ahead: Most answers that have their first token and wait for a place.
            max_drafting: Most answers to which drafts are added; with more, none gets
                one. Otherwise the policy alone decides.
            max_prefixes: Most shared prompt beginnings that are kept.
            clock: Gives seconds.
        """
        self.target = target
        self.policy = policy
        # Each sequence needs a row of its own in every step.
        most = min(max_sequences, target.max_batch, target.max_outputs)
        self.max_sequences = 1 if policy.is_exact else most
        self._drafter = drafter if target.can_trim else None
        weighing: object = self._drafter
        self._weighing = weighing if isinstance(weighing, Weighing) else None
        if policy.is_exact:
            # A second prefix would move the cells of all that follows.
            max_prefixes = min(1, max_prefixes)
            max_ahead = 0
        self._max_drafting = (
            self.max_sequences if max_drafting is None else max_drafting
        )
        # A prompt that ends wants a row of logits beside those of the answers.
        self.max_ahead = min(max_ahead, target.max_outputs - self.max_sequences)
        num_places = self.max_sequences + self.max_ahead
        ids = range(num_places + max_prefixes)
        self._free_ids = list(reversed(ids[:num_places]))
        self._prefixes = PrefixStore(target, ids[num_places:])
        self._num_reserved = 0
        self._clock = clock

    def close(self) -> None:
        """Release the shared prefixes, so that another scheduler may use the target."""
        self._prefixes.drop_unused()

    def run(
        self, requests: Iterable[Request]
    ) -> Generator[Emitted | Finished, None, None]:
        """Answer the requests, taken one by one as places become free.

        Closing the iterator cancels everything between two steps and releases it.

        Raises:
            EngineError: A request can never fit into the context.
            ValueError: Another run of this scheduler has not ended.
        """
        if self._num_reserved:
            raise ValueError("a run must end before the next one begins")
        waiting = enumerate(requests)
        live: list[LiveSequence] = []
        held: list[LiveSequence] = []
        try:
            while True:
                self._admit(waiting, live, held)
                if not live:
                    return
                yield from self._step(live)
        finally:
            for sequence in live:
                self._release(sequence)

    def _admit(
        self,
        waiting: Iterator[tuple[int, Request]],
        live: list[LiveSequence],
        held: list[LiveSequence],
    ) -> None:
        """Start requests while there are places and room; `held` waits for room.

        Those read ahead start together, when the last of those before has its place.
        """
        if live and len(self._free_ids) < self.max_ahead:
            return
        while self._free_ids:
            if not held:
                found = next(waiting, None)
                if found is None:
                    return
                held.append(self._make_sequence(*found))
            if not self._has_room(held[0], is_alone=not live):
                return
            sequence = held.pop()
            sequence.sequence_id = self._free_ids.pop()
            live.append(sequence)
            self._start(sequence)

    def _make_sequence(self, index: int, request: Request) -> LiveSequence:
        if not request.prompt_ids or request.max_tokens < 1:
            raise ValueError("a request needs a prompt and max_tokens of at least 1")
        chooser = Chooser(request.sampling, request.stream)
        return LiveSequence(index, request, -1, chooser)

    def _has_room(self, sequence: LiveSequence, is_alone: bool) -> bool:
        """Whether prompt and answer fit beside what the others may still need."""
        size = self.target.context_size
        request = sequence.request
        needed = len(request.prompt_ids) + request.max_tokens
        if needed > size:
            raise EngineError(
                f"a prompt of {len(request.prompt_ids)} tokens and an answer of "
                f"{request.max_tokens} do not fit into the context",
                cause=f"{needed} tokens needed, {size} there",
                remedy=f"pass --ctx {needed} or more",
            )
        if self._prefixes.holds(sequence.shared_ids):
            needed -= len(sequence.shared_ids)
        if is_alone and needed + self._prefixes.num_cells > size:
            self._prefixes.drop_unused()
            needed = len(request.prompt_ids) + request.max_tokens
        return self._num_reserved + self._prefixes.num_cells + needed <= size

    def _start(self, sequence: LiveSequence) -> None:
        request = sequence.request
        if self._drafter:
            self._drafter.begin(sequence.sequence_id, request.prompt_ids)
            may_draw = not (request.sampling.is_greedy or self.policy.is_exact)
            if may_draw and isinstance(self._drafter, Drawing):
                self._drafter.draw_as(
                    sequence.sequence_id, request.sampling, request.stream
                )
        sequence.num_copied = sequence.num_cached = self._prefixes.enter(
            sequence.shared_ids, sequence.sequence_id
        )
        sequence.num_reserved = (
            len(request.prompt_ids) - sequence.num_cached + request.max_tokens
        )
        self._num_reserved += sequence.num_reserved

    def _release(self, sequence: LiveSequence) -> None:
        self.target.release(sequence.sequence_id)
        self._prefixes.leave(sequence.sequence_id)
        if self._drafter:
            self._drafter.end(sequence.sequence_id)
        self._num_reserved -= sequence.num_reserved
        self._free_ids.append(sequence.sequence_id)

    def _step(self, live: list[LiveSequence]) -> Iterator[Emitted | Finished]:
        deciding, chunks, drafts = self._plan(live)
        started = self._clock()
        logits = self.target.evaluate(chunks)
        elapsed = self._clock() - started
        width = sum(len(chunk.token_ids) for chunk in chunks)
        num_decoded = sum(
            1 + len(draft.token_ids)
            for sequence, draft in zip(deciding, drafts, strict=True)
            if not sequence.is_prefilling
        )
        emitted = self._verify(deciding, drafts, logits)
        self.policy.observe_step(
            width,
            elapsed,
            drafts,
            [len(token_ids) - 1 for token_ids in emitted],
            width - num_decoded,
        )
        finished: list[Finished] = []
        events: list[Emitted | Finished] = []
        for sequence, draft, token_ids in zip(deciding, drafts, emitted, strict=True):
            is_over, is_cut = self._settle(sequence, draft, token_ids)
            sources = draft.sources[: min(len(draft.token_ids), len(token_ids))]
            if token_ids[: len(sources)] != list(draft.token_ids[: len(sources)]):
                sources = sources[:-1]
            events.append(
                Emitted(
                    sequence.index,
                    tuple(token_ids),
                    sources,
                    len(draft.token_ids),
                    draft,
                )
            )
            if is_over:
                live.remove(sequence)
                self._release(sequence)
                finished.append(Finished(sequence.index, is_cut))
        yield from events
        yield from finished

    def _plan(
        self, live: list[LiveSequence]
    ) -> tuple[list[LiveSequence], list[Chunk], list[Draft]]:
        """Choose what the next step evaluates.

        Returns:
            The sequences that will get tokens, the chunks of the step with theirs in
            the same order before the unfinished prompts, and the drafts to verify.
        """
        ready = [sequence for sequence in live if not sequence.is_prefilling]
        writing = ready[: self.max_sequences]
        room = self.target.max_batch - len(writing)
        deciding = list(writing)
        chunks: list[Chunk] = []
        unfinished: list[Chunk] = []
        for sequence in live:
            if sequence.is_prefilling and room > 0:
                chunk, is_last = prompt_chunk(sequence, room)
                room -= len(chunk.token_ids)
                sequence.num_cached += len(chunk.token_ids)
                (chunks if is_last else unfinished).append(chunk)
                if is_last:
                    deciding.append(sequence)
        num_prompt = self.target.max_batch - len(writing) - room
        room = min(room, self.target.max_outputs - len(deciding))
        drafts = self._draft(writing, num_prompt, room)
        own = [
            Chunk(
                sequence.sequence_id,
                sequence.num_cached,
                (sequence.written_ids[-1], *draft.token_ids),
                1 + len(draft.token_ids),
            )
            for sequence, draft in zip(writing, drafts, strict=True)
        ]
        drafts += [EMPTY_DRAFT] * (len(deciding) - len(writing))
        return deciding, own + chunks + unfinished, drafts

    def _draft(
        self, writing: list[LiveSequence], num_prompt: int, room: int
    ) -> list[Draft]:
        """Propose and keep what pays, `room` tokens at most in all."""
        may_draft = 0 < len(writing) <= self._max_drafting
        if not self._drafter or not may_draft or self.policy.longest_draft < 1:
            return [EMPTY_DRAFT] * len(writing)
        longest = share_length(self.policy.longest_draft, len(writing))
        proposed = self._drafter.propose(
            [sequence.sequence_id for sequence in writing],
            [min(longest, sequence.num_left - 1) for sequence in writing],
        )
        proposed = [
            cut_before_end(draft, sequence.request.ends_alone)
            for sequence, draft in zip(writing, proposed, strict=True)
        ]
        num_rows = len(writing) + num_prompt
        num_cached = self._prefixes.num_cells + sum(
            sequence.num_cached - sequence.num_copied for sequence in writing
        )
        lengths = self.policy.choose_lengths(
            proposed,
            num_rows,
            num_rows + room,
            num_cached,
            [
                sequence.coming_draws(len(draft.token_ids))
                for sequence, draft in zip(writing, proposed, strict=True)
            ],
        )
        return [
            draft.cut(length) for draft, length in zip(proposed, lengths, strict=True)
        ]

    def _verify(
        self, deciding: list[LiveSequence], drafts: list[Draft], logits: LogitsArray
    ) -> list[list[int]]:
        """Return the tokens each sequence emits, at least one each."""
        argmax_ids: list[int] = []
        if any(sequence.chooser.is_plain_argmax for sequence in deciding):
            argmax_ids = logits.argmax(axis=1).tolist()
        emitted = []
        row = 0
        for sequence, draft in zip(deciding, drafts, strict=True):
            end = row + 1 + len(draft.token_ids)
            if sequence.chooser.is_plain_argmax:
                tokens = verify_greedy(draft.token_ids, argmax_ids[row:end])
            elif draft.is_drawn:
                tokens = verify_resampled(
                    draft.token_ids,
                    draft.distributions,
                    logits[row:end],
                    sequence.chooser,
                    sequence.written_ids,
                )
            else:
                tokens = verify_drawn(
                    draft.token_ids,
                    logits[row:end],
                    sequence.chooser,
                    sequence.written_ids,
                )
            if not sequence.request.sampling.is_greedy:
                chances = sequence.chooser.take_chances()
                # Tokens that were accepted by another rule than drawing have none.
                is_known = len(chances) == len(tokens)
                sequence.chances = chances if is_known else [None] * len(tokens)
            emitted.append(tokens)
            row = end
        return emitted

    def _settle(
        self, sequence: LiveSequence, draft: Draft, token_ids: list[int]
    ) -> tuple[bool, bool]:
        """Write a step's tokens into the sequence and its cache.

        Cuts `token_ids` behind the token that ends the answer.

        Returns:
            Whether the answer is over, and whether its length ended it.
        """
        is_first = sequence.is_prefilling
        num_verified = len(token_ids)
        is_over = is_cut = False
        for place, token_id in enumerate(token_ids):
            sequence.written_ids.append(token_id)
            is_over = sequence.request.is_end(token_id)
            is_cut = not is_over and sequence.num_left == 0
            if is_over or is_cut:
                del token_ids[place + 1 :]
                break
        if self._weighing and sequence.chances:
            chances = sequence.chances[: len(token_ids)]
            self._weighing.weigh(sequence.sequence_id, chances)
        if self._drafter:
            self._drafter.observe(sequence.sequence_id, token_ids)
        if is_over or is_cut:
            return True, is_cut
        if not is_first:
            sequence.num_cached += num_verified
            if num_verified < 1 + len(draft.token_ids):
                self.target.trim(sequence.sequence_id, sequence.num_cached)
        return False, False
