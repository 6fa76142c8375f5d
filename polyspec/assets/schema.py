"""The tables of the database; each migration brings a file to the next version."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE segment (
            id INTEGER PRIMARY KEY,
            source_language TEXT NOT NULL,
            target_language TEXT NOT NULL,
            source TEXT NOT NULL,
            translation TEXT NOT NULL,
            origin TEXT NOT NULL,
            created_s INTEGER NOT NULL,
            changed_s INTEGER NOT NULL,
            num_uses INTEGER NOT NULL DEFAULT 0,
            UNIQUE (source_language, target_language, source)
        )
        """,
        # Finds segments that are alike; see `shingles.py`.
        """
        CREATE TABLE shingle (
            digest INTEGER NOT NULL,
            length INTEGER NOT NULL,
            segment_id INTEGER NOT NULL,
            PRIMARY KEY (digest, length, segment_id)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE history (
            id INTEGER PRIMARY KEY,
            written_s INTEGER NOT NULL,
            source_language TEXT NOT NULL,
            target_language TEXT NOT NULL,
            source TEXT NOT NULL,
            translation TEXT NOT NULL,
            model TEXT NOT NULL,
            title TEXT NOT NULL
        )
        """,
        "CREATE INDEX history_by_time ON history (written_s)",
    ),
    (
        # Numbered in the order in which they were kept, so that the oldest can go.
        """
        CREATE TABLE failed_answer (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            digest BLOB NOT NULL UNIQUE,
            source_language TEXT NOT NULL,
            target_language TEXT NOT NULL,
            answer TEXT NOT NULL,
            is_cut INTEGER NOT NULL,
            kept_s INTEGER NOT NULL
        )
        """,
    ),
)
"""Statements, by the version that they begin from: the first make an empty file."""
