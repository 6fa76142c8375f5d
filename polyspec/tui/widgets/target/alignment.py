"""Which stretch of a translation comes from which sentence, also while it is edited."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class Stretch:
    """A sentence of the source and its place in the translation."""

    start: int
    """In characters."""
    end: int
    source: str
    is_edited: bool = False


class Alignment:
    """The stretches of one translation, in order."""

    def __init__(self) -> None:
        self._stretches: list[Stretch] = []

    def add(self, stretch: Stretch) -> None:
        """Append the next stretch."""
        self._stretches.append(stretch)

    def clear(self) -> None:
        """Forget all."""
        self._stretches = []

    def at(self, index: int) -> Stretch | None:
        """The stretch that a character is in; at an end the one before it."""
        found = None
        for stretch in self._stretches:
            if stretch.start <= index <= stretch.end:
                found = stretch
                if index < stretch.end:
                    break
        return found

    def edit(self, start: int, end: int, num_chars: int) -> None:
        """Take note that `num_chars` characters replace those from `start` to `end`.

        What goes over a border belongs to no single sentence any more.
        """
        delta = num_chars - (end - start)
        kept = []
        is_taken = False
        for stretch in self._stretches:
            if stretch.end < start or (stretch.end == start and is_taken):
                kept.append(stretch)
            elif stretch.start > end or (stretch.start == end and end > start):
                stretch.start += delta
                stretch.end += delta
                kept.append(stretch)
            elif stretch.start <= start and end <= stretch.end and not is_taken:
                stretch.end += delta
                stretch.is_edited = is_taken = True
                kept.append(stretch)
            elif start == end:
                stretch.start += delta
                stretch.end += delta
                kept.append(stretch)
        self._stretches = kept

    def take_edited(self, text: str) -> Iterator[tuple[str, str]]:
        """The edited stretches as sources and translations, each given once."""
        for stretch in self._stretches:
            translation = text[stretch.start : stretch.end].strip()
            if stretch.is_edited and translation and stretch.source.strip():
                stretch.is_edited = False
                yield stretch.source.strip(), translation
