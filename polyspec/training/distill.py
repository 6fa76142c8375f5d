"""From a translator to a journal of what its model writes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from polyspec.decoding.sampling import Sampling
from polyspec.errors import UsageError
from polyspec.languages import Language
from polyspec.stories.writer import STORY_SAMPLING
from polyspec.tables.corpus import read_lines
from polyspec.training.journal import Journal
from polyspec.training.outputs import (
    MakeRequest,
    choose_sentences,
    collect_outputs,
    make_story_requests,
    make_translation_requests,
)
from polyspec.training.themes import make_themes
from polyspec.translator import Translator, adjust_sampling

TASKS = ("translate", "story")


@dataclass(frozen=True, slots=True)
class Plan:
    """What the target is to write."""

    language: Language
    task: str
    """One of `TASKS`."""
    num_tokens: int
    """About how many tokens to have in the end."""
    source_language: Language
    sources: Path | None = None
    """Sentences to translate, one a line."""
    num_words: int = 120
    """About how many words a story has."""


def require_sound(plan: Plan) -> None:
    """Refuse a plan that cannot be followed.

    Raises:
        UsageError: The task is not known, or there is nothing to translate.
    """
    if plan.task not in TASKS:
        raise UsageError(
            f"there is no task {plan.task!r}",
            cause=f"there are {', '.join(TASKS)}",
            remedy="pass --task translate or --task story",
        )
    if plan.task == "translate" and plan.sources is None:
        raise UsageError(
            "there is nothing to translate",
            cause="no sentences are named",
            remedy="pass --sources FILE, a text with a sentence a line",
        )


def write_outputs(
    translator: Translator, plan: Plan, journal: Journal, report: Callable[[int], None]
) -> None:
    """Let the model write into the journal until the plan is fulfilled.

    Args:
        translator: Its session writes, many answers side by side.
        plan: What to write.
        journal: What there is is kept, what comes is added.
        report: Told how many tokens there are.

    Raises:
        TableError: The sentences cannot be read.
        UsageError: The prompt alone fills the context.
    """
    sources, make_request = _prepare(translator, plan)
    collect_outputs(
        translator.session,
        sources,
        make_request,
        journal,
        max_tokens=plan.num_tokens,
        report=report,
    )


def _prepare(translator: Translator, plan: Plan) -> tuple[Iterable[str], MakeRequest]:
    session, profile = translator.session, translator.loaded.profile
    settings = translator.settings
    if plan.task == "story":
        sampling = adjust_sampling(STORY_SAMPLING, settings)
        return make_themes(), make_story_requests(
            session, profile, plan.language, plan.num_words, sampling
        )
    assert plan.sources is not None
    # An answer has a token at least, so no more sentences can be needed.
    sentences = choose_sentences(read_lines(plan.sources), plan.num_tokens)
    return sentences, make_translation_requests(
        session,
        profile,
        plan.source_language,
        plan.language,
        adjust_sampling(Sampling(), settings),
    )
