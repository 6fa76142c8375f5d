"""Texts, documents and stories out of one loaded model."""

import secrets
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import BinaryIO, TypeAlias

from polyspec.decoding.counters import DrafterCounts
from polyspec.decoding.sampling import Sampling
from polyspec.detection import (
    AUTO,
    SAMPLE_CHARS,
    SourceChoice,
    choose_source,
    read_ahead,
)
from polyspec.documents.interfaces import Document, Segment
from polyspec.drafting.compose import Drafting
from polyspec.errors import UsageError
from polyspec.languages import Language, find_language
from polyspec.loading import Loaded, LoadedDraft, identify_model, silent
from polyspec.session import Session
from polyspec.settings import Settings
from polyspec.stories.writer import STORY_SAMPLING, StoryEvent, write_story
from polyspec.translation.checks import IsWrongLanguage
from polyspec.translation.documents import (
    add_context,
    translate_units,
    write_translation,
)
from polyspec.translation.guidance import NO_GUIDANCE, Guidance
from polyspec.translation.journal import Journal, go_on
from polyspec.translation.known_answers import KnownAnswers
from polyspec.translation.pipeline import TranslationEvent, translate_text
from polyspec.translation.plan import make_plan
from polyspec.translation.recall import Recall
from polyspec.translation.units import TranslatedUnit
from polyspec.translation.wrong_language import make_language_check
from polyspec.translator.devices import describe_device
from polyspec.translator.draws import adjust_sampling
from polyspec.translator.side_by_side import SharedUnits
from polyspec.translator.user_assets import UserAssets

_CONTEXT_CHARS = 200
"""A chat model reads this much of the text before a sentence, to stay coherent."""
_WHOLE_LINE = 10_000
"""Sentences of a line are put together up to so many tokens."""

_TranslateUnits: TypeAlias = Callable[
    [Iterable[Segment]], Generator[TranslatedUnit, None, None]
]


