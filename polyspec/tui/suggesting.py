"""Other translations of one sentence, as a job for the model's thread."""

import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.message import Message

from polyspec.errors import PolySpecError

if TYPE_CHECKING:
    from polyspec.translator import Translator

NUM_WAYS = 6
_TEMPERATURE = 0.9


@dataclass
class SuggestionFound(Message):
    """Another translation, unlike those before it."""

    text: str


@dataclass
class SuggestionsEnded(Message):
    """Nothing more comes."""

    error: PolySpecError | None = None


@dataclass
class SuggestJob:
    """Draws translations of a sentence side by side and tells those that differ."""

    post: Callable[[Message], object]
    text: str
    source_language: str
    target_language: str
    known: str
    """The translation that stands there already."""
    is_patient: bool = False
    is_unfinished: bool = False
    _cancelled: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """Stop before the next step."""
        self._cancelled.set()

    def fail(self, error: PolySpecError) -> None:
        """Tell that there are none."""
        self.post(SuggestionsEnded(error))

    def run(self, translator: "Translator") -> None:
        """Draw, and tell."""
        from polyspec.translation.pipeline import TranslatedSegment

        seen = {self.known.strip()}
        events = translator.suggest(
            self.text,
            to=self.target_language,
            from_=self.source_language,
            num_ways=NUM_WAYS,
            temperature=_TEMPERATURE,
        )
        with closing(events):
            for event in events:
                if self._cancelled.is_set():
                    break
                if not isinstance(event, TranslatedSegment):
                    continue
                text = event.text.strip()
                if text and text not in seen:
                    seen.add(text)
                    self.post(SuggestionFound(text))
        self.post(SuggestionsEnded())
