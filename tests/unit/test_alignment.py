import numpy as np
import pytest

from polyspec.tables.alignment import WordPair, align_words

HOUSE: list[WordPair] = [
    (["the", "house"], ["das", "Haus"]),
    (["the", "book"], ["das", "Buch"]),
    (["a", "book"], ["ein", "Buch"]),
    (["a", "house"], ["ein", "Haus"]),
]


def plain_model_1(
    pairs: list[WordPair], num_rounds: int, null_share: float
) -> dict[tuple[str, str], float]:
    """IBM Model 1 as in the textbook: expected counts after so many rounds."""
    chance: dict[tuple[str, str], float] = {}
    counts: dict[tuple[str, str], float] = {}
    for _ in range(num_rounds + 1):
        counts = {}
        for source, target in pairs:
            for word in target:
                shares = {("", word): null_share * chance.get(("", word), 1.0)}
                for other in source:
                    share = (1 - null_share) / len(source)
                    share *= chance.get((other, word), 1.0)
                    shares[other, word] = shares.get((other, word), 0.0) + share
                total = sum(shares.values())
                for key, value in shares.items():
                    counts[key] = counts.get(key, 0.0) + value / total
        chance = {}
        for (source_word, target_word), count in counts.items():
            whole = sum(c for (s, _), c in counts.items() if s == source_word)
            chance[source_word, target_word] = count / whole
    return counts


def test_words_that_come_together_translate_each_other() -> None:
    best: dict[str, tuple[float, str]] = {}
    for link in align_words(HOUSE):
        best[link.source] = max(
            best.get(link.source, (0.0, "")), (link.rate, link.target)
        )
    assert {word: target for word, (_, target) in best.items()} == {
        "the": "das",
        "house": "Haus",
        "book": "Buch",
        "a": "ein",
    }


@pytest.mark.parametrize("num_rounds", [0, 1, 4])
def test_counts_are_those_of_the_textbook(num_rounds: int) -> None:
    pairs = [*HOUSE, (["the", "the", "house"], ["das", "Haus", "das"])]
    expected = plain_model_1(pairs, num_rounds, 0.2)
    links = align_words(pairs, num_rounds=num_rounds, tension=0.0, null_share=0.2)
    assert len(links) == sum(1 for source, _ in expected if source)
    for link in links:
        assert link.count == pytest.approx(expected[link.source, link.target], rel=1e-5)


def test_the_diagonal_tells_words_apart_that_always_come_together() -> None:
    pairs: list[WordPair] = [(["one", "two"], ["eins", "zwei"])] * 3
    rates = {(link.source, link.target): link.rate for link in align_words(pairs)}
    assert rates["one", "eins"] > rates["one", "zwei"]
    assert rates["two", "zwei"] > rates["two", "eins"]


def test_rare_words_and_empty_sentences_teach_nothing() -> None:
    assert align_words([]) == []
    assert align_words([([], ["das"]), (["the"], [])]) == []
    assert align_words([(["once"], ["einmal"])]) == []


def test_many_pairs_are_thinned_out_evenly() -> None:
    generator = np.random.default_rng(1)
    words = [f"w{number}" for number in range(30)]
    pairs: list[WordPair] = []
    for _ in range(400):
        chosen = generator.choice(words, 5).tolist()
        pairs.append((chosen, [word.upper() for word in chosen]))
    links = align_words(pairs, max_cells=6_000)
    assert sum(link.count for link in links) < 1_100
    right = [link for link in links if link.target == link.source.upper()]
    assert len(right) == 30
    assert all(link.rate > 0.5 for link in right)
