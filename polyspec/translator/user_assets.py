"""Memory, glossary and history, used as the settings say."""

from collections.abc import Callable
from pathlib import Path

from polyspec.assets.database import FILE_NAME, Database
from polyspec.assets.failed_answers import FailedAnswers
from polyspec.assets.glossary import Glossary
from polyspec.assets.glossary_file import read_glossary
from polyspec.assets.history import History
from polyspec.assets.language_pair import LanguagePair
from polyspec.assets.translation_memory import TranslationMemory
from polyspec.errors import AssetError
from polyspec.languages import Language
from polyspec.settings import Settings
from polyspec.translation.guidance import Guidance
from polyspec.translation.known_answers import KeptAnswers
from polyspec.translation.recall import MemoryRecall


class UserAssets:
    """What the user's earlier work has to say of new texts, and what is kept of them.

    The file is opened by the thread that first needs it, and belongs to that thread.
    """

    def __init__(
        self, settings: Settings, report: Callable[[str], None], folder: Path
    ) -> None:
        """Open nothing yet.

        Args:
            settings: What the user chose.
            report: Told what fails though the work goes on.
            folder: Where the file is; made when something is written.
        """
        self._settings = settings
        self._report = report
        self._database = Database(
            folder / FILE_NAME, report, is_read_only=settings.private
        )
        self._memory = TranslationMemory(self._database)
        self._failed = FailedAnswers(self._database)
        self._history = History(self._database)
        self._has_history = settings.history and not settings.private
        self._glossaries: dict[LanguagePair, Glossary] = {}

    def recall(
        self, source: Language, target: Language, *, is_kept: bool = True
    ) -> MemoryRecall | None:
        """The memory of two languages; None where the user wants none.

        Args:
            source: The language of the texts.
            target: That of their translations.
            is_kept: Whether new translations are worth keeping.
        """
        settings = self._settings
        if not settings.memory:
            return None
        return MemoryRecall(
            self._memory,
            LanguagePair.of(source, target),
            self._report,
            threshold=settings.fuzzy / 100,
            reuses_exact=settings.reuse,
            is_writing=is_kept and not settings.private,
        )

    def known_answers(
        self,
        source: Language,
        target: Language,
        identify_model: Callable[[], str],
        *,
        is_kept: bool = True,
    ) -> KeptAnswers | None:
        """What a model failed at; None where the user wants no memory.

        Args:
            source: The language of the texts.
            target: That of their translations.
            identify_model: Names the model, another for each.
            is_kept: Whether new failures are worth keeping.
        """
        settings = self._settings
        if not settings.memory:
            return None
        return KeptAnswers(
            self._failed,
            LanguagePair.of(source, target),
            identify_model,
            self._report,
            is_reading=settings.reuse,
            is_writing=is_kept and not settings.private,
        )

    def guidance(
        self, source: Language, target: Language, recall: MemoryRecall | None
    ) -> Guidance:
        """What prompts of two languages say beside the text.

        Raises:
            DocumentError: The glossary cannot be read, or has nothing for the pair.
            UsageError: It is a file of another kind.
        """
        settings = self._settings
        has_examples = settings.examples and recall is not None
        return Guidance(
            self._read_glossary(LanguagePair.of(source, target)),
            recall.find_similar if has_examples and recall else None,
        )

    def note(
        self,
        source: Language,
        target: Language,
        text: str,
        translation: str,
        *,
        model: str = "",
        title: str = "",
    ) -> None:
        """Add a translation to the history, if the user keeps one.

        Args:
            source: Its language.
            target: The language of the translation.
            text: The text; empty for a document, which has its title.
            translation: The same in the other language.
            model: What translated it.
            title: Name of the file, where it comes from one.
        """
        if not self._has_history:
            return
        pair = LanguagePair.of(source, target)
        try:
            self._history.add(pair, text, translation, model=model, title=title)
        except AssetError as error:
            self._has_history = False
            self._report(f"the history is not kept: {error.problem}: {error.cause}")

    def close(self) -> None:
        """Give the file back; it is opened again when it is needed."""
        self._database.close()

    def _read_glossary(self, pair: LanguagePair) -> Glossary | None:
        if self._settings.glossary is None:
            return None
        if pair not in self._glossaries:
            path = Path(self._settings.glossary)
            self._glossaries[pair] = read_glossary(path, pair)
        return self._glossaries[pair]
