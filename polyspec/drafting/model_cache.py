"""A draft model's KV cache, kept in step with the texts of many sequences.

The texts change at once, the draft model's KV cache only in `tidy` and `read`: so it is
rolled back and caught up in one go, together with the next draft.
"""

from collections.abc import Iterable, Sequence
from itertools import count, islice

import numpy as np

from polyspec.arrays import LogitsArray
from polyspec.decoding.interfaces import Chunk, Target
from polyspec.drafting.cached_text import CachedText, common_prefix, count_shared

_MIN_SHARED = 8
"""A shared beginning that is shorter is read anew."""


class DraftCache:
    """Keeps a model's KV cache in step with the texts of many sequences.

    What two prompts had in common stays when a sequence ends, for prompts mostly begin
    alike; of the first prompt all stays until there is a second to compare it with.
    What was read is used as far as it is the beginning of another text, token by token.
    """

    def __init__(
        self, model: Target, vocab_size: int, unknown_id: int | None = None
    ) -> None:
        """Keep `model`.

        Args:
            model: Nobody else uses it.
            vocab_size: Only token ids below it are read and drafted.
            unknown_id: A token that is read, but never drafted.
        """
        self._model = model
        self._vocab_size = min(vocab_size, model.vocab_size)
        self._live: dict[int, CachedText] = {}
        self._ended: dict[int, CachedText] = {}
        self._num_common: int | None = None
        """Leading tokens that the last two different prompts shared."""
        self._unknown_id = unknown_id
        self._next_cell = count()
        self._exponents = np.empty(self._vocab_size, dtype=np.float32)

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        """Start a text; what its place held before is kept as far as it is the same."""
        text = CachedText(
            sequence_id, list(prompt_ids), len(prompt_ids), len(prompt_ids)
        )
        self._compare(text)
        before = self._live.pop(sequence_id, None)
        before = before or self._ended.pop(sequence_id, None)
        if before is not None:
            text.num_held = before.num_held
            text.cells = before.cells[: count_shared(before, text)]
        self._live[sequence_id] = text
        text.is_dropped = not self._can_read(prompt_ids)

    def _compare(self, text: CachedText) -> None:
        """Note how far a new prompt goes along with an earlier one."""
        prompt_ids = text.token_ids
        for other in (*self._live.values(), *self._ended.values()):
            known_ids = other.token_ids[: other.num_prompt]
            num_common = common_prefix(known_ids, prompt_ids)
            is_other = num_common < max(len(known_ids), len(prompt_ids))
            if known_ids and is_other:
                self._num_common = num_common
                return

    def get(self, sequence_id: int) -> CachedText:
        """Return the text of a living sequence."""
        return self._live[sequence_id]

    def confirm(self, sequence_id: int, token_id: int) -> bool | None:
        """Append a token as `CachedText.confirm`."""
        text = self._live[sequence_id]
        if not self._can_read((token_id,)):
            text.is_dropped = True
        return text.confirm(token_id)

    def end(self, sequence_id: int) -> None:
        """End a text, of which no more than a common beginning stays."""
        text = self._live.pop(sequence_id, None)
        if text is None:
            return
        if self._num_common is not None:
            text.num_prompt = min(text.num_prompt, self._num_common)
        del text.cells[text.num_prompt :], text.token_ids[text.num_prompt :]
        self._ended[sequence_id] = text

    def clear(self) -> None:
        """Forget all texts and empty the KV cache."""
        for sequence_id in (*self._live, *self._ended):
            self._model.release(sequence_id)
        self._live.clear()
        self._ended.clear()

    def tidy(self) -> None:
        """Roll the KV cache back to what still stands."""
        for text in (*self._live.values(), *self._ended.values()):
            if len(text.cells) < text.num_held:
                if text.cells:
                    self._model.trim(text.sequence_id, len(text.cells))
                else:
                    self._model.release(text.sequence_id)
                text.num_held = len(text.cells)

    def share(self, texts: Sequence[CachedText]) -> int:
        """Let unread texts begin with what was read for others.

        What several of them have in common is read once.

        Returns:
            Tokens that were read for it.
        """
        num_read = 0
        fresh = [text for text in texts if not text.cells]
        if len(fresh) > 1:
            num_read = self._read_common(fresh)
        for text in texts:
            if text.num_unread > _MIN_SHARED:
                self._copy_longest(text)
        return num_read

    def _read_common(self, fresh: Sequence[CachedText]) -> int:
        first = fresh[0]
        self._copy_longest(first)
        num_common = min(
            common_prefix(first.token_ids, text.token_ids) for text in fresh[1:]
        )
        stop = min(num_common, *(len(text.token_ids) - 1 for text in fresh))
        num_read = stop - len(first.cells)
        if num_read < _MIN_SHARED or num_read > self._count_free(num_read):
            return 0
        for start in range(len(first.cells), stop, self._model.max_batch):
            size = min(self._model.max_batch, stop - start)
            self._model.evaluate([self._take(first, size, is_last=False)])
        return num_read

    def _copy_longest(self, text: CachedText) -> None:
        others = (*self._live.values(), *self._ended.values())
        lengths = [(count_shared(other, text), other) for other in others]
        num_shared, donor = max(lengths, key=lambda pair: pair[0])
        if donor is text or num_shared < len(text.cells) + _MIN_SHARED:
            return
        self._model.release(text.sequence_id)
        self._model.copy_prefix(donor.sequence_id, text.sequence_id, num_shared)
        text.cells = donor.cells[:num_shared]
        text.num_held = num_shared

    def fit(self, texts: Sequence[CachedText]) -> list[CachedText]:
        """Return the texts that can be read; the others are dropped for good."""
        num_wanted = sum(text.num_unread for text in texts)
        num_free = self._count_free(num_wanted)
        if num_free < num_wanted and self._ended:
            self._forget_ended()
            num_free = self._count_free(num_wanted)
        fitting: list[CachedText] = []
        for text in texts:
            if text.num_unread > num_free:
                self._drop(text)
            else:
                fitting.append(text)
                num_free -= text.num_unread
        return fitting

    def _count_free(self, num_wanted: int) -> int:
        """Return how many cells are free, exactly only if they might not suffice."""
        texts = (*self._live.values(), *self._ended.values())
        num_free = self._model.context_size - sum(len(text.cells) for text in texts)
        if num_free >= num_wanted:
            return num_free
        # Shared beginnings take their cells once.
        used = {cell for text in texts for cell in text.cells}
        return self._model.context_size - len(used)

    def _forget_ended(self) -> None:
        for sequence_id in self._ended:
            self._model.release(sequence_id)
        self._ended.clear()

    def _drop(self, text: CachedText) -> None:
        self._model.release(text.sequence_id)
        text.cells.clear()
        text.num_held = 0
        text.is_dropped = True

    def read(self, texts: Sequence[CachedText]) -> list[int]:
        """Read what is unread and append to each text its likeliest next token.

        Returns:
            Tokens of each step that this took, mostly one step.
        """
        widths: list[int] = []
        waiting = list(texts)
        while waiting:
            chunks, complete = self._pack(waiting)
            logits = self._model.evaluate(chunks)
            self._append_next(complete, logits)
            widths.append(sum(len(chunk.token_ids) for chunk in chunks))
            done = {text.sequence_id for text in complete}
            waiting = [text for text in waiting if text.sequence_id not in done]
        return widths

    def _pack(
        self, waiting: Sequence[CachedText]
    ) -> tuple[list[Chunk], list[CachedText]]:
        """Return a step, and the texts that it reads to their end."""
        chunks: list[Chunk] = []
        complete: list[CachedText] = []
        room = self._model.max_batch
        for text in waiting:
            if not room or len(complete) == self._model.max_outputs:
                break
            size = min(room, text.num_unread)
            if size == text.num_unread:
                complete.append(text)
            chunks.append(self._take(text, size, is_last=size == text.num_unread))
            room -= size
        return chunks, complete

    def _take(self, text: CachedText, size: int, *, is_last: bool) -> Chunk:
        """Return the next unread tokens of a text and count them as read."""
        start = len(text.cells)
        piece = tuple(text.token_ids[start : start + size])
        text.cells += islice(self._next_cell, size)
        text.num_held = len(text.cells)
        return Chunk(text.sequence_id, start, piece, int(is_last))

    def _append_next(self, texts: Sequence[CachedText], logits: LogitsArray) -> None:
        """Append a token to each text: the likeliest one, or one that is drawn."""
        is_drawn = [text.drawer is not None for text in texts]
        if not any(is_drawn):
            self._append_best(texts, logits)
            return
        for place, text in enumerate(texts):
            if is_drawn[place]:
                self._append_drawn(text, logits[place, : self._vocab_size])
            else:
                self._append_best([text], logits[place : place + 1])

    def _append_drawn(self, text: CachedText, row: LogitsArray) -> None:
        if text.drawer is None or not np.isfinite(row.max()):
            text.is_dropped = True  # a row of no numbers promises nothing
            return
        if self._unknown_id is not None:
            row = self._without_unknown(row)
        token_id, distribution = text.drawer.draw(row, text.written_ids)
        text.token_ids.append(token_id)
        text.chances.append(float(distribution[1].max()))
        text.distributions.append(distribution)

    def _append_best(self, texts: Sequence[CachedText], logits: LogitsArray) -> None:
        """Append the likeliest tokens and their softmax probabilities.

        Only the largest logit and the sum of exponentials are needed, never an order.
        """
        rows = logits[:, : self._vocab_size]
        for text, row, best in zip(texts, rows, rows.argmax(axis=1), strict=True):
            highest = row[best]
            chosen = self._best_known(row) if best == self._unknown_id else best
            chance = self._softmax_at(row, highest)
            if chosen != best:
                chance *= float(np.exp(row[chosen] - highest))
            text.token_ids.append(int(chosen))
            text.chances.append(chance)

    def _best_known(self, row: LogitsArray) -> np.intp:
        """Return the likeliest token but the unknown one."""
        return self._without_unknown(row).argmax()

    def _without_unknown(self, row: LogitsArray) -> LogitsArray:
        others = row.copy()
        others[self._unknown_id] = -np.inf
        return others

    def _softmax_at(self, row: LogitsArray, highest: np.float32) -> float:
        """Return the probability of the likeliest token; 0 in a row of no numbers."""
        if not np.isfinite(highest):
            return 0.0
        np.subtract(row, highest, out=self._exponents)
        np.exp(self._exponents, out=self._exponents)
        return 1.0 / float(self._exponents.sum())

    def _can_read(self, token_ids: Iterable[int]) -> bool:
        return all(0 <= token_id < self._vocab_size for token_id in token_ids)
