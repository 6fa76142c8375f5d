"""Counts of n-grams and smoothed probabilities, on disk beyond a limit of memory.

DuckDB groups and joins; it spills to its own file, so the size of a corpus is bounded
by the disk. Orders are counted one after another: a context can only be frequent if
it is frequent without its oldest token, so most of a text is left behind early.
Counts are whole numbers and each probability depends on a few of them only, so the
result is the same whatever the number of threads.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyspec.errors import TableError

_OFFLINE = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_PAD = -1
_DISCOUNT = 0.75
"""Taken from every count of a context, so that what was seen once is not believed."""
_THRESHOLDS = (0.1, 0.2, 0.3, 0.5)
"""Probabilities from which drafting a token pays, on machines of several kinds."""
_MANY_TOKENS = 3_000_000
"""Of more tokens, contexts that occur twice fit into no table."""
_FIRST_PRUNED = 3
"""Nearly all shorter contexts are frequent; looking for the others does not pay."""


@dataclass(frozen=True, slots=True)
class RankedContexts:
    """Kept contexts, the most useful first; each comes after its parent."""

    contexts: NDArray[np.int32]
    """Shape `(N, max_order)`, the newest token last, -1 before the oldest."""
    token_ids: NDArray[np.int32]
    """The likeliest next token, shape `(N,)`."""
    probabilities: NDArray[np.float64]
    """Its smoothed probability, shape `(N,)`."""

    def first(self, num: int) -> "RankedContexts":
        """The most useful ones."""
        return RankedContexts(
            self.contexts[:num], self.token_ids[:num], self.probabilities[:num]
        )


class NgramCounter:
    """Takes token ids, then ranks the contexts by what they are worth."""

    def __init__(self, folder: Path, max_order: int, memory_bytes: int) -> None:
        """Make the counter's file in a folder, which the caller removes.

        Args:
            folder: Where to spill.
            max_order: Most tokens of a context.
            memory_bytes: Limit of the counter's memory.
        """
        import duckdb

        self._max_order = max_order
        self._num_tokens = 0
        self._columns = [f"t{place}" for place in range(max_order, 0, -1)]
        self._db: Any = duckdb.connect(str(folder / "counts.duckdb"), config=_OFFLINE)
        self._run(f"SET memory_limit='{memory_bytes}B'")
        self._run("SET preserve_insertion_order=false")
        fields = ", ".join(f"{name} INTEGER" for name in ("n", *self._columns))
        self._run(f"CREATE TABLE seen0(h UBIGINT, {fields})")

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    def add(self, lines: Iterable[Sequence[int]], start_id: int | None = None) -> int:
        """Count the n-grams of some lines; return the number of tokens.

        Args:
            lines: Token ids.
            start_id: Token that stands before each line, as context only.
        """
        start = [_PAD] * self._max_order
        if start_id is not None:
            # Negative for now, so that no window ends in it.
            start[-1] = -2 - start_id
        flat = np.fromiter(
            chain.from_iterable(chain(start, line) for line in lines), np.int32
        )
        num_windows = max(0, flat.size - self._max_order)
        is_token = flat[self._max_order :] >= 0
        if start_id is not None:
            flat[flat == start[-1]] = start_id
        batch = {
            name: flat[place : place + num_windows][is_token]
            for place, name in enumerate((*self._columns, "n"))
        }
        if num_windows:
            self._db.register("batch", batch)
            names = ", ".join(("n", *self._columns))
            self._run(f"INSERT INTO seen0 SELECT 0, {names} FROM batch")
            self._db.unregister("batch")
        num_tokens = int(is_token.sum())
        self._num_tokens += num_tokens
        return num_tokens

    def rank(self, max_states: int, min_count: int | None = None) -> RankedContexts:
        """Smooth the counts and return the contexts that are worth most.

        Args:
            max_states: Most contexts to return.
            min_count: Least occurrences of a context; None for 2, and 3 in long texts.
        """
        if min_count is None:
            min_count = 2 if self._num_tokens < _MANY_TOKENS else 3
        self._smooth_root()
        for order in range(1, self._max_order + 1):
            self._count(order, min_count)
            self._smooth(order)
            self._choose(order)
        self._raise_worth()
        return self._fetch(max_states)

    def _run(self, statement: str) -> Any:
        """Execute a statement and return its result.

        Raises:
            TableError: Disk or memory do not suffice.
        """
        import duckdb

        try:
            return self._db.execute(statement)
        except (RuntimeError, duckdb.InterruptException) as error:
            # This is how DuckDB tells of Ctrl-C.
            raise KeyboardInterrupt from error
        except duckdb.Error as error:
            raise TableError(
                "the n-grams cannot be counted",
                cause=str(error).partition("\n")[0],
                remedy="free some disk space, or allow more with --memory",
            ) from error

    def _smooth_root(self) -> None:
        self._run(
            "CREATE TABLE counts0 AS SELECT n, count(*)::BIGINT AS c FROM seen0 "
            "GROUP BY n"
        )
        self._run(
            "CREATE TABLE smooth0 AS SELECT 0::UBIGINT AS h, n, "
            "c / (SELECT sum(c) FROM counts0) AS p FROM counts0"
        )
        self._run(
            "CREATE TABLE best0 AS SELECT 0::UBIGINT AS h, 0::UBIGINT AS parent, "
            f"{_PAD} AS oldest, n, p, 0.0 AS score FROM smooth0 ORDER BY p DESC, n "
            "LIMIT 1"
        )
        self._run("DROP TABLE counts0")

    def _count(self, order: int, min_count: int) -> None:
        """Find the frequent contexts of an order and what follows them.

        A context is known by a hash of 64 bits, and its parent, the context without
        its oldest token, by another.
        """
        longer = [f"t{place}" for place in range(order + 1, self._max_order + 1)]
        fields = ", ".join(("n", *longer))
        self._run(
            f"CREATE TABLE every AS SELECT hash(h, t{order}) AS h, h AS parent, "
            f"t{order} AS oldest, {fields} FROM seen{order - 1} "
            f"WHERE t{order} <> {_PAD}"
        )
        self._run(f"DROP TABLE seen{order - 1}")
        self._run(
            f"CREATE TABLE contexts{order} AS SELECT h, any_value(parent) AS parent, "
            "any_value(oldest) AS oldest, count(*)::BIGINT AS num FROM every "
            f"GROUP BY h HAVING count(*) >= {min_count}"
        )
        kept = f"SEMI JOIN contexts{order} USING (h)" if order >= _FIRST_PRUNED else ""
        self._run(f"CREATE TABLE seen{order} AS SELECT h, {fields} FROM every {kept}")
        self._run("DROP TABLE every")
        self._run(
            f"CREATE TABLE counts{order} AS SELECT h, n, count(*)::BIGINT AS c "
            f"FROM seen{order} GROUP BY h, n"
        )

    def _smooth(self, order: int) -> None:
        """Interpolate an order with the one below.

        `p = (c - D) / N + D * T / N * p_below`, with `N` occurrences of the context
        followed by `T` distinct tokens; a token not seen there has no first term.

        Source: interpolated absolute discounting, Chen and Goodman 1999.
        """
        self._run(
            "CREATE TABLE spared AS SELECT h, "
            f"{_DISCOUNT} * count(*) / sum(c) AS spared FROM counts{order} GROUP BY h"
        )
        self._run(
            f"CREATE TABLE smooth{order} AS SELECT k.h, k.n, "
            f"(k.c - {_DISCOUNT}) / t.num + s.spared * b.p AS p "
            f"FROM counts{order} k JOIN contexts{order} t USING (h) "
            f"JOIN spared s USING (h) "
            f"JOIN smooth{order - 1} b ON b.h = t.parent AND b.n = k.n"
        )
        self._run(f"DROP TABLE counts{order}")

    def _choose(self, order: int) -> None:
        """Find each context's best token and what the context is worth.

        `q` is what the parent's best token has here: what is lost without the state.
        """
        self._run(
            f"CREATE TABLE best{order} AS WITH top AS ("
            "SELECT h, max({'p': p, 'n': -n}) AS top "
            f"FROM smooth{order} GROUP BY h"
            "), known AS ("
            "SELECT t.*, top, b.n AS below_n, b.p AS below_p, "
            "coalesce(own.p, s.spared * b.p) AS q "
            f"FROM contexts{order} t JOIN top USING (h) JOIN spared s USING (h) "
            f"JOIN best{order - 1} b ON b.h = t.parent "
            f"LEFT JOIN smooth{order} own ON own.h = t.h AND own.n = b.n"
            ") "
            "SELECT h, parent, oldest, if(q > top.p, below_n, -top.n) AS n, "
            f"greatest(q, top.p) AS p, (num - {_DISCOUNT}) * ({_GAIN}) AS score "
            "FROM known"
        )
        for table in ("spared", f"smooth{order - 1}", f"contexts{order}"):
            self._run(f"DROP TABLE {table}")

    def _raise_worth(self) -> None:
        """Make a context worth at least what its children are, since they need it."""
        top = self._max_order
        self._run(f"CREATE TABLE worth{top} AS SELECT *, score AS worth FROM best{top}")
        for order in range(top - 1, -1, -1):
            self._run(
                f"CREATE TABLE worth{order} AS SELECT b.*, "
                "greatest(b.score, coalesce(a.worth, 0)) AS worth "
                f"FROM best{order} b LEFT JOIN ("
                f"SELECT parent AS h, max(worth) AS worth FROM worth{order + 1} "
                "GROUP BY parent) a USING (h)"
            )

    def _fetch(self, max_states: int) -> RankedContexts:
        parts = " UNION ALL ".join(
            f"SELECT {order} AS size, h, parent, oldest, n, p, worth "
            f"FROM worth{order} WHERE worth > 0 OR size = 0"
            for order in range(self._max_order + 1)
        )
        found = self._run(
            f"{parts} ORDER BY (size = 0) DESC, worth DESC, size, n, oldest, h "
            f"LIMIT {max_states}"
        ).fetchnumpy()
        return RankedContexts(
            self._contexts(found),
            found["n"].astype(np.int32),
            found["p"].astype(np.float64),
        )

    def _contexts(self, found: dict[str, NDArray[Any]]) -> NDArray[np.int32]:
        """The tokens of fetched contexts, each its oldest one and those of its parent.

        Shape `(N, max_order)`.
        """
        contexts = np.full((found["h"].size, self._max_order), _PAD, np.int32)
        places = {(0, 0): 0}
        rows = zip(
            *(found[name].tolist() for name in ("size", "h", "parent", "oldest")),
            strict=True,
        )
        for place, (size, key, parent, oldest) in enumerate(rows):
            if size:
                contexts[place] = contexts[places[size - 1, parent]]
                contexts[place, -size] = oldest
            places[size, 0 if not size else key] = place
        return contexts


_GAIN = " + ".join(
    f"greatest(greatest(q, top.p) - {least}, 0) - if(below_p > {least}, q - {least}, 0)"
    for least in _THRESHOLDS
)
"""Accepted tokens that a visit of the state earns, summed over the thresholds."""
