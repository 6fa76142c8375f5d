"""What a bench of decoding measures: languages, tasks, drafters and their texts."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from polyspec.benchmarks.texts import COPIED, SENTENCES, THEMES
from polyspec.decoding.sampling import Sampling
from polyspec.drafting.source import NAME as SOURCE
from polyspec.errors import DocumentError, UsageError
from polyspec.languages import Language, find_language
from polyspec.loading import Loaded
from polyspec.prompting.interfaces import CompletionRequest
from polyspec.session import Session
from polyspec.stories.writer import STORY_SAMPLING, make_story_request
from polyspec.translation.prompts import make_prompt_builder

TASKS = ("translate", "story", "copied")
"""`copied` is translation of texts with names, numbers, code and repeated phrases."""
DRAFTERS = ("none", "history", "table", "auto", "model")
MAX_TOKENS = 128
_STORY_WORDS = 80


@dataclass(frozen=True, slots=True)
class Group:
    """What is measured in one go: a language, a task, and drafters that take turns."""

    drafters: tuple[str, ...]
    language: Language
    task: str


@dataclass(frozen=True, slots=True)
class Suite:
    """What to measure."""

    languages: tuple[Language, ...]
    tasks: tuple[str, ...] = ("translate", "story")
    drafters: tuple[str, ...] = ("none", "history")
    limit: int = 16
    """Most texts for each language and task."""
    repeats: int = 2
    """Times that each text is decoded each way."""
    pairs: Path | None = None
    """A TSV file whose first column is English, or a folder of `<language>.tsv`."""
    seed: int = 0
    is_exact: bool = False
    sampling: Sampling | None = None
    """How tokens of every task are drawn; None draws as the product does."""
    themes: Sequence[str] = THEMES
    corpora: tuple[Path, ...] = ()
    """What drafters that count a text count: files, or folders of
    `<language>.train.*`."""
    is_in_turns: bool = False
    """Whether all drafters take turns text by text, in place of one after another."""

    @property
    def groups(self) -> list[Group]:
        """What is measured together, in order; English is told, not translated."""
        every = [self.drafters] if self.is_in_turns else [(d,) for d in self.drafters]
        return [
            Group(self._fit(drafters, task), language, task)
            for drafters in every
            for language in self.languages
            for task in self.tasks
            if task == "story" or self._has_texts(language, task)
        ]

    def _fit(self, drafters: tuple[str, ...], task: str) -> tuple[str, ...]:
        """Those that have something to go by: a story has no source."""
        if task != "story" or not self.is_in_turns:
            return drafters
        return tuple(drafter for drafter in drafters if drafter != SOURCE)

    def _has_texts(self, language: Language, task: str) -> bool:
        """Whether there is anything to translate; one of several may lack it."""
        if language.code == "eng":
            return False
        if not self.is_in_turns or self.pairs is None or not self.pairs.is_dir():
            return True
        return task == "copied" or pairs_of(self.pairs, language).is_file()

    def as_settings(self) -> dict[str, object]:
        """What two runs must share for their rows to stand side by side."""
        settings: dict[str, object] = {
            "limit": self.limit,
            "repeats": self.repeats,
            "pairs": str(self.pairs) if self.pairs else None,
            "seed": self.seed,
            "is_exact": self.is_exact,
        }
        if self.is_in_turns:
            settings["is_in_turns"] = True
        if self.sampling is not None:
            settings["sampling"] = asdict(self.sampling)
        if self.corpora:
            settings["corpora"] = [str(path) for path in self.corpora]
        return settings


def require_known(chosen: Sequence[str], known: Sequence[str], what: str) -> None:
    """Refuse names that the bench does not know.

    Raises:
        UsageError: One of `chosen` is not in `known`.
    """
    for name in chosen:
        if name not in known:
            raise UsageError(
                f"there is no {what} {name!r} to measure",
                cause=f"there are {', '.join(known)}",
                remedy=f"name some of them, for example {known[0]}",
            )


def make_requests(
    session: Session, loaded: Loaded, suite: Suite, group: Group
) -> Iterator[CompletionRequest]:
    """Yield the texts of a group to write, and one more to warm up on if there is one.

    Raises:
        DocumentError: The pairs cannot be read.
    """
    language, task, most = group.language, group.task, suite.limit + 1
    if task == "story":
        sampling = suite.sampling or replace(STORY_SAMPLING, seed=suite.seed)
        for theme in suite.themes[:most]:
            request = make_story_request(
                session,
                loaded.profile,
                language,
                theme,
                num_words=_STORY_WORDS,
                sampling=sampling,
            )
            yield replace(request, max_tokens=MAX_TOKENS)
        return
    build = make_prompt_builder(loaded.profile, find_language("eng"), language)
    texts = COPIED if task == "copied" else read_sources(suite.pairs, language)
    # What is copied is measured to its end, which is where copying pays.
    max_tokens = 3 * MAX_TOKENS if task == "copied" else MAX_TOKENS
    sampling = suite.sampling or Sampling()
    for text in texts[:most]:
        yield CompletionRequest(build(text, ""), max_tokens, sampling, source=text)


def pairs_of(pairs: Path, language: Language) -> Path:
    """The file of a language: the only one, or its own in a folder."""
    return pairs / f"{language.code}.tsv" if pairs.is_dir() else pairs


def read_sources(pairs: Path | None, language: Language) -> Sequence[str]:
    """Return the English sentences to translate.

    Raises:
        DocumentError: The file of pairs cannot be read, or holds none.
    """
    if pairs is None:
        return SENTENCES
    path = pairs_of(pairs, language)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as err:
        raise DocumentError(
            f"cannot read the pairs of {path}",
            cause=getattr(err, "strerror", None) or str(err),
            remedy="name a TSV file in UTF-8, or a folder with one for each language",
        ) from err
    sources = [line.split("\t")[0].strip() for line in lines]
    if not any(sources):
        raise DocumentError(
            f"there is nothing to translate in {path}",
            cause="its first column is empty",
            remedy="name a TSV file with English in its first column",
        )
    return [source for source in sources if source]
