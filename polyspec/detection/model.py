"""Which of the languages that share a script a text is in, by its n-grams.

A softmax regression with one weight for each n-gram and language: the logit of a
language is the sum of the weights of a text's n-grams over the square root of their
number, so that a longer text is judged with more certainty. They are fitted by
`scripts/build_detection.py`.

The file is a NumPy archive: `weights`, bytes `(n-grams + 1, languages)`, the biases
last; `scale`, what a byte stands for in each language; `ngrams`, their text in UTF-8,
one a line; `header`, a JSON object.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from polyspec.detection.ngrams import ngrams_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DATA_FILE = Path(__file__).with_name("languages.npz")
LEAST_MARGIN = 0.005
"""Share of a language's own texts that lead by less than its margin."""
_MARGIN_NGRAMS = 200
"""Of fewer n-grams no lead is untypical."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a model file says beside its weights."""

    languages: tuple[str, ...]
    """ISO 639-3, a column of the weights each."""
    scripts: tuple[str, ...]
    """The script of each; only languages of one script compete."""
    alphabets: dict[str, str]
    """The letters that are not rare in a language's texts."""
    margins: tuple[float, ...]
    """By how much each leads the next best for an n-gram of its own texts, at least."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What the n-grams of a text say."""

    ranked: tuple[tuple[str, float], ...]
    """Languages with their probabilities, the likeliest first."""
    is_typical: bool
    """Whether the first leads as clearly as it does in texts of its own."""


class NgramModel:
    """A model in memory."""

    def __init__(
        self,
        header: Header,
        ngrams: Sequence[str],
        weights: "NDArray[np.int8]",
        scale: "NDArray[np.float32]",
    ) -> None:
        """Hold what a file has; see the module for the shapes."""
        self.header = header
        self._rows = {ngram: row for row, ngram in enumerate(ngrams)}
        self._weights = weights
        self._scale = scale
        self._columns = {
            script: [at for at, own in enumerate(header.scripts) if own == script]
            for script in header.scripts
        }
        self._alphabets = {
            code: frozenset(letters) for code, letters in header.alphabets.items()
        }

    def has_script(self, script: str) -> bool:
        """Whether there are languages to choose from."""
        return script in self._columns

    def score(self, words: str, script: str) -> Scores:
        """Judge cleaned text that is written in a script of the model.

        A word that is repeated counts once: it says nothing new.
        """
        import numpy as np

        columns = self._columns[script]
        ngrams = list(ngrams_of(" ".join(dict.fromkeys(words.split()))))
        rows = [self._rows[ngram] for ngram in ngrams if ngram in self._rows]
        scale = self._scale[columns]
        sums = self._weights[np.ix_(rows, columns)].sum(axis=0, dtype=np.int64) * scale
        num_ngrams = max(1, len(ngrams))
        logits = sums / num_ngrams**0.5 + self._weights[-1, columns] * scale
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
        order = np.argsort(-shares, kind="stable")
        first, second = order[0], order[1]
        margin = float(sums[first] - sums[second]) / num_ngrams
        return Scores(
            tuple(
                (self.header.languages[columns[at]], float(shares[at])) for at in order
            ),
            num_ngrams < _MARGIN_NGRAMS
            or margin >= self.header.margins[columns[first]],
        )

    def foreign_share(self, words: str, code: str) -> float:
        """Share of the letters of cleaned text that a language hardly ever writes."""
        alphabet = self._alphabets.get(code)
        letters = [char for char in words if char.isalpha()]
        if alphabet is None or not letters:
            return 0.0
        return sum(char not in alphabet for char in letters) / len(letters)


@cache
def load_ngram_model(path: Path = DATA_FILE) -> NgramModel:
    """The model of a file, read once."""
    import numpy as np

    with np.load(path, allow_pickle=False) as file:
        found = json.loads(file["header"].tobytes())
        header = Header(
            languages=tuple(found["languages"]),
            scripts=tuple(found["scripts"]),
            alphabets=found["alphabets"],
            margins=tuple(found["margins"]),
        )
        ngrams = file["ngrams"].tobytes().decode().split("\n")
        return NgramModel(header, ngrams, file["weights"], file["scale"])


def write_model(
    path: Path, header: Header, ngrams: Sequence[str], weights: "NDArray[np.float32]"
) -> None:
    """Write a model, its weights `(n-grams + 1, languages)` rounded to bytes."""
    import numpy as np

    scale = np.abs(weights).max(axis=0) / 127
    fields = json.dumps(asdict(header), ensure_ascii=False, sort_keys=True)
    np.savez_compressed(
        path,
        weights=np.round(weights / scale).astype(np.int8),
        scale=scale.astype(np.float32),
        ngrams=np.frombuffer("\n".join(ngrams).encode(), dtype=np.uint8),
        header=np.frombuffer(fields.encode(), dtype=np.uint8),
    )
