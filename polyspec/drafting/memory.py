"""Drafts from what this user's target already wrote."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from polyspec.decoding.interfaces import EMPTY_DRAFT, Draft
from polyspec.drafting.learned_counts import LENGTHS, LearnedCounts, digest_contexts
from polyspec.drafting.memory_file import MemoryFile, memory_path
from polyspec.drafting.one_by_one import OneByOneDrafter

NAME = "memory"
_LEAST_CHANCE = 0.05
"""A token that is reached less often than this cannot pay for its place."""
_MAX_NEW_CONTEXTS = 100_000
"""With more than these what is new is merged, so that memory stays bounded."""
_KEEP = 0.5 ** (1 / 200)
"""Outcomes fade so that one from 200 ago counts half."""
_PRIOR_WEIGHT = 6.0
_NUM_COUNTS = 4
_NUM_KINDS = 4
_SURE_SHARE = 0.9


class MemoryRates:
    """How often what followed a context follows it again, learned while running.

    Kept apart by the length of the context, how often it was seen, whether one token
    made up nearly all of what followed, and whether it was seen in the same text: what
    repeats itself there tells little of what another text repeats. Numbers only.
    """

    def __init__(self) -> None:
        num_buckets = len(LENGTHS) * _NUM_COUNTS * _NUM_KINDS
        priors = [_prior(bucket) for bucket in range(num_buckets)]
        self._hits = [_PRIOR_WEIGHT * prior for prior in priors]
        self._trials = [_PRIOR_WEIGHT] * len(priors)

    def rate(self, place: int, count: float, total: float, *, is_own: bool) -> float:
        """Return the chance that a follower comes, `0..1`.

        Args:
            place: Of the context's length in `LENGTHS`.
            count: How often the token followed the context.
            total: How often any did.
            is_own: Whether the text that goes on holds the context already.
        """
        bucket = _bucket(place, count, total, is_own)
        return count / total * self._hits[bucket] / self._trials[bucket]

    def record(
        self, place: int, count: float, total: float, is_hit: bool, *, is_own: bool
    ) -> None:
        """Learn how such a guess turned out."""
        bucket = _bucket(place, count, total, is_own)
        share = count / total
        self._hits[bucket] = self._hits[bucket] * _KEEP + is_hit
        self._trials[bucket] = self._trials[bucket] * _KEEP + share

    def numbers(self) -> dict[str, list[float]]:
        """What is known: hits, and hits that shares alone would promise."""
        return {"hits": list(self._hits), "promised": list(self._trials)}

    def restore(self, numbers: Mapping[str, Sequence[float]]) -> None:
        """Begin with what an earlier `numbers` gave; what cannot be is ignored."""
        hits, promised = numbers.get("hits", ()), numbers.get("promised", ())
        if len(hits) == len(promised) == len(self._hits) and min(promised) > 0:
            self._hits, self._trials = list(hits), list(promised)


def _bucket(place: int, count: float, total: float, is_own: bool) -> int:
    seen = min(_NUM_COUNTS, max(1, int(total).bit_length())) - 1
    is_sure = count >= _SURE_SHARE * total
    return (place * _NUM_COUNTS + seen) * _NUM_KINDS + 2 * is_sure + is_own


def _prior(bucket: int) -> float:
    """First guess of how much of a share to believe: more, the more was seen."""
    place, seen = divmod(bucket // _NUM_KINDS, _NUM_COUNTS)
    return (0.25, 0.4, 0.55, 0.75)[place] * (0.6, 0.8, 0.9, 1.0)[seen]


class MemoryDrafter(OneByOneDrafter):
    """Continues the last tokens as the target mostly continued them before.

    Learns every token that the target writes, in all sequences at once, and keeps it:
    this is the one drafter whose knowledge outlives a sequence.
    """

    def __init__(self) -> None:
        self._counts = LearnedCounts()
        self._file: MemoryFile | None = None
        self._contexts: dict[int, list[int]] = {}
        self._own: dict[int, set[int]] = {}
        """The digests of all contexts in each text."""
        self._by_label: dict[str, MemoryRates] = {}
        self.switch("")

    def open(self, file: MemoryFile | None) -> None:
        """Go on with what a file holds, once what is new is saved; None for no file."""
        self.save()
        self._file = file
        self._counts = LearnedCounts()
        if file is not None:
            self._counts.replace(file.load())

    def save(self) -> None:
        """Merge what is new into the file, if there is one."""
        if self._file is None or not self._counts.num_new:
            return
        rows = self._file.merge(self._counts.new_rows())
        if rows is not None:
            self._counts.replace(rows)
        elif self._counts.num_new_contexts > _MAX_NEW_CONTEXTS:
            self._counts.fold()

    def switch(self, label: str) -> None:
        """Go by what is known of texts with this label from now on."""
        self.rates = self._by_label.setdefault(label, MemoryRates())

    def numbers(self) -> dict[str, dict[str, list[float]]]:
        """How often guesses were right, for each label."""
        return {label: rates.numbers() for label, rates in self._by_label.items()}

    def restore(self, numbers: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
        """Begin with what an earlier `numbers` gave; the current label stays."""
        for label, known in numbers.items():
            self._by_label.setdefault(label, MemoryRates()).restore(known)

    def begin(self, sequence_id: int, prompt_ids: Sequence[int]) -> None:
        self._contexts[sequence_id] = list(prompt_ids[-LENGTHS[-1] :])
        self._own[sequence_id] = set()

    def _go_on(self, sequence_id: int, prefix: Sequence[int], limit: int) -> Draft:
        own = self._own[sequence_id]
        return self._propose([*self._contexts[sequence_id], *prefix], limit, own)

    def _propose(self, context_ids: Sequence[int], limit: int, own: set[int]) -> Draft:
        ids = list(context_ids[-LENGTHS[-1] :])
        size, reached = len(ids), 1.0
        chances: list[float] = []
        while len(chances) < limit:
            digests = digest_contexts(ids)
            found = self._counts.find(digests)
            if found is None:
                break
            place, token_id, count, total = found
            is_own = digests[place] in own
            chance = min(1.0, self.rates.rate(place, count, total, is_own=is_own))
            reached *= chance
            if reached < _LEAST_CHANCE:
                break
            ids.append(token_id)
            chances.append(chance)
        if not chances:
            return EMPTY_DRAFT
        return Draft(tuple(ids[size:]), tuple(chances), (NAME,) * len(chances))

    def observe(self, sequence_id: int, emitted_ids: Sequence[int]) -> None:
        context, own = self._contexts[sequence_id], self._own[sequence_id]
        for token_id in emitted_ids:
            digests = digest_contexts(context)
            found = self._counts.find(digests)
            if found is not None:
                place, guess, count, total = found
                is_own = digests[place] in own
                is_hit = guess == token_id
                self.rates.record(place, count, total, is_hit, is_own=is_own)
            self._counts.add(digests, token_id)
            own.update(digests)
            context.append(token_id)
            del context[: -LENGTHS[-1]]
        if self._counts.num_new_contexts > _MAX_NEW_CONTEXTS:
            if self._file is None:
                self._counts.fold()
            else:
                self.save()

    def end(self, sequence_id: int) -> None:
        self._contexts.pop(sequence_id, None)
        self._own.pop(sequence_id, None)


class MemoryChoice:
    """Gives a drafter the file of the language and task that come next."""

    def __init__(
        self,
        drafter: MemoryDrafter,
        folder: Path,
        fingerprint: Callable[[], str],
        tell: Callable[[str], None],
    ) -> None:
        """Choose nothing yet.

        Args:
            drafter: Who gets the file.
            folder: Where the files are.
            fingerprint: Gives that of the model's tokenizer.
            tell: Told, in a line, when a file is damaged or cannot be written.
        """
        self._drafter = drafter
        self._folder = folder
        self._fingerprint = fingerprint
        self._tell = tell
        self._path: Path | None = None

    def use(self, language: str, task: str) -> None:
        """Take the file of a language (ISO 639-3) and a task; save the last one."""
        path = memory_path(self._folder, language, task, self._fingerprint())
        if path != self._path:
            self._drafter.open(MemoryFile(path, self._tell))
            self._path = path
