"""Makes translators for the model's thread."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from polyspec.settings import Settings
    from polyspec.translator import Translator


class Maker(Protocol):
    """Makes translators; the real one loads models."""

    def open(
        self, settings: "Settings", report: Callable[[str], None]
    ) -> AbstractContextManager["Translator"]:
        """Load what the settings name; leaving the context frees it."""
        ...

    def rejoin(
        self, translator: "Translator", settings: "Settings"
    ) -> "AbstractContextManager[Translator] | None":
        """The same model with another drafter; None where more has to be loaded."""
        ...


class RealMaker:
    """Loads models; what it needs is imported when the first frame stands."""

    def open(
        self, settings: "Settings", report: Callable[[str], None]
    ) -> AbstractContextManager["Translator"]:
        from polyspec.translator import open_translator

        return open_translator(settings, report)

    def rejoin(
        self, translator: "Translator", settings: "Settings"
    ) -> "AbstractContextManager[Translator] | None":
        from polyspec.drafting.compose import name_of_draft_model, require_drafter
        from polyspec.translator import join_translator

        require_drafter(settings.draft)
        if name_of_draft_model(settings.draft) is not None:
            return None
        translator.release()
        translator.session.close()
        return join_translator(settings, translator.loaded)
