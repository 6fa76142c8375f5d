"""Counts of n-grams and smoothed probabilities, on disk beyond a limit of memory.

DuckDB sorts and joins; it spills to its own file, so the size of a corpus is bounded
by the disk. Counts are whole numbers and each probability depends on a few of them
only, so the result is the same whatever the number of threads.
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


@dataclass(frozen=True, slots=True)
class RankedContexts:
    """Kept contexts, the most useful first; each comes after its parent."""

    contexts: NDArray[np.int32]
    """Shape `(N, max_order)`, the newest token last, -1 before the oldest."""
    token_ids: NDArray[np.int32]
    """The likeliest next token, shape `(N,)`."""
    probabilities: NDArray[np.float64]
    """Its smoothed probability, shape `(N,)`."""


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
        self._columns = [f"t{place}" for place in range(max_order, 0, -1)]
        self._db: Any = duckdb.connect(str(folder / "counts.duckdb"), config=_OFFLINE)
        self._run(f"SET memory_limit='{memory_bytes}B'")
        self._run("SET preserve_insertion_order=false")
        fields = ", ".join(f"{name} INTEGER" for name in (*self._columns, "n"))
        self._run(f"CREATE TABLE raw({fields})")

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    def add(self, lines: Iterable[Sequence[int]]) -> int:
        """Count the n-grams of some lines; return the number of tokens."""
        pads = [_PAD] * self._max_order
        flat = np.fromiter(
            chain.from_iterable(chain(pads, line) for line in lines), np.int32
        )
        num_windows = max(0, flat.size - self._max_order)
        is_token = flat[self._max_order :] != _PAD
        batch = {
            name: flat[place : place + num_windows][is_token]
            for place, name in enumerate((*self._columns, "n"))
        }
        if num_windows:
            self._db.register("batch", batch)
            self._run("INSERT INTO raw SELECT * FROM batch")
            self._db.unregister("batch")
        return int(is_token.sum())

    def rank(self, min_count: int, max_states: int) -> RankedContexts:
        """Smooth the counts and return the contexts that are worth most.

        Args:
            min_count: Least occurrences of a context.
            max_states: Most contexts to return.
        """
        top = self._max_order
        self._count_orders()
        self._smooth_root()
        for order in range(1, top + 1):
            self._smooth(order, min_count)
        self._run(f"CREATE TABLE worth{top} AS SELECT *, score AS worth FROM best{top}")
        for order in range(top - 1, -1, -1):
            self._raise_worth(order)
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

    def _context(self, order: int, table: str = "") -> str:
        """The columns of a context, the oldest first."""
        prefix = f"{table}." if table else ""
        return ", ".join(prefix + name for name in self._columns[-order:] if order)

    def _same(self, order: int, left: str, right: str) -> str:
        names = self._columns[-order:] if order else []
        return " AND ".join(["true", *(f"{left}.{n} = {right}.{n}" for n in names)])

    def _count_orders(self) -> None:
        top = self._max_order
        self._run(
            f"CREATE TABLE counts{top} AS SELECT {self._context(top)}, n, "
            "count(*)::BIGINT AS c FROM raw GROUP BY ALL"
        )
        self._run("DROP TABLE raw")
        for order in range(top - 1, -1, -1):
            fields = ", ".join(filter(None, (self._context(order), "n")))
            self._run(
                f"CREATE TABLE counts{order} AS SELECT {fields}, sum(c)::BIGINT AS c "
                f"FROM counts{order + 1} GROUP BY ALL"
            )

    def _smooth_root(self) -> None:
        self._run(
            "CREATE TABLE smooth0 AS SELECT n, c / (SELECT sum(c) FROM counts0) AS p "
            "FROM counts0"
        )
        self._run(
            "CREATE TABLE best0 AS SELECT n, p, 0.0 AS score FROM smooth0 "
            "ORDER BY p DESC, n LIMIT 1"
        )

    def _smooth(self, order: int, min_count: int) -> None:
        """Interpolate an order with the one below and find each context's best token.

        `p = (c - D) / N + D * T / N * p_below`, with `N` occurrences of the context
        followed by `T` distinct tokens; a token not seen there has no first term.

        Source: interpolated absolute discounting, Chen and Goodman 1999.
        """
        context = self._context(order)
        self._run(
            f"CREATE TABLE totals AS SELECT {context}, sum(c)::BIGINT AS num, "
            f"{_DISCOUNT} * count(*) / sum(c) AS spared FROM counts{order} "
            f"WHERE {self._columns[-order]} <> {_PAD} GROUP BY {context} "
            f"HAVING sum(c) >= {min_count}"
        )
        self._run(
            f"CREATE TABLE smooth{order} AS SELECT {self._context(order, 'k')}, k.n, "
            f"(k.c - {_DISCOUNT}) / t.num + t.spared * b.p AS p "
            f"FROM counts{order} k JOIN totals t ON {self._same(order, 'k', 't')} "
            f"JOIN smooth{order - 1} b ON k.n = b.n "
            f"AND {self._same(order - 1, 'k', 'b')}"
        )
        # `q` is what the parent's best token has here: what is lost without the state.
        self._run(
            f"CREATE TABLE best{order} AS WITH seen AS ("
            f"SELECT {self._context(order, 's')}, "
            "max({'p': s.p, 'n': -s.n}) AS top, "
            "max(s.p) FILTER (WHERE s.n = b.n) AS q, "
            "any_value(b.n) AS below_n, any_value(b.p) AS below_p "
            f"FROM smooth{order} s JOIN best{order - 1} b "
            f"ON {self._same(order - 1, 's', 'b')} GROUP BY {self._context(order, 's')}"
            "), known AS ("
            f"SELECT {self._context(order, 'seen')}, t.num, top, below_n, below_p, "
            "coalesce(q, t.spared * below_p) AS q "
            f"FROM seen JOIN totals t ON {self._same(order, 'seen', 't')}"
            ") "
            f"SELECT {context}, if(q > top.p, below_n, -top.n) AS n, "
            f"greatest(q, top.p) AS p, (num - {_DISCOUNT}) * ({_GAIN}) AS score "
            "FROM known"
        )
        self._run("DROP TABLE totals")
        self._run(f"DROP TABLE smooth{order - 1}")
        self._run(f"DROP TABLE counts{order}")

    def _raise_worth(self, order: int) -> None:
        """Make a context worth at least what its children are, since they need it."""
        above, child = f"worth{order + 1}", self._context(order)
        grouped = f"SELECT {child + ', ' if child else ''}max(worth) AS worth"
        grouped += f" FROM {above}" + (f" GROUP BY {child}" if child else "")
        self._run(
            f"CREATE TABLE worth{order} AS SELECT b.*, "
            "greatest(b.score, coalesce(a.worth, 0)) AS worth "
            f"FROM best{order} b LEFT JOIN ({grouped}) a "
            f"ON {self._same(order, 'a', 'b')}"
        )
        self._run(f"DROP TABLE best{order}")

    def _fetch(self, max_states: int) -> RankedContexts:
        parts = []
        for order in range(self._max_order + 1):
            missing = [
                f"{_PAD} AS {n}" for n in self._columns[: len(self._columns) - order]
            ]
            kept = self._columns[-order:] if order else []
            fields = ", ".join([*missing, *kept])
            parts.append(
                f"SELECT {order} AS size, {fields}, n, p, worth FROM worth{order} "
                f"WHERE worth > 0 OR size = 0"
            )
        keys = ", ".join(reversed(self._columns))
        found = self._run(
            f"{' UNION ALL '.join(parts)} "
            f"ORDER BY (size = 0) DESC, worth DESC, size, {keys} LIMIT {max_states}"
        ).fetchnumpy()
        return RankedContexts(
            np.stack([found[name] for name in self._columns], axis=1).astype(np.int32),
            found["n"].astype(np.int32),
            found["p"].astype(np.float64),
        )


_GAIN = " + ".join(
    f"greatest(greatest(q, top.p) - {least}, 0) - if(below_p > {least}, q - {least}, 0)"
    for least in _THRESHOLDS
)
"""Accepted tokens that a visit of the state earns, summed over the thresholds."""
