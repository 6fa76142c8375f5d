"""How much faster drafts could make drawn text at the very most, whoever drafts.

    python scripts/measure_ceiling.py --pairs mt --ladder measured --ladder cuda

A drafter can do no better than to propose the target's likeliest token. So the texts
of `bench paper` are drawn plainly, and at each place the probability of that token is
noted, and whether it was drawn. Two drafters that cost nothing are then replayed:

- the *oracle* proposes the likeliest tokens, knows the target's probability of each,
  and drafts as far as that promises to pay. Behind a token that was not drawn it takes
  the probabilities of the text that was;
- the *clairvoyant* knows besides how many will be accepted, and proposes no more.
"""

import argparse
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from polyspec.arrays import LogitsArray
from polyspec.benchmarks.ladders import find_ladder
from polyspec.benchmarks.paper import PAPER_LANGUAGES, TASKS, make_suite
from polyspec.benchmarks.suite import make_requests
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.sampling import Chooser, draw
from polyspec.decoding.step_cost import StepCost
from polyspec.languages import find_language
from polyspec.loading import Loaded, load_model
from polyspec.session import Session
from polyspec.settings import Settings

NUM_SIDE_BY_SIDE = 8
MAX_WIDTH = 24


@dataclass
class Drawn:
    """A text, by what the target thought of its own likeliest token at each place."""

    chances: list[float] = field(default_factory=list)
    """Probability of the likeliest token, after top-k and top-p."""
    hits: list[bool] = field(default_factory=list)
    """Whether it was the one that was drawn."""


@contextmanager
def observed() -> Iterator[Mapping[Chooser, Drawn]]:
    """Let choosers draw as ever, and keep what they saw, text by text."""
    # By the chooser itself: the id of one that is gone may come back.
    texts: dict[Chooser, Drawn] = defaultdict(Drawn)

    def choose(chooser: Chooser, logits: LogitsArray, written_ids: list[int]) -> int:
        ids, probabilities = chooser.distribution(logits, written_ids)
        chosen = draw(ids, probabilities, chooser.uniform(len(written_ids)))
        texts[chooser].chances.append(float(probabilities[0]))
        texts[chooser].hits.append(chosen == int(ids[0]))
        return chosen

    with patch.object(Chooser, "choose", choose):
        yield texts


def replay_oracle(text: Drawn, cost: StepCost, max_width: int) -> float:
    """Cost of the steps that the oracle's drafts take, in the ladder's unit."""
    place, total, length = 0, 0.0, len(text.chances)
    while place < length:
        width = max(
            range(1, min(max_width, length - place) + 1),
            key=lambda width: _expected(text, place, width) / cost.of(width),
        )
        total += cost.of(width)
        place += 1 + _count_hits(text, place, width - 1)
    return total


def replay_clairvoyant(text: Drawn, cost: StepCost, max_width: int) -> float:
    """The least cost with drafts of which each token is accepted."""
    length = len(text.hits)
    costs = [0.0] * (length + 1)
    for place in reversed(range(length)):
        longest = 1 + _count_hits(text, place, min(max_width, length - place) - 1)
        costs[place] = min(
            cost.of(width) + costs[place + width] for width in range(1, longest + 1)
        )
    return costs[0]


def _expected(text: Drawn, place: int, width: int) -> float:
    """Tokens that a step is expected to give: its own, and those of the draft."""
    chance, tokens = 1.0, 1.0
    for each in text.chances[place : place + width - 1]:
        chance *= each
        tokens += chance
    return tokens


def _count_hits(text: Drawn, place: int, most: int) -> int:
    hits = text.hits[place : place + most]
    return hits.index(False) if False in hits else len(hits)


def draw_texts(
    loaded: Loaded, pairs: Path, limit: int
) -> Iterator[tuple[str, str, list[Drawn]]]:
    """Yield the texts of each of the paper's languages and tasks."""
    languages = [find_language(code) for code in PAPER_LANGUAGES]
    suite = make_suite(languages, TASKS, ("none",), limit=limit, pairs=pairs)
    policy = DraftPolicy(loaded.step_cost, max_drafted=0)
    for group in suite.groups:
        session = Session(
            loaded.target,
            loaded.model.tokenizer,
            None,
            policy,
            max_sequences=NUM_SIDE_BY_SIDE,
        )
        with closing(session), observed() as texts:
            requests = list(make_requests(session, loaded, suite, group))[:limit]
            list(session.complete(requests))
        yield group.language.code, group.task, list(texts.values())


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="gemma-3-270m")
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=4)
    parser.add_argument("--ladder", action="append", required=True)
    arguments = parser.parse_args()
    with load_model(Settings(model=arguments.model), lambda text: None) as loaded:
        header = loaded.model.header
        ladders = {name: find_ladder(name, header) for name in arguments.ladder}
        _report(draw_texts(loaded, arguments.pairs, arguments.limit), ladders)


def _report(
    groups: Iterator[tuple[str, str, list[Drawn]]], ladders: Mapping[str, StepCost]
) -> None:
    columns = [
        f"{name}: {who}" for name in ladders for who in ("oracle", "clairvoyant")
    ]
    print("| language | task | tokens | likeliest |", " | ".join(columns), "|")
    print("|---|---" + "|--:" * (2 + len(columns)) + "|")
    means: dict[str, list[Sequence[float]]] = defaultdict(list)
    for language, task, texts in groups:
        chances = [chance for text in texts for chance in text.chances]
        speedups = []
        for cost in ladders.values():
            width = min(MAX_WIDTH, cost.max_width)
            plain = len(chances) * cost.of(1)
            for replay in (replay_oracle, replay_clairvoyant):
                speedups.append(
                    plain / sum(replay(text, cost, width) for text in texts)
                )
        means[task].append(speedups)
        _print_row(
            language, task, str(len(chances)), statistics.fmean(chances), speedups
        )
    for task, rows in means.items():
        mean = [statistics.fmean(column) for column in zip(*rows, strict=True)]
        _print_row("mean", task, "", None, mean)


def _print_row(
    language: str,
    task: str,
    tokens: str,
    chance: float | None,
    speedups: Sequence[float],
) -> None:
    cells = [language, task, tokens, "" if chance is None else f"{chance:.2f}"]
    print(
        "|", " | ".join(cells + [f"{each:.3f}" for each in speedups]), "|", flush=True
    )


if __name__ == "__main__":
    main()