@dataclass(slots=True)
class Translator:
    """Translates and writes stories with one loaded model. Used by one thread."""

    settings: Settings
    loaded: Loaded
    session: Session
    drafting: Drafting
    num_parallel: int
    notes: list[str] = field(default_factory=list)
    draft: LoadedDraft | None = None
    """The model that drafts; None where none does."""
    assets: UserAssets | None = None
    """Memory, glossary and history; None leaves them alone."""
    report: Callable[[str], None] = silent
    """Told which language a text is in, where the user named none."""
    detected: SourceChoice | None = None
    """What the latest text was found to be in."""
    release: Callable[[], None] = lambda: None
    """Keeps what was learned, before another translator takes the same model."""
    _shared: SharedUnits | None = None
    """The run of documents that are translated side by side."""

    @property
    def drafter_name(self) -> str:
        """What drafts what is written now."""
        return self.drafting.describe()

    def drafter_counts(self) -> dict[str, DrafterCounts]:
        """What each drafter did so far, by the name that tokens give as source."""
        return self.drafting.feedback.counters.by_drafter

    def translate(
        self,
        chunks: Iterable[str],
        *,
        to: str | None = None,
        from_: str | None = None,
        is_streaming: bool = True,
        is_kept: bool = True,
    ) -> Generator[TranslationEvent, None, None]:
        """Translate a text given in chunks of any size, taken as they are needed.

        Args:
            chunks: The text.
            to: Target language, otherwise that of the settings.
            from_: Source language, otherwise that of the settings; `auto` finds it out
                by the first line, which is waited for.
            is_streaming: Whether pieces come before a segment's end.
            is_kept: Whether the memory may keep it; not while it is still typed.

        Raises:
            DocumentError: The glossary cannot be read.
            UsageError: No target language is named, or a language is not known.
            TableError: The language has no table and one was asked for.
        """
        target_language = self.target_language(to)
        is_auto = self._is_auto(from_)
        if is_auto:
            sample, chunks = read_ahead(chunks)
            self._detect(sample, target_language, is_told=from_ is None)
        source_language = self.source_language(from_)
        self.drafting.switch(target_language.code, "translate", source_language.code)
        recall, guidance = self._consult(source_language, target_language, is_kept)
        sampling = self._draw_with(Sampling())
        return translate_text(
            self.session,
            self.loaded.profile,
            chunks,
            source_language=source_language,
            target_language=target_language,
            sampling=sampling,
            is_streaming=is_streaming,
            group_tokens=0,
            num_context_chars=_CONTEXT_CHARS,
            recall=recall,
            known=self._known_answers(
                source_language, target_language, sampling, is_kept
            ),
            guidance=guidance,
            is_mixed=is_auto,
            is_wrong_language=self._check_language(source_language, target_language),
        )

    def suggest(
        self, text: str, *, to: str, from_: str, num_ways: int, temperature: float
    ) -> Generator[TranslationEvent, None, None]:
        """Translate one sentence in several ways, side by side; some may be alike.

        The memory is neither asked nor fed, so that the model says what it would.

        Args:
            text: The sentence; lines of it are joined.
            to: Target language.
            from_: Source language.
            num_ways: How often it is drawn; as many segments are given.
            temperature: How freely, above 0.

        Raises:
            UsageError: A language is not known.
            TableError: The language has no table and one was asked for.
        """
        target_language = self.target_language(to)
        source_language = self.source_language(from_)
        self.drafting.switch(target_language.code, "translate", source_language.code)
        line = " ".join(text.split())
        sampling = replace(self._draw_with(Sampling()), temperature=temperature)
        return translate_text(
            self.session,
            self.loaded.profile,
            ["\n".join([line] * num_ways)],
            source_language=source_language,
            target_language=target_language,
            sampling=replace(sampling, seed=secrets.randbits(32)),
            is_streaming=False,
            group_tokens=_WHOLE_LINE,
        )

    def translate_document(
        self,
        document: Document,
        output: BinaryIO,
        report: Callable[[TranslatedUnit], None],
        journal: Journal | None = None,
    ) -> None:
        """Write a document with its texts translated, many of them side by side.

        Args:
            document: What to translate.
            output: Takes its bytes.
            report: Told of each segment, in order, as it is done.
            journal: What an earlier run translated; takes what this one does.

        Raises:
            DocumentError: The document is malformed, or was changed meanwhile.
            UsageError: No target language is named, or a language is not known.
        """
        if self._is_auto():
            self.detected = None  # each document speaks for itself
            self._detect(read_beginning(document), self.target_language())
        shared = self._shared
        is_begun = journal is not None and journal.num_entries > 0
        translate: _TranslateUnits
        if shared is not None and shared.holds(document) and not is_begun:
            translate = partial(_take, shared, document)
        else:
            translate = self._plan_document()
        segments = add_context(document.segments(), _CONTEXT_CHARS)
        units = go_on(journal, segments, translate) if journal else translate(segments)
        with closing(units):
            write_translation(document, output, units, report)

    @contextmanager
    def side_by_side(self, documents: Sequence[Document]) -> Iterator[None]:
        """Let several documents share the places of the model.

        Until the block ends, `translate_document` is called with each of them, in this
        order. Those in another language than the first go by themselves.
        """
        alike = self._choose_alike(documents)
        if len(alike) < 2:
            yield
            return
        self._shared = SharedUnits(
            alike,
            self._plan_document(),
            lambda document: add_context(document.segments(), _CONTEXT_CHARS),
        )
        try:
            yield
        finally:
            self._shared.close()
            self._shared = None

    def _choose_alike(self, documents: Sequence[Document]) -> list[Document]:
        """The documents in the language of the first, which becomes the current one."""
        if not self._is_auto():
            return list(documents)
        found = [choose_source(read_beginning(document)) for document in documents]
        self.detected = found[0] if found else None
        return [
            document
            for document, choice in zip(documents, found, strict=True)
            if choice.language == found[0].language
        ]

    def _plan_document(self) -> _TranslateUnits:
        """What translates the segments of a document in the current language."""
        target_language = self.target_language()
        source_language = self.source_language()
        self.drafting.switch(target_language.code, "translate", source_language.code)
        recall, guidance = self._consult(source_language, target_language)
        sampling = self._draw_with(Sampling())
        plan = make_plan(
            self.session,
            self.loaded.profile,
            source_language=source_language,
            target_language=target_language,
            group_tokens=0,
            num_context_chars=_CONTEXT_CHARS,
            keeps_source=True,
            recall=recall,
            known=self._known_answers(source_language, target_language, sampling),
            guidance=guidance,
            is_mixed=self._is_auto(),
            is_wrong_language=self._check_language(source_language, target_language),
        )
        return lambda segments: translate_units(
            self.session, plan, segments, sampling, self.num_parallel
        )

    def identify_model(self) -> str:
        """Name the model so that another one has another name."""
        return identify_model(self.loaded.model)

    def add_to_history(
        self,
        text: str,
        translation: str,
        title: str = "",
        *,
        to: str | None = None,
        from_: str | None = None,
    ) -> None:
        """List a translation in the history, if the user keeps one.

        Args:
            text: The text; empty for a document, of which the title is listed.
            translation: The same in the target language.
            title: Name of the file that it comes from, if it does.
            to: Target language, otherwise that of the settings.
            from_: Source language, otherwise that of the settings or English.
        """
        if self.assets is not None:
            self.assets.note(
                self.source_language(from_),
                self.target_language(to),
                text,
                translation,
                model=self.loaded.model.path.stem,
                title=title,
            )

    def _check_language(
        self, source: Language, target: Language
    ) -> IsWrongLanguage | None:
        return make_language_check(source, target)

    def _consult(
        self, source: Language, target: Language, is_kept: bool = True
    ) -> tuple[Recall | None, Guidance]:
        """What earlier work has to say of a job."""
        if self.assets is None:
            return None, NO_GUIDANCE
        recall = self.assets.recall(source, target, is_kept=is_kept)
        return recall, self.assets.guidance(source, target, recall)

    def _known_answers(
        self,
        source: Language,
        target: Language,
        sampling: Sampling,
        is_kept: bool = True,
    ) -> KnownAnswers | None:
        """What the model failed at before, where it would fail again."""
        is_repeatable = sampling.is_greedy or self.settings.seed is not None
        if self.assets is None or not is_repeatable:
            return None
        return self.assets.known_answers(
            source, target, self.identify_model, is_kept=is_kept
        )

    def describe_devices(self) -> str:
        """Say which model runs where, in one line."""
        line = describe_device(self.loaded.model, self.loaded.target)
        if self.draft is None:
            return line
        return f"{line}; drafts: {describe_device(self.draft.model, self.draft.target)}"

    def source_language(self, code: str | None = None) -> Language:
        """The language to translate from; for `auto`, that of the latest text."""
        if not self._is_auto(code):
            return find_language(code or self.settings.from_)
        return self.detected.language if self.detected else find_language("eng")

    def target_language(self, code: str | None = None) -> Language:
        """The language to translate into."""
        wanted = code or self.settings.to
        if wanted is None:
            raise UsageError(
                "no target language is named",
                remedy="pass --to CODE, for example --to fr",
            )
        return find_language(wanted)

    def write_story(
        self, language: str, theme: str, num_words: int, so_far: str = ""
    ) -> Generator[StoryEvent, None, None]:
        """Write a story, streamed; or go on with what is written `so_far`.

        Raises:
            UsageError: There is no theme, or the language is not known.
            TableError: The language has no table and one was asked for.
        """
        known = find_language(language)
        self.drafting.switch(known.code, "story")
        return write_story(
            self.session,
            self.loaded.profile,
            known,
            theme,
            num_words=num_words,
            sampling=self._draw_with(STORY_SAMPLING),
            so_far=so_far,
        )

    def _is_auto(self, code: str | None = None) -> bool:
        return (code or self.settings.from_) == AUTO

    def _detect(self, sample: str, target: Language, *, is_told: bool = True) -> None:
        """Find out in which language a text is, and say so."""
        before, found = self.detected, choose_source(sample)
        if before is not None and before.is_sure and not found.is_sure:
            found = before  # a line that could be anything goes on with those before it
        self.detected = found
        if is_told and (before is None or before.note != found.note):
            is_target = found.language.code == target.code
            stays = "; what is surely so stays as it is" if is_target else ""
            self.report(f"{found.note}{stays}")

    def _draw_with(self, sampling: Sampling) -> Sampling:
        """Return how a task draws; without a seed, each call draws anew."""
        chosen = adjust_sampling(sampling, self.settings)
        if self.settings.seed is None and not chosen.is_greedy:
            return replace(chosen, seed=secrets.randbits(32))
        return chosen


def _take(
    shared: SharedUnits, document: Document, _segments: Iterable[Segment]
) -> Generator[TranslatedUnit, None, None]:
    return shared.take(document)


def read_beginning(document: Document) -> str:
    """The texts of the first segments of a document, one a line."""
    sample = ""
    for segment in document.segments():
        sample += f"{segment.text}\n"
        if len(sample) > SAMPLE_CHARS:
            break
    return sample
