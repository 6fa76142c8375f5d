"""Joining tables of one language and one tokenizer."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from math import inf
from pathlib import Path
from typing import TypeAlias

from polyspec.errors import TableMismatchError
from polyspec.tables.automaton import Automaton, Context, Edge, assemble
from polyspec.tables.format import TableInfo
from polyspec.tables.reader import Table
from polyspec.tables.writer import to_bytes, write_table

_BACK_OFF = 0.4
"""What a table's word counts for each token of the context that it does not know.

Source: "stupid back-off", Brants et al. 2007, "Large Language Models in Machine
Translation".
"""
_Edges: TypeAlias = Mapping[Context, Sequence[Edge]]


def merge_tables(
    paths: Sequence[Path],
    output: Path,
    max_bytes: int,
    weights: Sequence[float] | None = None,
) -> TableInfo:
    """Join tables and write the result whole or not at all.

    The result knows the contexts of all of them. What follows a context is what each
    table says of the longest end of it that it knows, mixed by the sizes of their
    corpora and by how much of the context each knows. The same tables give the same
    bytes. Nothing is calibrated anew: drafting corrects the probabilities.

    Args:
        paths: Two tables or more.
        output: Where the result is to be; it may be one of them.
        max_bytes: Its size at most.
        weights: What a token of each table's texts counts, over 0; otherwise 1.

    Raises:
        TableFormatError: One of them is damaged.
        TableMismatchError: They differ in language or tokenizer.
        TableError: The result cannot be written.
    """
    weights = weights or [1.0] * len(paths)
    with ExitStack() as stack:
        tables = [stack.enter_context(Table(path)) for path in paths]
        for table in tables:
            require_alike(tables[0], table)
            table.verify()
        known = [
            _Known(table, weight) for table, weight in zip(tables, weights, strict=True)
        ]
        edges_of = _mix_all(known)
        ranked = _rank(edges_of, known)
        info = _describe([table.info for table in tables], weights, max_bytes)
    # Written after the tables are closed, since it may replace one of them.
    write_table(output, info, _fit(edges_of, ranked, info, max_bytes))
    return info


def require_alike(one: Table, other: Table) -> None:
    """Refuse tables that cannot be joined.

    Raises:
        TableMismatchError: They differ in language or tokenizer.
    """
    sides = [
        ("language", one.info.language, other.info.language),
        ("tokenizer", one.info.fingerprint, other.info.fingerprint),
        ("vocabulary", one.info.vocabulary_size, other.info.vocabulary_size),
    ]
    for what, ours, theirs in sides:
        if ours != theirs:
            raise TableMismatchError(
                f"{one.path} and {other.path} cannot be joined",
                cause=f"the {what} of one is {ours}, that of the other {theirs}",
                remedy="join tables of one language that were built for one tokenizer",
            )


class _Known:
    """A table and the states of its contexts."""

    def __init__(self, table: Table, weight: float) -> None:
        self.contexts = table.contexts()
        self._table = table
        self._weight = weight * max(1, table.info.num_corpus_tokens)

    @property
    def tokens_per_state(self) -> float:
        """Tokens of its texts, weighted, that a state stands for."""
        return self._weight / len(self.contexts)

    def say(self, context: Context) -> tuple[float, list[Edge]]:
        """The weight of the table's word on a context, and what it says."""
        num_missing = 0
        while context not in self.contexts:
            context = context[1:]
            num_missing += 1
        edges = self._table.edges(self.contexts[context])
        weight = self._weight * _BACK_OFF**num_missing
        return weight, [(token, probability) for token, probability, _ in edges]


def _mix_all(known: Sequence[_Known]) -> dict[Context, list[Edge]]:
    contexts = {context for one in known for context in one.contexts}
    return {
        context: _mix([one.say(context) for one in known])
        for context in sorted(contexts, key=_key)
    }


def _key(context: Context) -> tuple[int, Context]:
    return len(context), context


def _mix(said: Sequence[tuple[float, list[Edge]]]) -> list[Edge]:
    """Mix edges by their weights; as many stay as the longest list has.

    A token that a table does not name has no probability there: what is promised is
    rather too little than too much.
    """
    total = sum(weight for weight, _ in said)
    mixed: dict[int, float] = {}
    for weight, edges in said:
        for token, probability in edges:
            mixed[token] = mixed.get(token, 0.0) + weight / total * probability
    ranked = sorted(mixed.items(), key=lambda edge: (-edge[1], edge[0]))
    return ranked[: max(len(edges) for _, edges in said)]


def _fit(
    edges_of: _Edges, ranked: Sequence[Context], info: TableInfo, max_bytes: int
) -> Automaton:
    """The automaton of as many of the first contexts as fit."""
    while True:
        automaton = assemble({context: edges_of[context] for context in ranked})
        size = len(to_bytes(info, automaton))
        if size <= max_bytes or len(ranked) == 1:
            return automaton
        fitting = int(len(ranked) * max_bytes / size * 0.999)
        ranked = ranked[: max(1, min(fitting, len(ranked) - 1))]


def _rank(edges_of: _Edges, known: Sequence[_Known]) -> list[Context]:
    """Contexts, the most useful first, each after its parent.

    A table does not hold how often a context occurred. One that occurs often has many
    longer ones, so their number stands for it.
    """
    contexts = sorted(edges_of, key=_key)
    visits = {
        context: sum(one.tokens_per_state for one in known if context in one.contexts)
        for context in contexts
    }
    for context in reversed(contexts[1:]):
        visits[context[1:]] += visits[context]
    worth = {
        context: visits[context] * _gain(edges_of, context) for context in contexts[1:]
    }
    worth[()] = inf
    for context in reversed(contexts[1:]):
        parent = context[1:]
        worth[parent] = max(worth[parent], worth[context])
    return sorted(contexts, key=lambda context: (-worth[context], *_key(context)))


def _gain(edges_of: _Edges, context: Context) -> float:
    """How much better the likeliest token is known than without the context."""
    token, probability = edges_of[context][0]
    below, below_probability = edges_of[context[1:]][0]
    if token == below:
        return abs(probability - below_probability)
    return probability - dict(edges_of[context]).get(below, 0.0)


def _describe(
    infos: Sequence[TableInfo], weights: Sequence[float], max_bytes: int
) -> TableInfo:
    arguments = {
        "max_bytes": max_bytes,
        "merged": [
            {
                "checksum": info.checksum,
                "built_with": info.build_arguments,
                "weight": weight,
            }
            for info, weight in zip(infos, weights, strict=True)
        ],
    }
    corpora = dict.fromkeys(corpus for info in infos for corpus in info.corpora)
    return TableInfo(
        language=infos[0].language,
        fingerprint=infos[0].fingerprint,
        vocabulary_size=infos[0].vocabulary_size,
        corpora=tuple(corpora),
        num_corpus_tokens=sum(info.num_corpus_tokens for info in infos),
        pruning=f"gain by number of longer contexts, most in {max_bytes} bytes",
        build_arguments=json.dumps(arguments, sort_keys=True),
        start_id=infos[0].start_id,
    )
