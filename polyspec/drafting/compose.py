"""Drafters by the names that users give them, joined and ready to draft."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from polyspec.decoding.feedback import Feedback
from polyspec.decoding.interfaces import Drafter
from polyspec.drafting.chain import ChainDrafter
from polyspec.drafting.hints import Encode
from polyspec.drafting.history import NAME as HISTORY
from polyspec.drafting.history import HistoryDrafter
from polyspec.drafting.kept import Learner
from polyspec.drafting.match import NAME as MATCH
from polyspec.drafting.match import MatchChoice
from polyspec.drafting.memory import NAME as MEMORY
from polyspec.drafting.memory import MemoryChoice, MemoryDrafter
from polyspec.drafting.model import NAME as MODEL
from polyspec.drafting.model import ModelDrafter
from polyspec.drafting.router import Choice, Router
from polyspec.drafting.source import NAME as SOURCE
from polyspec.drafting.source_choice import SourceChoice
from polyspec.drafting.table import NAME as TABLE
from polyspec.drafting.table import TableChoice, TableDrafter
from polyspec.errors import UsageError
from polyspec.tables.reader import Table

AUTO = "auto"
DRAFTERS = (AUTO, "none", TABLE, SOURCE, HISTORY, MEMORY, MODEL)
"""What `--draft` may name; `model:` may be followed by the name of a draft model."""
_FIRST_TRUST = 0.5
"""In tables and lexicons beside drafters that copy what the model itself wrote: what
they promise was measured on texts that people wrote. With 1, 0.85, 0.7 and 0.5 greedy
translations of Gemma 3 270M in eleven languages replayed at 1.646, 1.651, 1.665 and
1.668, and the slowest drawn ones at 0.982, 0.987, 0.994 and 1.000."""


@dataclass(slots=True)
class Drafting:
    """A drafter, and whom to tell what is written next."""

    name: str
    """What the user calls it."""
    feedback: Feedback
    drafter: Drafter | None = None
    """None drafts nothing."""
    tables: TableChoice | None = None
    sources: SourceChoice | None = None
    history: HistoryDrafter | None = None
    draft_model: ModelDrafter | None = None
    memory: MemoryDrafter | None = None
    memories: MemoryChoice | None = None
    """None where what the memory learns ends with the run."""
    matches: MatchChoice | None = None
    """Takes the translations of similar texts."""
    names: tuple[str, ...] = ()
    """Of the drafters that are joined, as their tokens name their source."""
    router: Router | None = None
    """None where the user chose the drafter."""
    route: tuple[Choice, ...] = ()
    """What the router thinks of each drafter for what is written now."""

    def switch(self, language: str, task: str, source_language: str = "") -> None:
        """Be ready for texts in a language, for a task.

        Args:
            language: Of the texts that are written, ISO 639-3.
            task: `translate` or `story`, for example.
            source_language: What is translated from, ISO 639-3; empty for nothing.

        Raises:
            TableError: The language has no table, or the two no lexicon, and one was
                asked for.
        """
        if self.tables is not None:
            self.tables.use(language)
            if self.sources is not None:
                self.sources.use(source_language, language, self.tables.table)
        if self.memories is not None:
            self.memories.use(language, task)
        label = f"{language} {task}"
        self.feedback.switch(label)
        if self.history is not None:
            self.history.switch(label)
        if self.draft_model is not None:
            self.draft_model.switch(label)
        if self.memory is not None:
            self.memory.switch(label)
        if self.matches is not None:
            self.matches.clear()
            self.matches.drafter.switch(label)
        if self.router is not None:
            self.route = self.router.route(
                language, task, self._ready(), self.feedback.asking
            )

    def _ready(self) -> Iterator[str]:
        """The drafters that have what they need for what is written now."""
        for name in self.names:
            lacks_table = self.tables is not None and not self.tables.table_name
            lacks_lexicon = self.sources is not None and not self.sources.lexicon_name
            if (name == TABLE and lacks_table) or (name == SOURCE and lacks_lexicon):
                continue
            yield name

    def save(self) -> None:
        """Put what was learned from the target's texts into its file."""
        if self.memory is not None:
            self.memory.save()

    def describe(self) -> str:
        """Say what drafts, for example `auto: table deu.3c1c93b8a0f2, history`."""
        parts = []
        if self.tables is not None and self.tables.table_name:
            parts.append(f"table {self.tables.table_name}")
        if self.sources is not None and self.sources.lexicon_name:
            parts.append(f"lexicon {self.sources.lexicon_name}")
        if self.history is not None:
            parts.append(HISTORY)
        if self.memory is not None:
            parts.append(MEMORY)
        if self.matches is not None:
            parts.append(MATCH)
        if self.draft_model is not None:
            parts.append(f"model {self.draft_model.model_name}")
        if self.name != AUTO:
            return ", ".join(parts) or self.name
        return f"auto: {', '.join(parts)}"

    def describe_route(self) -> str:
        """Say what the router thinks of each drafter; empty where it has no say.

        Example: `source expects 1.21; table rests, expects 1.00; history not measured
        beforehand`
        """
        return "; ".join(choice.describe() for choice in self.route)

    def learners(self) -> dict[str, Learner]:
        """Whoever learns numbers that are worth keeping, by a lasting name."""
        learners: dict[str, Learner] = {
            "trust": self.feedback,
            "asking": self.feedback.askings,
        }
        if self.history is not None:
            learners[HISTORY] = self.history
        if self.memory is not None:
            learners[MEMORY] = self.memory
        if self.matches is not None:
            learners[MATCH] = self.matches.drafter
        if self.draft_model is not None:
            learners[f"model {self.draft_model.model_name}"] = self.draft_model
        return learners


