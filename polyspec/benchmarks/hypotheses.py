"""Translations that were made to be scored, in a file that a later run goes on from.

JSON Lines: each line is one text with its reference and what a model made of it, so
that it can be scored anew, or with other references, without the model.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from polyspec.errors import DocumentError

_FLUSH_LINES = 8
"""So many translations at most are made anew after a kill."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One text that a model translated."""

    model: str
    """Its name."""
    identity: str
    """Tells models of one name apart, and the settings they were run with."""
    language: str
    """ISO 639-3, of the translation."""
    source: str
    reference: str
    text: str
    """What the model made of it."""


class HypothesisFile:
    """A file of translations, or none: then all is kept in memory only."""

    def __init__(self, path: Path | None) -> None:
        """Read what is there; a line that a kill cut short is dropped.

        Raises:
            DocumentError: The file cannot be read or is of another kind.
        """
        self._path = path
        self._waiting: list[Hypothesis] = []
        found = [] if path is None or not path.exists() else read_hypotheses(path)
        self._known = {_key(each): each for each in found}
        if path is not None:
            _write(path, found)

    def find(
        self, identity: str, language: str, pairs: Sequence[tuple[str, str]]
    ) -> list[Hypothesis | None]:
        """What there is already of some pairs, in their order."""
        keys = [(identity, language, source, target) for source, target in pairs]
        return [self._known.get(key) for key in keys]

    def add(self, hypothesis: Hypothesis) -> None:
        """Keep one more."""
        self._known[_key(hypothesis)] = hypothesis
        self._waiting.append(hypothesis)
        if len(self._waiting) >= _FLUSH_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what waits.

        Raises:
            DocumentError: The file cannot be written.
        """
        if self._path is not None and self._waiting:
            _write_lines(self._path, self._waiting, "a")
        self._waiting = []


def read_hypotheses(path: Path) -> list[Hypothesis]:
    """The translations of a file, in their order.

    Raises:
        DocumentError: It cannot be read or is of another kind.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise _refuse(path, str(cause).lower()) from error
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found.append(_read(line))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            # Only the last line can have been cut short by a kill.
            if number < len(lines) or number == 1:
                raise _refuse(path, f"line {number} is no translation") from error
    return found


def _read(line: str) -> Hypothesis:
    values = json.loads(line)
    known = {place.name: values[place.name] for place in fields(Hypothesis)}
    if not all(isinstance(value, str) for value in known.values()):
        raise TypeError("every field is a text")
    # JSON can write halves of characters, which no text can hold.
    return Hypothesis(
        **{
            name: value.encode("utf-8", "replace").decode()
            for name, value in known.items()
        }
    )


def _key(each: Hypothesis) -> tuple[str, str, str, str]:
    return each.identity, each.language, each.source, each.reference


def _write(path: Path, found: Iterable[Hypothesis]) -> None:
    beside = path.with_name(f"{path.name}.part")
    _write_lines(beside, found, "w")
    beside.replace(path)


def _write_lines(path: Path, found: Iterable[Hypothesis], mode: str) -> None:
    try:
        with path.open(mode, encoding="utf-8", newline="\n") as file:
            for each in found:
                file.write(json.dumps(asdict(each), ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DocumentError(
            f"cannot write the translations {path}",
            cause=(error.strerror or str(error)).lower(),
            remedy="name a file in a folder that can be written to",
        ) from error


def _refuse(path: Path, cause: str) -> DocumentError:
    return DocumentError(
        f"{path} holds no translations to score",
        cause=cause,
        remedy="make it with: polyspec bench quality --record FILE",
    )
