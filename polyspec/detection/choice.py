"""The language to translate from, where the user named none."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from polyspec.detection.detector import NOTHING, SAMPLE_CHARS, Detection, detect
from polyspec.languages import Language, find_language

AUTO = "auto"
"""Stands for the language that a text is found to be in."""
_REMEDY = "pass --from to be certain"
_LIKELY = 0.6
"""Less likely than this, a text in Latin letters is read as English."""


@dataclass(frozen=True, slots=True)
class SourceChoice:
    """The language that a text is read in."""

    language: Language
    detection: Detection = NOTHING
    """What was found out; nothing where the text has no letters."""

    @property
    def is_sure(self) -> bool:
        """Whether the text is surely in the language."""
        return self.detection.is_sure

    @property
    def note(self) -> str:
        """What to tell the user, in one line."""
        found = self.detection
        if found.language is None:
            return (
                f"the language of the text cannot be told; it is read as "
                f"{self.language.name}, pass --from to name it"
            )
        if self.is_sure:
            return f"detected: {self.language.name}"
        others = [found.language, *(language for language, _ in found.alternatives)]
        names = [one.name for one in others if one.code != self.language.code][:2]
        possible = f"{' or '.join(names)} is possible" if names else "the text is short"
        return f"detected: {self.language.name}, unsure ({possible}); {_REMEDY}"


def choose_source(sample: str, *, is_wide: bool = True) -> SourceChoice:
    """The language to read a text in: the one it is in, or else the likeliest guess.

    Args:
        sample: The text, or its beginning.
        is_wide: As for `detect`.
    """
    found = detect(sample, is_wide=is_wide)
    if found.language is None:
        return SourceChoice(find_language("eng"))
    is_guess = not found.is_sure and found.confidence < _LIKELY
    if is_guess and found.language.script == "Latn":
        return SourceChoice(find_language("eng"), found)
    return SourceChoice(found.language, found)


def read_ahead(chunks: Iterable[str]) -> tuple[str, Iterator[str]]:
    """The beginning of a text that comes in chunks, and all of its chunks.

    No more is taken than its first line that is not blank: nobody who follows a pipe
    waits for more.
    """
    waiting = iter(chunks)
    taken: list[str] = []
    sample = ""
    for chunk in waiting:
        taken.append(chunk)
        sample += chunk
        begun = sample.lstrip()
        if "\n" in begun or "\r" in begun or len(begun) > SAMPLE_CHARS:
            break
    return sample, chain(taken, waiting)
