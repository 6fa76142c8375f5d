"""How far the translation of a sentence has come, and which words may follow."""

from typing import TypeAlias

import numpy as np

from polyspec.arrays import FloatArray
from polyspec.drafting.hints import SentenceHints

_Alive: TypeAlias = list[tuple[int, tuple[int, ...]]]
"""Number of a hint, and its tokens in the spelling that is being written."""
NUM_BEST = 3
"""Most words that are considered to begin."""
_DIAGONAL = 4.0
"""How fast a source word's weight falls with its distance from the place that the
translation has reached, both as shares of the sentence; fast_align's tension."""
_USED = 0.15
"""What is left of a source word's weight once a translation of it was written."""


class Sentence:
    """The hints of one source sentence, laid out for look-ups."""

    def __init__(self, hints: SentenceHints) -> None:
        self.num_places = max(1, hints.num_places)
        self.places = np.array([word.place for word in hints.words], np.intp)
        self.weights = _weigh(hints, self.places / self.num_places)
        """Shape `(T, H)`: of each hint after so many written tokens."""
        self.by_first: dict[int, _Alive] = {}
        """Hints by the first token they are written with."""
        self.by_initial: dict[int, _Alive] = {}
        """The same at the beginning of the answer."""
        for number, word in enumerate(hints.words):
            for index, ids in (
                (self.by_first, word.token_ids),
                (self.by_initial, word.initial_ids),
            ):
                if ids:
                    index.setdefault(ids[0], []).append((number, ids))
        self.firsts = list(self.by_first)
        self._number_of_first = {token: n for n, token in enumerate(self.firsts)}
        self.first_of = np.array(
            [self._number_of_first[word.token_ids[0]] for word in hints.words], np.intp
        )

    def number_of(self, token_id: int) -> int:
        """Place of a token among `firsts`, or -1."""
        return self._number_of_first.get(token_id, -1)


def _weigh(hints: SentenceHints, positions: FloatArray) -> FloatArray:
    reached = np.arange(int(hints.num_expected) + 1) / hints.num_expected
    rates = np.array([word.rate for word in hints.words])
    distance = np.abs(reached[:, None] - positions[None, :])
    weights: FloatArray = rates * np.exp(-_DIAGONAL * distance)
    return weights


class Progress:
    """The state of one translation: tokens written, words begun and used up."""

    __slots__ = ("_alive", "_depth", "_num_written", "_sentence", "_starts", "_used")

    def __init__(self, sentence: Sentence) -> None:
        self._sentence = sentence
        self._used = np.ones(sentence.num_places)
        self._starts: dict[int, tuple[list[float], list[int]]] = {}
        self._alive: _Alive = []
        self._depth = 0
        self._num_written = 0

    def copy(self) -> "Progress":
        """Return one that goes on apart from this."""
        other = Progress.__new__(Progress)
        other._sentence = self._sentence
        # Never changed in place, but for what `_starts` adds, which holds for both.
        other._used = self._used
        other._starts = self._starts
        other._alive = self._alive
        other._depth = self._depth
        other._num_written = self._num_written
        return other

    @property
    def is_start(self) -> bool:
        """Whether nothing was written yet."""
        return self._num_written == 0

    def push(self, token_id: int) -> None:
        """Write a token."""
        depth = self._depth
        going_on = [
            hint
            for hint in self._alive
            if len(hint[1]) > depth and hint[1][depth] == token_id
        ]
        if going_on:
            self._alive, self._depth = going_on, depth + 1
        else:
            self._use_up()
            self._alive = self._sentence.by_first.get(token_id, [])
            if not self._alive and not self._num_written:
                self._alive = self._sentence.by_initial.get(token_id, [])
            self._depth = 1 if self._alive else 0
        self._num_written += 1

    def _use_up(self) -> None:
        """Discount the source word whose translation has just ended."""
        done = [hint for hint in self._alive if len(hint[1]) == self._depth]
        if not done:
            return
        weights = self._row()
        number, _ = max(done, key=lambda hint: self._weight(weights, hint[0]))
        self._used = self._used.copy()
        self._used[self._sentence.places[number]] *= _USED
        self._starts = {}

    def starts(self) -> tuple[list[float], list[int]]:
        """Words that may begin here, by the sentence's `firsts`.

        Returns:
            The weight of each, and the numbers of the weightiest, best first.
        """
        place = min(self._num_written, len(self._sentence.weights) - 1)
        known = self._starts.get(place)
        if known is None:
            known = self._starts[place] = self._weigh_starts()
        return known

    def _weigh_starts(self) -> tuple[list[float], list[int]]:
        sentence = self._sentence
        weights = self._row() * self._used[sentence.places]
        masses = np.bincount(sentence.first_of, weights, len(sentence.firsts))
        best: list[int] = np.argsort(-masses, kind="stable")[:NUM_BEST].tolist()
        return masses.tolist(), best

    def continuations(self) -> tuple[dict[int, float], float]:
        """Weight of each token that goes on with a begun word; of words that end."""
        if not self._alive:
            return {}, 0.0
        weights, depth = self._row(), self._depth
        following: dict[int, float] = {}
        ended = 0.0
        for number, ids in self._alive:
            weight = self._weight(weights, number)
            if len(ids) > depth:
                following[ids[depth]] = following.get(ids[depth], 0.0) + weight
            else:
                ended += weight
        return following, ended

    def _weight(self, weights: FloatArray, number: int) -> float:
        return float(weights[number] * self._used[self._sentence.places[number]])

    def _row(self) -> FloatArray:
        weights = self._sentence.weights
        row: FloatArray = weights[min(self._num_written, len(weights) - 1)]
        return row

    @property
    def sentence(self) -> Sentence:
        return self._sentence
