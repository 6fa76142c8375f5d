"""Collects a text and its translation, segment by segment, for the history."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polyspec.translation.pipeline import TranslatedSegment
    from polyspec.translator import Translator


class HistoryNote:
    """The beginning of a text and of its translation, as much as the history keeps."""

    def __init__(self, translator: "Translator") -> None:
        from polyspec.assets.history import MAX_CHARS

        self._translator = translator
        self._room = MAX_CHARS + 1
        """One more than is kept, so that a text that was cut is seen to be."""
        self._source = ""
        self._translation = ""

    def add(self, segment: "TranslatedSegment") -> None:
        """Take the next segment."""
        whole = segment.segment
        source = f"{whole.prefix}{whole.text}{whole.suffix}"
        self._source += source[: self._room - len(self._source)]
        room = self._room - len(self._translation)
        self._translation += segment.output[:room]

    def write(self, title: str = "") -> None:
        """Add it to the history, if the user keeps one.

        Args:
            title: Name of the file that the text is from, if it is.
        """
        source, translation = self._source.strip(), self._translation.strip()
        if source:
            self._translator.add_to_history(source, translation, title)
