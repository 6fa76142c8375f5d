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
    detects: bool = False
    """Whether the source language is told from the text."""
    is_detected: bool = False
    """Whether it was."""


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

        def take(language: Language | None) -> None:
            if language is None:
                self._detect_from_now_on()
            else:
                self._use_language(language, is_source)
            then(language or languages.source)

        if is_source:
            self._open_picker("Language of the text", languages.source, take, True)
        else:
            self.ask_language("Translate into", languages.target, take)

    def ask_language(
        self, title: str, current: Language | None, then: Callable[[Language], object]
    ) -> None:
        """Show the list of languages and hand on what is picked."""

        def take(language: Language | None) -> None:
            if language is not None:
                then(language)

        self._open_picker(title, current, take)

    def _open_picker(
        self,
        title: str,
        current: Language | None,
        then: Callable[[Language | None], object],
        offers_detection: bool = False,
    ) -> None:
        """Show the list; `then` gets None where the language is to be detected."""
        from polyspec.tui.screens.language_picker import DETECT, LanguagePicker

        picker = LanguagePicker(
            title,
            [find_language(tag) for tag in self._remembered.recent],
            current.tag if current else "",
            offers_detection=offers_detection,
        )

        def take(picked: Language | str | None) -> None:
            if isinstance(picked, Language):
                then(picked)
            elif picked == DETECT:
                then(None)

        self.push_screen(picker, take)

    def swap_languages(self) -> None:
        """Translate back: each language takes the place of the other."""
        languages = self.languages
        if languages.target is not None:
            self._set_languages(
                Languages(languages.target, languages.source, languages.detects),
                languages.target,
            )

    def use_languages(self, source_tag: str, target_tag: str) -> None:
        """Translate between these from now on."""
        source, target = find_language(source_tag), find_language(target_tag)
        self._set_languages(Languages(source, target, self.languages.detects), target)

    def take_detected(self, language: Language) -> None:
        """Translate from the language that a text was found to be in."""
        languages = self.languages
        if not languages.detects:
            return
        target = languages.target
        if target is not None and target.tag == language.tag:
            target = languages.source
        self.languages = Languages(language, target, detects=True, is_detected=True)

    def _detect_from_now_on(self) -> None:
        self.languages = replace(self.languages, detects=True)
        self._remembered = replace(self._remembered, detects=True)
        self._keep(self._remembered)

    def _use_language(self, language: Language, is_source: bool) -> None:
        old = self.languages
        if is_source:
            old = replace(old, detects=False, is_detected=False)
        if is_source and old.target is not None and language.tag == old.target.tag:
            new = Languages(language, old.source, old.detects)
        elif is_source:
            new = Languages(language, old.target, old.detects)
        elif language.tag == old.source.tag and old.target is not None:
            new = Languages(old.target, language, old.detects)
        else:
            new = Languages(old.source, language, old.detects)
        self._set_languages(new, language)

    def _set_languages(self, languages: Languages, picked: Language) -> None:
        self.languages = languages
        target = languages.target.tag if languages.target else ""
        remembered = replace(self._remembered, detects=languages.detects)
        self._remembered = remembered.with_languages(
            languages.source.tag, target, picked.tag
        )
        self._keep(self._remembered)

    @work(thread=True, group="remembered", exclusive=True)
    def _keep(self, remembered: Remembered) -> None:
        keep_remembered(remembered)

    def _first_languages(self) -> Languages:
        source = str(self.overrides.get("from_") or self._remembered.source)
        target = str(self.overrides.get("to") or self._remembered.target)
        detects = self._remembered.detects and not self.overrides.get("from_")
        try:
            return Languages(
                find_language(source),
                find_language(target) if target else None,
                detects,
            )
        except UsageError:
            return Languages(find_language("en"), None)
