"""Settings to a translator: the only place where all parts are joined."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from polyspec.catalog.task import ANYTHING, Task
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.feedback import Feedback
from polyspec.decoding.scheduler import num_read_ahead
from polyspec.decoding.stop_rule import StopRule
from polyspec.drafting.compose import (
    Drafting,
    make_drafter,
    name_of_draft_model,
    require_drafter,
)
from polyspec.drafting.expectations import drafted_share
from polyspec.drafting.kept import KeptNumbers
from polyspec.drafting.model import ModelDrafter
from polyspec.engine.target import MAX_SEQUENCES
from polyspec.errors import EngineError
from polyspec.gguf_header import tokenizer_fingerprint
from polyspec.loading import (
    NUM_PREFIXES,
    Loaded,
    LoadedDraft,
    identify_model,
    load_draft,
    load_model,
    silent,
)
from polyspec.paths import data_dir
from polyspec.session import Session
from polyspec.settings import Settings
from polyspec.translator.translator import Translator
from polyspec.translator.user_assets import UserAssets


@contextmanager
def open_translator(
    settings: Settings,
    report: Callable[[str], None] = silent,
    *,
    num_texts: int = 1,
    task: Task = ANYTHING,
) -> Iterator[Translator]:
    """Load the model of the settings and free it at the end.

    Args:
        settings: What the user chose.
        report: Told what takes long, before it begins, and what fails though the work
            goes on.
        num_texts: About how many segments there are; see `load_model`.
        task: What it is for, by which the model is chosen where the settings name none.

    Raises:
        UsageError: The settings ask for a drafter that does not exist.
        ModelError: The model or its draft model is missing, damaged or unsuitable.
        EngineError: There is not enough memory.
    """
    require_drafter(settings.draft)
    with ExitStack() as stack:
        loaded = stack.enter_context(
            load_model(settings, report, num_texts=num_texts, task=task)
        )
        wanted = name_of_draft_model(settings.draft)
        draft = None
        if wanted is not None and not _why_nothing_is_drafted(settings, loaded):
            draft = stack.enter_context(load_draft(settings, loaded, wanted, report))
        yield stack.enter_context(join_translator(settings, loaded, draft, report))


@contextmanager
def join_translator(
    settings: Settings,
    loaded: Loaded,
    draft: LoadedDraft | None = None,
    report: Callable[[str], None] = silent,
) -> Iterator[Translator]:
    """Make a translator that begins with what was learned, and keep what it learns.

    That is kept at the end, or earlier when the translator is released.

    Args:
        settings: What the user chose.
        loaded: The model that decides; it stays loaded.
        draft: The model that drafts, where the settings ask for one.
        report: Told what fails though the work goes on.
    """
    with ExitStack() as stack:
        translator = make_translator(settings, loaded, draft, report)
        translator.release = stack.close
        if translator.assets is not None:
            stack.callback(translator.assets.close)
        if not settings.private:
            stack.enter_context(_keep_numbers(translator, report))
        yield translator


@contextmanager
def _keep_numbers(
    translator: Translator, report: Callable[[str], None]
) -> Iterator[None]:
    """Begin with what earlier runs learned about drafters, and keep what this does."""
    if translator.drafting.drafter is None:
        yield
        return
    name = identify_model(translator.loaded.model)
    path = data_dir() / "drafting" / f"{name}.json"
    kept = KeptNumbers(path, translator.drafting.learners(), report)
    kept.load()
    try:
        yield
    finally:
        translator.drafting.save()
        kept.save()


def make_translator(
    settings: Settings,
    loaded: Loaded,
    draft: LoadedDraft | None = None,
    report: Callable[[str], None] = silent,
    folder: Path | None = None,
) -> Translator:
    """Join a loaded model with the drafter and the policy of the settings.

    Args:
        settings: What the user chose.
        loaded: The model that decides.
        draft: The model that drafts, where the settings ask for one.
        report: Told what fails though the work goes on.
        folder: Where memory, history and learned tables are; otherwise the user's.
    """
    folder = folder or data_dir()
    notes = [*loaded.notes, *(draft.notes if draft is not None else ())]
    policy = DraftPolicy(loaded.step_cost, is_exact=settings.exact)
    small = (
        None
        if draft is None
        else make_model_drafter(
            # A seed promises the same text whatever drafts.
            loaded,
            draft,
            report,
            draws=settings.seed is None,
        )
    )
    parallel = settings.parallel or loaded.best_parallel
    parallel = 1 if settings.exact else min(parallel, MAX_SEQUENCES - NUM_PREFIXES)
    drafting = _make_drafting(
        settings,
        loaded,
        policy.feedback,
        small,
        # A single sentence and a long text differ; what pays for one may work.
        share=min(drafted_share(loaded.step_cost, num) for num in (1, parallel)),
        memory_dir=folder / "memory",
        notes=notes,
        report=report,
    )
    if settings.exact and drafting.drafter is not None:
        notes.append(
            "exact: segments go one by one, and drafts are taken while prompt and "
            f"answer have at most {loaded.step_cost.identical_tokens} tokens"
        )
    session = Session(
        loaded.writer,
        loaded.model.tokenizer,
        drafting.drafter,
        policy,
        max_sequences=parallel,
        max_ahead=min(
            num_read_ahead(parallel), MAX_SEQUENCES - NUM_PREFIXES - parallel
        ),
        max_drafting=loaded.max_drafting,
        announce=drafting.sources.announce if drafting.sources else None,
        refer=drafting.matches.announce if drafting.matches else None,
    )
    return Translator(
        settings,
        loaded,
        session,
        drafting,
        parallel,
        notes,
        draft,
        UserAssets(settings, report, folder),
        report=report,
    )


def make_model_drafter(
    loaded: Loaded,
    draft: LoadedDraft,
    report: Callable[[str], None] = silent,
    *,
    draws: bool = False,
) -> ModelDrafter:
    """Let a loaded draft model draft for a loaded model.

    Args:
        loaded: The model that decides.
        draft: The model that drafts; it must outlive the drafter.
        report: Told, once, when the draft model fails.
        draws: Whether drafts are drawn where the target draws; see `ModelDrafter`.
    """
    name = draft.model.path.stem

    def on_failure(error: EngineError) -> None:
        reason = f"{error.problem}, {error.cause}" if error.cause else error.problem
        report(f"the work goes on without drafts, {name} has failed: {reason}")

    return ModelDrafter(
        draft.target,
        StopRule(loaded.step_cost, draft.step_cost),
        model_name=name,
        vocab_size=draft.vocab_size,
        token_map=draft.token_map,
        on_failure=on_failure,
        draws=draws,
    )


def _why_nothing_is_drafted(settings: Settings, loaded: Loaded) -> str:
    """Return why drafting is off although it was asked for; mostly empty."""
    if settings.draft == "none":
        return ""
    if not loaded.target.can_trim:
        return "drafting is off: this model's memory cannot drop its tail"
    if settings.exact and not loaded.step_cost.identical_widths:
        return (
            "drafting is off: here no step of several tokens equals single ones bit "
            "for bit, as --exact asks"
        )
    return ""


def _make_drafting(
    settings: Settings,
    loaded: Loaded,
    feedback: Feedback,
    draft_model: ModelDrafter | None,
    *,
    share: float,
    memory_dir: Path,
    notes: list[str],
    report: Callable[[str], None],
) -> Drafting:
    obstacle = _why_nothing_is_drafted(settings, loaded)
    if obstacle:
        notes.append(obstacle)
    is_learning = settings.memory and not settings.private
    return make_drafter(
        "none" if obstacle else settings.draft,
        feedback,
        fingerprint=lambda: tokenizer_fingerprint(loaded.model.header),
        model=loaded.model.path.stem,
        draft_model=draft_model,
        encode=loaded.model.tokenizer.encode_all,
        memory_dir=memory_dir if is_learning else None,
        has_matches=settings.memory,
        share=share,
        tell=report,
    )
