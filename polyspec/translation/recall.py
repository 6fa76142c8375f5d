"""What is known of earlier translations, as the pipeline asks for it."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from polyspec.assets.adaptation import adapt
from polyspec.assets.language_pair import LanguagePair
from polyspec.assets.markers import have_same_markers, number_markers, renumber
from polyspec.assets.segments import NewSegment, Origin, SimilarSegment
from polyspec.assets.translation_memory import TranslationMemory
from polyspec.errors import AssetError
from polyspec.prompting.interfaces import Precedent

_MAX_CACHED = 2048
_T = TypeVar("_T")


class Recall(Protocol):
    """Finds translations of earlier texts, and keeps new ones."""

    def find_exact(self, source: str) -> str | None:
        """The translation to take for a text without asking the model."""
        ...

    def find_similar(self, source: str) -> Precedent | None:
        """The most similar text that was translated, if one is similar enough."""
        ...

    def remember(self, source: str, translation: str) -> None:
        """Keep a translation that passed all checks."""
        ...


class MemoryRecall:
    """The translation memory of one job; what goes wrong with it is told once."""

    def __init__(
        self,
        memory: TranslationMemory,
        pair: LanguagePair,
        tell: Callable[[str], None],
        *,
        threshold: float,
        reuses_exact: bool = False,
        is_writing: bool = True,
    ) -> None:
        """Join a memory with what the user wants of it.

        Args:
            memory: Where translations are.
            pair: The languages of the job.
            tell: Told, in a line, when the memory fails; the work goes on without it.
            threshold: Least similarity of a text that is of use, `0..1`.
            reuses_exact: Whether the model is not asked for what is known.
            is_writing: Whether new translations are kept.
        """
        self._memory = memory
        self._pair = pair
        self._tell = tell
        self._threshold = threshold
        self._reuses_exact = reuses_exact
        self._is_writing = is_writing
        self._has_failed = False
        self._found: dict[str, Precedent | None] = {}

    def find_exact(self, source: str) -> str | None:
        """The translation to take for a text, if the user wants that."""
        if not self._reuses_exact:
            return None
        numbers = number_markers(source)
        asked = renumber(source, numbers)
        found = self._try(lambda: self._memory.find_exact(self._pair, asked))
        if found is None or not have_same_markers(asked, found.translation):
            return None
        self._count_use(found.id)
        return renumber(found.translation, {new: old for old, new in numbers.items()})

    def find_similar(self, source: str) -> Precedent | None:
        """The most similar text; the same answer when asked again for one text."""
        if source not in self._found:
            if len(self._found) >= _MAX_CACHED:
                self._found.clear()
            self._found[source] = self._look_up(source)
        return self._found[source]

    def remember(self, source: str, translation: str) -> None:
        """Keep a translation, unless its markers are not those of its source."""
        numbers = number_markers(source)
        source, translation = renumber(source, numbers), renumber(translation, numbers)
        if not self._is_writing or not have_same_markers(source, translation):
            return
        segment = NewSegment(self._pair, source, translation)
        self._try(lambda: self._memory.store([segment], Origin.MODEL))

    def _look_up(self, source: str) -> Precedent | None:
        numbers = number_markers(source)
        asked = renumber(source, numbers)
        found: list[SimilarSegment] = (
            self._try(
                lambda: self._memory.find_similar(
                    self._pair, asked, threshold=self._threshold
                )
            )
            or []
        )
        if not found:
            return None
        segment, back = found[0].segment, {new: old for old, new in numbers.items()}
        self._count_use(segment.id)
        adapted = adapt(segment.source, segment.translation, asked)
        return Precedent(
            renumber(segment.source, back),
            renumber(segment.translation, back),
            found[0].similarity,
            renumber(adapted, back),
        )

    def _count_use(self, segment_id: int) -> None:
        if self._is_writing:
            self._try(lambda: self._memory.count_use(segment_id))

    def _try(self, action: Callable[[], _T]) -> _T | None:
        if self._has_failed:
            return None
        try:
            return action()
        except AssetError as error:
            self._has_failed = True
            self._tell(
                f"the work goes on without the translation memory: {error.problem}: "
                f"{error.cause}"
            )
            return None
