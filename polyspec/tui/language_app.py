"""The languages in use, and how they are picked and remembered."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from textual import work
from textual.reactive import reactive

from polyspec.errors import UsageError
from polyspec.languages import Language, find_language
from polyspec.tui.model_app import ModelApp
from polyspec.tui.remembered import Remembered, keep_remembered


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages in use."""

    source: Language
    target: Language | None


class LanguageApp(ModelApp):
    """Owns the languages; picking one of the other side exchanges both."""

    languages: reactive[Languages] = reactive(
        lambda: Languages(find_language("en"), None)
    )

    def start_with_languages(self, remembered: Remembered) -> None:
        """Use those of the command line, or of the last time."""
        self._remembered = remembered
        self.set_reactive(LanguageApp.languages, self._first_languages())

    def take_default_target(self, tag: str) -> None:
        if self.languages.target is None:
            self.languages = replace(self.languages, target=find_language(tag))

    def pick_language(
        self, is_source: bool, then: Callable[[Language], object]
    ) -> None:
        """Let the user pick one, and go on with it."""
        languages = self.languages

        def take(language: Language) -> None:
            self._use_language(language, is_source)
            then(language)

        if is_source:
            self.ask_language("Language of the text", languages.source, take)
        else:
            self.ask_language("Translate into", languages.target, take)

    def ask_language(
        self, title: str, current: Language | None, then: Callable[[Language], object]
    ) -> None:
        """Show the list of languages and hand on what is picked."""
        from polyspec.tui.screens.language_picker import LanguagePicker

        picker = LanguagePicker(
            title,
            [find_language(tag) for tag in self._remembered.recent],
            current.tag if current else "",
        )

        def take(language: Language | None) -> None:
            if language is not None:
                then(language)

        self.push_screen(picker, take)

    def swap_languages(self) -> None:
        """Translate back: each language takes the place of the other."""
        languages = self.languages
        if languages.target is not None:
            self._set_languages(
                Languages(languages.target, languages.source), languages.target
            )

    def _use_language(self, language: Language, is_source: bool) -> None:
        old = self.languages
        if is_source and old.target is not None and language.tag == old.target.tag:
            new = Languages(language, old.source)
        elif is_source:
            new = Languages(language, old.target)
        elif language.tag == old.source.tag and old.target is not None:
            new = Languages(old.target, language)
        else:
            new = Languages(old.source, language)
        self._set_languages(new, language)

    def _set_languages(self, languages: Languages, picked: Language) -> None:
        self.languages = languages
        target = languages.target.tag if languages.target else ""
        self._remembered = self._remembered.with_languages(
            languages.source.tag, target, picked.tag
        )
        self._keep(self._remembered)

    @work(thread=True, group="remembered", exclusive=True)
    def _keep(self, remembered: Remembered) -> None:
        keep_remembered(remembered)

    def _first_languages(self) -> Languages:
        source = str(self.overrides.get("from_") or self._remembered.source)
        target = str(self.overrides.get("to") or self._remembered.target)
        try:
            return Languages(
                find_language(source), find_language(target) if target else None
            )
        except UsageError:
            return Languages(find_language("en"), None)