def require_drafter(name: str) -> None:
    """Refuse a drafter that does not exist.

    Raises:
        UsageError: The name is none of `DRAFTERS`, nor names a draft model.
    """
    if name not in DRAFTERS and not name_of_draft_model(name):
        raise UsageError(
            f"there is no drafter {name!r}",
            cause=f"the drafters are {', '.join(DRAFTERS)}",
            remedy="pass --draft auto",
        )


def name_of_draft_model(name: str) -> str | None:
    """Return the model that a drafter's name asks for, None if it asks for none.

    Example: `model:qwen3-0.6b` asks for `qwen3-0.6b`, and `model` for the one that the
    catalogue pairs with the target, for which the result is empty.
    """
    kind, _, rest = name.partition(":")
    return rest if kind == MODEL else None


def _ignore(_text: str) -> None:
    pass


def make_drafter(
    name: str,
    feedback: Feedback,
    *,
    fingerprint: Callable[[], str],
    model: str,
    only_table: Table | None = None,
    draft_model: ModelDrafter | None = None,
    encode: Encode | None = None,
    memory_dir: Path | None = None,
    has_matches: bool = False,
    share: float | None = None,
    tell: Callable[[str], None] = _ignore,
) -> Drafting:
    """Make the drafter of a name; only a draft model must have been loaded before.

    Args:
        name: One that `require_drafter` lets pass.
        feedback: That of the policy which will judge the drafts.
        fingerprint: Gives that of the model's tokenizer.
        model: What the user calls the model.
        only_table: Drafts whatever the language is, if given; it must be for this
            tokenizer.
        draft_model: The one that the name asks for.
        encode: Tokenizes texts as the model does; without it neither a sentence that
            is translated nor the translation of a similar one guides the drafts.
        memory_dir: Where learned tables are kept; without it `auto` has none, and what
            `memory` learns ends with the run.
        has_matches: Whether `auto` may be told of translations of similar texts, as
            `memory` always may.
        share: What a drafted token costs here, see `expectations.drafted_share`; with
            it `auto` lets drafters rest that were measured not to pay.
        tell: Told, in a line, when a learned table is damaged or cannot be kept.

    Raises:
        UsageError: There is no drafter of that name, or its model is not given.
    """
    require_drafter(name)
    drafting = Drafting(name, feedback)
    drafters: dict[str, Drafter] = {}
    if name_of_draft_model(name) is not None:
        drafters[MODEL] = drafting.draft_model = _require_loaded(name, draft_model)
    if name in (AUTO, TABLE, SOURCE):
        drafters[TABLE] = table = TableDrafter(only_table)
        if only_table is None:
            drafting.tables = TableChoice(
                table, fingerprint, model, is_required=name != AUTO
            )
    if name in (AUTO, SOURCE) and only_table is None and encode is not None:
        is_required = name == SOURCE
        drafting.sources = SourceChoice(encode, tell, is_required=is_required)
        drafters[SOURCE] = drafting.sources.drafter
    if name in (AUTO, HISTORY):
        drafters[HISTORY] = drafting.history = HistoryDrafter()
    if name == MEMORY or (name == AUTO and memory_dir is not None):
        drafters[MEMORY] = drafting.memory = MemoryDrafter()
        if memory_dir is not None:
            drafting.memories = MemoryChoice(
                drafting.memory, memory_dir, fingerprint, tell
            )
    if encode is not None and (name == MEMORY or (name == AUTO and has_matches)):
        drafting.matches = MatchChoice(encode)
        drafters[MATCH] = drafting.matches.drafter
    if name == AUTO:
        for unproven in (TABLE, SOURCE):
            feedback.presume(unproven, _FIRST_TRUST)
    if drafters:
        look_out = HISTORY if HISTORY in drafters else None
        drafting.drafter = ChainDrafter(drafters, feedback, look_out=look_out)
        drafting.names = tuple(drafters)
    if name == AUTO and share is not None:
        drafting.router = Router(fingerprint, share)
    return drafting


def _require_loaded(name: str, draft_model: ModelDrafter | None) -> ModelDrafter:
    if draft_model is None:
        raise UsageError(
            f"the drafter {name} cannot be used here",
            cause="no draft model is loaded",
            remedy="name another drafter, for example history",
        )
    return draft_model
