"""What the sentence being translated says about the words that will be written."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from polyspec.tables.lexicon import Lexicon
from polyspec.tables.words import capitalise, find_words, fold_source

Encode: TypeAlias = Callable[[Sequence[str]], list[list[int]]]
"""Tokenizes texts, without a token for their beginning."""
_COPY_RATE = 0.1
"""How often a name or a number that the lexicon lacks is written as it stands."""
_MAX_WORDS = 256
"""A longer text gives hints for its beginning only."""
_MAX_CACHED = 50_000
_MAX_WAITING = 256


@dataclass(frozen=True, slots=True)
class HintWord:
    """A word that may be written, because of one word of the source."""

    place: int
    """Of the source word, from 0."""
    rate: float
    """How often the source word brings this one, `0..1`."""
    token_ids: tuple[int, ...]
    """Of the word with the space before it; at least one."""
    initial_ids: tuple[int, ...]
    """Of the word at the beginning of an answer."""


@dataclass(frozen=True, slots=True)
class SentenceHints:
    """Hints of one source sentence, in tokens of the target's vocabulary."""

    num_places: int
    """Words of the source."""
    num_expected: float
    """Tokens that its translation will have, roughly."""
    words: tuple[HintWord, ...]


class HintMaker:
    """Turns source sentences into hints for one tokenizer."""

    def __init__(self, lexicon: Lexicon, encode: Encode) -> None:
        self._lexicon = lexicon
        self._encode = encode
        self._ids_of: dict[str, tuple[int, ...]] = {}

    def make(self, source: str) -> SentenceHints | None:
        """Return hints for a sentence, or None where nothing is known of it."""
        words = find_words(source)[:_MAX_WORDS]
        found = [
            (place, rate, target)
            for place, word in enumerate(words)
            for target, rate in self._candidates(word)
        ]
        self._tokenize([target for _, _, target in found])
        hints = tuple(
            HintWord(place, rate, spaced, self._ids_of[capitalise(target)])
            for place, rate, target in found
            if (spaced := self._ids_of[" " + target])
        )
        if not hints:
            return None
        return SentenceHints(len(words), self._expect(len(words), hints), hints)

    def _candidates(self, word: str) -> Iterator[tuple[str, float]]:
        known = self._lexicon.look_up(fold_source(word))
        yield from known
        is_name = not known or word[0].isupper() or word[0].isdigit()
        if is_name and all(target != word for target, _ in known):
            yield word, _COPY_RATE

    def _tokenize(self, targets: Sequence[str]) -> None:
        if len(self._ids_of) > _MAX_CACHED:
            self._ids_of.clear()
        texts = {text for word in targets for text in (" " + word, capitalise(word))}
        missing = sorted(texts - self._ids_of.keys())
        if missing:
            self._ids_of.update(
                zip(missing, map(tuple, self._encode(missing)), strict=True)
            )

    def _expect(self, num_places: int, hints: Sequence[HintWord]) -> float:
        """Words of the source, times what one becomes, in tokens."""
        total = sum(hint.rate for hint in hints)
        length = sum(hint.rate * len(hint.token_ids) for hint in hints) / total
        return max(4.0, num_places * self._lexicon.info.words_per_word * length)


H = TypeVar("H")


class HintBoard(Generic[H]):
    """Where hints wait, from the making of a request until its sequence begins.

    Keyed by the prompt, since a drafter sees nothing else of a request.
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, ...], H] = {}

    def put(self, prompt_ids: Sequence[int], hints: H) -> None:
        """Leave hints for the sequence that will begin with this prompt."""
        if len(self._waiting) >= _MAX_WAITING:
            # A run that was cancelled never took its own.
            del self._waiting[next(iter(self._waiting))]
        self._waiting[tuple(prompt_ids)] = hints

    def take(self, prompt_ids: Sequence[int]) -> H | None:
        """Return the hints for a prompt, once."""
        return self._waiting.pop(tuple(prompt_ids), None)

    def clear(self) -> None:
        """Forget all."""
        self._waiting.clear()
