"""Pairs of sentences as a model is asked to translate them, batch by batch.

Which pairs a step has follows from the seed and the number of the step alone, so a run
can go on anywhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from polyspec.errors import UsageError
from polyspec.languages import Language
from polyspec.tables.corpus import read_pairs
from polyspec.tables.encoder import Encoder

POOL_BATCHES = 64
"""Batches that are drawn together, so that each can be of pairs of one length."""
_LEAST_OFTEN = 2
"""Times that a token stands in all translations to be among wide candidates."""
_LEAST_CHARS, _MOST_CHARS = 12, 600
"""Of either side: shorter ones teach little, longer ones take too much memory."""


RawPair: TypeAlias = tuple[str, str]
"""A sentence and its translation."""


@dataclass(frozen=True, slots=True)
class PairFile:
    """Translations into one language."""

    language: Language
    path: Path
    weight: float = 1.0
    """Share of the batches, relative to those of other files."""

    @property
    def code(self) -> str:
        """ISO 639-3."""
        return self.language.code


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair as token ids."""

    prompt_ids: tuple[int, ...]
    """From the token of the beginning to where the translation begins."""
    target_ids: tuple[int, ...]
    """The translation and the line break that ends it."""
    candidates: NDArray[np.int64]
    """Tokens that the softmax is over, sorted: all of the pool that the pair is in."""

    @property
    def num_tokens(self) -> int:
        """Tokens that the model reads."""
        return len(self.prompt_ids) + len(self.target_ids) - 1


class PairSampler:
    """Draws pairs from files, each language as often as its weight says."""

    def __init__(
        self,
        files: Sequence[PairFile],
        source: Language,
        encoder: Encoder,
        *,
        bos_ids: tuple[int, ...],
        batch_size: int,
        seed: int,
        avoid: frozenset[str] = frozenset(),
        is_wide: bool = False,
    ) -> None:
        """Read the files.

        Args:
            files: What to learn from.
            source: Language of the first column.
            encoder: Tokenizes as the model does.
            bos_ids: What stands before each prompt.
            batch_size: Pairs in a step.
            seed: Start of all draws.
            avoid: Sentences of either side, folded by `fold`, that are left out, since
                the result will be measured on them.
            is_wide: Whether candidates are also the tokens of other pools, as a model
                needs them that writes translations of its own.

        Raises:
            TableError: A file cannot be read.
            UsageError: A file has no usable pair.
        """
        self._files = files
        self._source = source
        self._encoder = encoder
        self._bos_ids = bos_ids
        self._batch_size = batch_size
        self._is_wide = is_wide
        self._seed = seed
        self._pairs = [_read(file, avoid) for file in files]
        weights = np.array([file.weight for file in files], dtype=np.float64)
        self._shares = weights / weights.sum()
        self._pool = lru_cache(maxsize=1)(self._make_pool)

    @property
    def num_pairs(self) -> dict[str, int]:
        """Usable pairs of each language, by its code."""
        counts: dict[str, int] = {}
        for file, pairs in zip(self._files, self._pairs, strict=True):
            counts[file.code] = counts.get(file.code, 0) + len(pairs)
        return counts

    @property
    def languages(self) -> list[Language]:
        """Those that are translated into."""
        found = {file.code: file.language for file in self._files}
        return list(found.values())

    def samples(self, num_pairs: int) -> Iterator[tuple[PairFile, Sequence[RawPair]]]:
        """Yield pairs from all over each file."""
        for file, pairs in zip(self._files, self._pairs, strict=True):
            yield file, pairs[:: max(1, len(pairs) // num_pairs)][:num_pairs]

    def batch(self, step: int) -> list[Pair]:
        """The pairs of a step, about as long as each other."""
        pool = self._pool(step // POOL_BATCHES)
        return pool[step % POOL_BATCHES]

    def _make_pool(self, number: int) -> list[list[Pair]]:
        random = np.random.default_rng((self._seed, number))
        drawn = random.choice(
            len(self._files), POOL_BATCHES * self._batch_size, p=self._shares
        )
        picks = random.random(len(drawn))
        chosen = [
            (file, self._pairs[file][int(pick * len(self._pairs[file]))])
            for file, pick in zip(drawn.tolist(), picks.tolist(), strict=True)
        ]
        pairs = sorted(self._encode(chosen), key=lambda pair: pair.num_tokens)
        size = self._batch_size
        batches = [pairs[i : i + size] for i in range(0, len(pairs), size)]
        return [batches[place] for place in random.permutation(len(batches))]

    def _encode(self, chosen: Sequence[tuple[int, RawPair]]) -> list[Pair]:
        # In the parts in which a session tokenizes the prompt; see make_pairs_prompt.
        names = [self._files[file].language.name for file, _ in chosen]
        leads = self._encoder.encode([f"{self._source.name}:"])[0]
        sources = self._encoder.encode([f" {pair[0]}\n" for _, pair in chosen])
        tails = self._encoder.encode([f"{name}:" for name in names])
        targets = self._encoder.encode([f" {pair[1]}\n" for _, pair in chosen])
        candidates = np.unique(np.concatenate([*sources, *targets]).astype(np.int64))
        if self._is_wide:
            candidates = np.union1d(candidates, self._usual_tokens)
        return [
            Pair((*self._bos_ids, *leads, *text, *tail), tuple(target), candidates)
            for text, tail, target in zip(sources, tails, targets, strict=True)
        ]

    @cached_property
    def _usual_tokens(self) -> NDArray[np.int64]:
        """Tokens that stand in translations more than once, sorted."""
        texts = [f" {target}\n" for pairs in self._pairs for _, target in pairs]
        ids = np.concatenate(self._encoder.encode(texts)).astype(np.int64)
        tokens, counts = np.unique(ids, return_counts=True)
        return tokens[counts >= _LEAST_OFTEN]


def fold(sentence: str) -> str:
    """A sentence without what two copies of it may differ in: case, digits, signs."""
    return "".join(filter(str.isalpha, sentence.casefold()))


def _read(file: PairFile, avoid: frozenset[str]) -> list[RawPair]:
    pairs = [
        (source, target)
        for source, target in read_pairs(file.path)
        if min(len(source), 2 * len(target)) >= _LEAST_CHARS
        and max(len(source), len(target)) <= _MOST_CHARS
        and "\n" not in source + target
        and not (avoid and {fold(source), fold(target)} & avoid)
    ]
    if not pairs:
        raise UsageError(
            f"{file.path} has nothing to learn from",
            cause=f"no pair has {_LEAST_CHARS} to {_MOST_CHARS} characters a side",
            remedy="pass a .tsv with the source first and the translation last",
        )
    return pairs
