"""Segments of several documents translated in one run, each document's apart."""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence

from polyspec.documents.interfaces import Document, Segment
from polyspec.errors import PolySpecError
from polyspec.translation.units import TranslatedUnit


class SharedUnits:
    """Gives documents their units while those that come next are decoded already.

    They have to be taken in the order of the documents.
    """

    def __init__(
        self,
        documents: Sequence[Document],
        translate: Callable[[Iterator[Segment]], Generator[TranslatedUnit, None, None]],
        read: Callable[[Document], Iterator[Segment]],
    ) -> None:
        """Begin nothing yet.

        Args:
            documents: Read one after another, as places become free.
            translate: Gives the units of segments, in their order.
            read: Gives the segments of a document.
        """
        self._numbers = {id(document): at for at, document in enumerate(documents)}
        self._documents = documents
        self._read = read
        self._owners: deque[int] = deque()
        """Numbers of the documents whose segments are under way."""
        self._units = translate(self._feed())
        self._held: TranslatedUnit | None = None

    def holds(self, document: Document) -> bool:
        """Whether a document is one of these."""
        return id(document) in self._numbers

    def take(self, document: Document) -> Generator[TranslatedUnit, None, None]:
        """The units of a document; what was not taken of earlier ones is lost."""
        number = self._numbers[id(document)]
        while True:
            if self._held is None:
                self._held = next(self._units, None)
            if self._held is None or self._owners[0] > number:
                return
            unit, self._held = self._held, None
            if self._owners.popleft() == number:
                yield unit

    def close(self) -> None:
        """Give up what is under way."""
        self._units.close()

    def _feed(self) -> Iterator[Segment]:
        for number, document in enumerate(self._documents):
            try:
                for segment in self._read(document):
                    self._owners.append(number)
                    yield segment
            except PolySpecError:
                # It shows again, and is told, when this document is written.
                continue
