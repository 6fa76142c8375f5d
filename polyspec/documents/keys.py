"""Which texts of a file with keys are translated."""

from fnmatch import fnmatchcase


def is_wanted_key(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a key fits one of the patterns, or there are none.

    A pattern is compared with the whole path and with its last name:
    "menu.*" and "title" both fit "menu.title".
    """
    name = path.rsplit(".", 1)[-1]
    return not patterns or any(
        fnmatchcase(path, pattern) or fnmatchcase(name, pattern) for pattern in patterns
    )
