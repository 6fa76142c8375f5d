"""Fitting a lexicon's weights on held-out pairs, and what it gains on others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from polyspec.benchmarks.ladders import named_ladder
from polyspec.benchmarks.replay import Answer, replay_answers
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.interfaces import Drafter
from polyspec.drafting.chain import ChainDrafter
from polyspec.drafting.hints import HintMaker, SentenceHints
from polyspec.drafting.source import NAME as SOURCE
from polyspec.drafting.source import SourceDrafter
from polyspec.drafting.source_fit import fit_weights
from polyspec.drafting.source_scores import Scorer
from polyspec.drafting.table import NAME as TABLE
from polyspec.drafting.table import TableDrafter
from polyspec.tables.encoder import Encoder
from polyspec.tables.lexicon import Entries, Lexicon, LexiconInfo, make_lexicon
from polyspec.tables.lexicon_builder import SentencePair
from polyspec.tables.reader import Table

_Hinted: TypeAlias = tuple[SentenceHints | None, list[int]]
LADDER = "cuda"
"""The ladder that a lexicon's gain is measured on."""


@dataclass(frozen=True, slots=True)
class Gain:
    """What drafting would have done to translations, over plain decoding."""

    by_table: float
    by_source: float
    """With the lexicon beside the table."""

    @property
    def ratio(self) -> float:
        """What the lexicon adds."""
        return self.by_source / self.by_table


def fit_lexicon(
    info: LexiconInfo,
    entries: Entries,
    table: Table,
    encoder: Encoder,
    pairs: Sequence[SentencePair],
) -> LexiconInfo:
    """Return what a lexicon says of itself, with fitted weights and measured gain.

    Args:
        info: Without them.
        entries: Of the lexicon.
        table: Drafts beside the lexicon; it must not know the pairs.
        encoder: Of the table's tokenizer.
        pairs: Held out; every other one is fitted on, the rest judged.
    """
    hinted = _hint(make_lexicon(info, entries), encoder, pairs)
    fitting = [(hints, ids) for hints, ids in hinted[::2] if hints is not None]
    weights = fit_weights(table, fitting)
    gain = _judge(table, weights, hinted[1::2], LADDER)
    return replace(info, weights=weights, gain=gain.ratio)


def measure_gain(
    lexicon: Lexicon,
    table: Table,
    encoder: Encoder,
    pairs: Sequence[SentencePair],
    ladder: str = LADDER,
) -> Gain:
    """Replay pairs that neither table nor lexicon know; see `benchmarks.replay`.

    Args:
        lexicon: With its weights.
        table: Drafts alone, and beside the lexicon.
        encoder: Of the table's tokenizer.
        pairs: Sentences and their translations.
        ladder: `cuda` or `cpu`.
    """
    hinted = _hint(lexicon, encoder, pairs)
    return _judge(table, lexicon.info.weights, hinted, ladder)


def _hint(
    lexicon: Lexicon, encoder: Encoder, pairs: Sequence[SentencePair]
) -> list[_Hinted]:
    maker = HintMaker(lexicon, encoder.encode)
    outputs = encoder.encode([target for _, target in pairs])
    return [
        (maker.make(source), output)
        for (source, _), output in zip(pairs, outputs, strict=True)
    ]


def _judge(
    table: Table, weights: Sequence[float], hinted: Sequence[_Hinted], ladder: str
) -> Gain:
    # The number of a pair stands for its prompt.
    answers = [Answer(ids, (number,)) for number, (_, ids) in enumerate(hinted)]

    def replay(drafters: dict[str, Drafter]) -> float:
        policy = DraftPolicy(named_ladder(ladder))
        chain = ChainDrafter(drafters, policy.feedback)
        return replay_answers(chain, policy, answers).speed_up

    beside = TableDrafter(table)
    with_source = SourceDrafter(
        lambda prompt_ids: lambda: hinted[prompt_ids[0]][0],
        beside.table,
        Scorer(weights),
    )
    return Gain(
        replay({TABLE: TableDrafter(table)}),
        replay({TABLE: beside, SOURCE: with_source}),
    )
