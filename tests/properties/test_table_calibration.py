"""What a table promises is what happens, on text it has not seen."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from polyspec.gguf_header import read_gguf_header
from polyspec.tables.builder import BuildRequest, build_table
from polyspec.tables.calibration import gaps_by_decile, promises_of
from polyspec.tables.format import Corpus
from polyspec.tables.reader import Table
from tests.unit.test_tables_builder import write_tiny_model

NUM_WORDS = 12


class Words:
    """Takes a text of numbers for their token ids."""

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        return [[int(word) for word in line.split()] for line in lines]


def write_chain(path: Path, rng: np.random.Generator, rows: np.ndarray) -> None:
    """Write lines of a Markov chain of the second order."""
    lines = []
    for _ in range(1800):
        words = [int(word) for word in rng.integers(NUM_WORDS, size=2)]
        while len(words) < 25:
            words.append(int(rng.choice(NUM_WORDS, p=rows[words[-2], words[-1]])))
        lines.append(" ".join(map(str, words)))
    path.write_text("\n".join(lines) + "\n", "utf-8")


@pytest.mark.parametrize(("seed", "sharpness"), [(0, 0.05), (1, 0.3)])
def test_promises_are_kept_in_every_decile(
    seed: int, sharpness: float, tmp_path: Path
) -> None:
    rng = np.random.default_rng(seed)
    alpha = np.full(NUM_WORDS, sharpness)
    rows = rng.dirichlet(alpha, size=(NUM_WORDS, NUM_WORDS))
    for name in ("train", "valid", "fresh"):
        write_chain(tmp_path / name, rng, rows)
    header = read_gguf_header(write_tiny_model(tmp_path / "tiny.gguf"))
    corpora = [(tmp_path / "train", Corpus("train", "CC0-1.0"))]
    request = BuildRequest(
        "eng", header, corpora, held_out=tmp_path / "valid", encoder=Words()
    )
    build_table(request, tmp_path / "table.gguf")
    lines = Words().encode((tmp_path / "fresh").read_text("utf-8").splitlines())
    with Table(tmp_path / "table.gguf") as table:
        gaps = gaps_by_decile(*promises_of(table, lines))
    # Of fewer tokens, chance alone moves a share by more than the bound.
    filled = [gap for gap, num in gaps if num >= 1500]
    assert len(filled) >= 2
    assert max(filled) < 0.05
