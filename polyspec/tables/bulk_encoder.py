"""Text to token ids word by word, since most words of a text were met before."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from polyspec.gguf_header import GgufHeader, StringArray
from polyspec.tables.encoder import Encoder

_MAX_UNITS = 400_000
_MAX_STORED = 4_000_000
"""Distinct words, and tokens of all of them, kept between batches."""
_MAX_WORD_CHARS = 16
"""A line of longer words on average is one of a script without spaces."""
_MAX_ACROSS = 64
_SPACE = "▁"
_START = "\n"
"""Marks what stands at the beginning of a line."""


@dataclass(frozen=True, slots=True)
class JoinedLines:
    """Token ids of some lines, one behind the other."""

    ids: NDArray[np.int32]
    lengths: NDArray[np.int64]
    """Tokens of each line."""

    @classmethod
    def of(cls, lines: Iterable[Sequence[int]]) -> "JoinedLines":
        """Join lines."""
        every = list(lines)
        return cls(
            np.fromiter(chain.from_iterable(every), np.int32),
            np.fromiter(map(len, every), np.int64),
        )

    def lines(self) -> Iterator[list[int]]:
        """Yield the token ids of each line."""
        ends = np.cumsum(self.lengths)
        starts = (ends - self.lengths).tolist()
        for start, end in zip(starts, ends.tolist(), strict=True):
            yield self.ids[start:end].tolist()

    def where(self, is_kept: NDArray[np.bool_]) -> "JoinedLines":
        """Some of the lines."""
        ids = self.ids[np.repeat(is_kept, self.lengths)]
        return JoinedLines(ids, self.lengths[is_kept])


class BulkEncoder:
    """Tokenizes lines at spaces where their tokenizer never merges across them."""

    def __init__(self, encoder: Encoder, joints: "Joints | None") -> None:
        """Know no word yet.

        Args:
            encoder: Tokenizes what is not known.
            joints: Where texts may be divided; None for nowhere.
        """
        self._encoder = encoder
        self._joints = joints
        self._units = _Numbers()
        self._stored = JoinedLines.of(())

    def encode(self, lines: Sequence[str]) -> JoinedLines:
        """Token ids of some lines, as the encoder would give them."""
        if self._joints is None:
            return JoinedLines.of(self._encoder.encode(lines))
        if len(self._units) > _MAX_UNITS or self._stored.ids.size > _MAX_STORED:
            self._units.clear()
            self._stored = JoinedLines.of(())
        numbers: list[int] = []
        starts: list[int] = []
        number_of = self._units.__getitem__
        for line in lines:
            starts.append(len(numbers))
            words = self._joints.divide(line)
            words[0] = _START + words[0]
            numbers.extend(map(number_of, words))
        self._encode_fresh(self._joints.before_words)
        return self._expand(np.array(numbers, np.int64), starts)

    def _encode_fresh(self, before_words: str) -> None:
        """Tokenize the words that were not met before."""
        num_known = self._stored.lengths.size
        fresh = [
            unit[1:] if unit.startswith(_START) else before_words + unit
            for unit in list(self._units)[num_known:]
        ]
        if fresh:
            found = JoinedLines.of(self._encoder.encode(fresh))
            self._stored = JoinedLines(
                np.concatenate([self._stored.ids, found.ids]),
                np.concatenate([self._stored.lengths, found.lengths]),
            )

    def _expand(self, units: NDArray[np.int64], starts: list[int]) -> JoinedLines:
        """The tokens of units.

        Args:
            units: Their numbers.
            starts: Where in them each line begins.
        """
        lengths = self._stored.lengths[units]
        firsts = (np.cumsum(self._stored.lengths) - self._stored.lengths)[units]
        shifts = firsts - (np.cumsum(lengths) - lengths)
        places = np.repeat(shifts, lengths) + np.arange(int(lengths.sum()))
        of_lines = np.add.reduceat(lengths, starts) if starts else lengths
        return JoinedLines(self._stored.ids[places], of_lines)


@dataclass(frozen=True, slots=True)
class Joints:
    """Says where texts can be divided without changing their tokens."""

    before_words: str
    """What a word inside a line is tokenized with before it."""
    across: tuple[str, ...]
    """Texts of tokens that reach over the end of a word."""

    def divide(self, line: str) -> list[str]:
        """The words of a line without the spaces, or the whole line as one.

        It stays whole where spaces are doubled or of another kind, where words are so
        long that they are hardly met again, and where a token may reach over an end.
        """
        words = line.split()
        is_plain = (
            0 < len(line) <= _MAX_WORD_CHARS * len(words)
            and " ".join(words) == line
            and _SPACE not in line
            and not any(text in line for text in self.across)
        )
        return words if is_plain else [line]


def find_joints(header: GgufHeader) -> Joints | None:
    """Where texts can be divided for the vocabulary of a model file, if anywhere.

    Byte-level vocabularies cut texts before a space on their own. In others a token
    may reach over a space, but there are few such tokens or none.
    """
    if header.text("tokenizer.ggml.model") != "llama":
        return Joints(" ", ())
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, StringArray):
        return None
    texts = (raw.decode("utf-8", "replace").replace(_SPACE, " ") for raw in tokens)
    across = tuple(text for text in texts if re.search("[^ ] ", text))
    if len(across) > _MAX_ACROSS:
        return None
    adds_space = bool(header.metadata.get("tokenizer.ggml.add_space_prefix", True))
    return Joints("" if adds_space else " ", across)


class _Numbers(dict[str, int]):
    """Numbers what it is asked for, in the order of first asking."""

    def __missing__(self, key: str) -> int:
        self[key] = number = len(self)
        return number
