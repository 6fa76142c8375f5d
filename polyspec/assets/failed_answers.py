"""Answers of a model that did not pass, kept so that they are not asked for again."""

import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from polyspec.assets.database import Database
from polyspec.assets.language_pair import LanguagePair
from polyspec.assets.texts import make_valid

_MOST = 20_000
"""The oldest beyond these go."""


@dataclass(frozen=True, slots=True)
class FailedAnswer:
    """What a model answered to a request."""

    digest: bytes
    """Of the request and the model: the same one gives the same answer."""
    text: str
    is_cut: bool
    """Whether the limit of tokens ended it."""


class FailedAnswers:
    """Those of a database. Used by one thread.

    Every method raises `AssetError` where the file cannot be used.
    """

    def __init__(
        self, database: Database, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._clock = clock

    def find(self, digest: bytes) -> FailedAnswer | None:
        """The answer to a request, if it is known."""
        rows = self._database.select(
            "SELECT answer, is_cut FROM failed_answer WHERE digest = ?", (digest,)
        )
        return FailedAnswer(digest, rows[0][0], bool(rows[0][1])) if rows else None

    def keep(self, pair: LanguagePair, answers: Iterable[FailedAnswer]) -> None:
        """Keep answers to requests of two languages."""
        now = int(self._clock())
        rows = [
            (
                one.digest,
                pair.source,
                pair.target,
                make_valid(one.text),
                one.is_cut,
                now,
            )
            for one in answers
        ]

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT OR REPLACE INTO failed_answer (digest, source_language, "
                "target_language, answer, is_cut, kept_s) VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )
            connection.execute(
                "DELETE FROM failed_answer WHERE id <= "
                "(SELECT MAX(id) FROM failed_answer) - ?",
                (_MOST,),
            )

        if rows:
            self._database.write(write)

    def count(self) -> int:
        """How many are kept."""
        return int(self._database.select("SELECT COUNT(*) FROM failed_answer")[0][0])

    def clear(self, pair: LanguagePair | None = None) -> int:
        """Forget all, or those of two languages; returns their number."""
        query, values = "DELETE FROM failed_answer", tuple[str, ...]()
        if pair is not None:
            query += " WHERE source_language = ? AND target_language = ?"
            values = pair.source, pair.target
        return self._database.write(
            lambda connection: connection.execute(query, values).rowcount
        )
