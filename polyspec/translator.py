"""Settings to a translator: the only place where all parts are joined."""

import secrets
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace

from polyspec.catalog.store import default_model, find_model
from polyspec.decoding.draft_policy import DraftPolicy
from polyspec.decoding.interfaces import Drafter
from polyspec.decoding.sampling import Sampling
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.chain import ChainDrafter
from polyspec.drafting.history import HistoryDrafter
from polyspec.drafting.table import TableChoice, TableDrafter
from polyspec.engine.devices import list_devices, missing_gpu_note
from polyspec.engine.guard import require_loadable
from polyspec.engine.ladder import (
    QUICK,
    Effort,
    LadderCache,
    measure_step_seconds,
    probe_exactness,
)
from polyspec.engine.model import Model
from polyspec.engine.target import MAX_SEQUENCES, ContextOptions, LlamaTarget
from polyspec.errors import UsageError
from polyspec.gguf_header import tokenizer_fingerprint
from polyspec.languages import Language, find_language
from polyspec.paths import cache_dir
from polyspec.prompting.detect import detect_profile
from polyspec.prompting.profiles import Profile
from polyspec.session import Session
from polyspec.settings import Settings
from polyspec.stories.writer import STORY_SAMPLING, StoryEvent, write_story
from polyspec.translation.pipeline import TranslationEvent, translate_text

DRAFTERS = ("auto", "none", "table", "history")
"""What `--draft` may name."""
_MAX_PARALLEL = 64
_CONTEXT_CHARS = 200
"""A chat model reads this much of the text before a sentence, to stay coherent."""
_NUM_PREFIXES = 2
_MAX_CACHE_BYTES = 512 << 20
_MAX_CONTEXT, _MIN_CONTEXT = 16384, 2048


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory, with a context for one session."""

    model: Model
    target: LlamaTarget
    profile: Profile
    step_cost: StepCost
    notes: tuple[str, ...] = ()
    """What the user should know though the work goes on."""


@dataclass(slots=True)
class Translator:
    """Translates and writes stories with one loaded model. Used by one thread."""

    settings: Settings
    loaded: Loaded
    session: Session
    drafter_name: str
    num_parallel: int
    notes: list[str] = field(default_factory=list)
    tables: TableChoice | None = None
    """Told which language is written next; None where no table drafts."""

    def translate(
        self,
        chunks: Iterable[str],
        *,
        to: str | None = None,
        from_: str | None = None,
        is_streaming: bool = True,
    ) -> Generator[TranslationEvent, None, None]:
        """Translate a text given in chunks of any size, taken as they are needed.

        Args:
            chunks: The text.
            to: Target language, otherwise that of the settings.
            from_: Source language, otherwise that of the settings or English.
            is_streaming: Whether pieces come before a segment's end.

        Raises:
            UsageError: No target language is named, or a language is not known.
            TableError: The language has no table and one was asked for.
        """
        target_language = self.target_language(to)
        self._use_table(target_language)
        return translate_text(
            self.session,
            self.loaded.profile,
            chunks,
            source_language=self.source_language(from_),
            target_language=target_language,
            sampling=self._draw_with(Sampling()),
            is_streaming=is_streaming,
            group_tokens=0,
            num_context_chars=_CONTEXT_CHARS,
        )

    def describe_devices(self) -> str:
        """Say which model runs where, in one line."""
        model, target = self.loaded.model, self.loaded.target
        gpus = [device for device in list_devices() if device.kind == "gpu"]
        threads = f"{target.num_threads} processor threads"
        if not gpus or model.gpu_layers == 0:
            return f"{model.path.stem} ({model.description}) on {threads}"
        number = model.num_layers if model.gpu_layers < 0 else model.gpu_layers
        names = ", ".join(device.description for device in gpus)
        return (
            f"{model.path.stem} ({model.description}): {number} of "
            f"{model.num_layers} layers on {names}, the rest on {threads}"
        )

    def source_language(self, code: str | None = None) -> Language:
        """The language to translate from."""
        return find_language(code or self.settings.from_ or "eng")

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
        self, language: str, theme: str, num_words: int
    ) -> Generator[StoryEvent, None, None]:
        """Write a story, streamed.

        Raises:
            UsageError: There is no theme, or the language is not known.
            TableError: The language has no table and one was asked for.
        """
        known = find_language(language)
        self._use_table(known)
        return write_story(
            self.session,
            self.loaded.profile,
            known,
            theme,
            num_words=num_words,
            sampling=self._draw_with(STORY_SAMPLING),
        )

    def _draw_with(self, sampling: Sampling) -> Sampling:
        """Return how a task draws; without a seed, each call draws anew."""
        chosen = adjust_sampling(sampling, self.settings)
        if self.settings.seed is None and not chosen.is_greedy:
            return replace(chosen, seed=secrets.randbits(32))
        return chosen

    def _use_table(self, language: Language) -> None:
        if self.tables is not None:
            self.tables.use(language.code)


def adjust_sampling(sampling: Sampling, settings: Settings) -> Sampling:
    """Return a task's sampling with what the user chose in its place."""
    names = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "seed")
    chosen = {name: getattr(settings, name) for name in names}
    return replace(
        sampling, **{name: value for name, value in chosen.items() if value is not None}
    )


def silent(_text: str) -> None:
    """Report nothing."""


@contextmanager
def open_translator(
    settings: Settings, report: Callable[[str], None] = silent
) -> Iterator[Translator]:
    """Load the model of the settings and free it at the end.

    Args:
        settings: What the user chose.
        report: Told what takes long, before it begins.

    Raises:
        UsageError: The settings ask for a drafter that does not exist.
        ModelError: The model is missing, damaged or unsuitable.
        EngineError: There is not enough memory.
    """
    require_drafter(settings.draft)
    with load_model(settings, report) as loaded:
        yield make_translator(settings, loaded)


@contextmanager
def load_model(
    settings: Settings,
    report: Callable[[str], None] = silent,
    effort: Effort = QUICK,
) -> Iterator[Loaded]:
    """Load a model, measure its steps if that was never done, and free it at the end.

    Raises:
        ModelError: The model is missing, damaged or unsuitable.
        EngineError: There is not enough memory.
    """
    path = find_model(settings.model) if settings.model else default_model()
    require_loadable(path, cache_dir() / "loadable")
    with ExitStack() as stack:
        model = stack.enter_context(Model(path, gpu_layers=settings.gpu_layers))
        target = stack.enter_context(
            closing(LlamaTarget(model, _context_options(model, settings)))
        )
        cost = _measure(target, settings, report, effort)
        if not settings.exact:
            target.govern_threads(cost)
        yield Loaded(
            model,
            target,
            detect_profile(model.header.metadata),
            cost,
            tuple(_device_notes(model)),
        )


def _context_options(model: Model, settings: Settings) -> ContextOptions:
    parallel = settings.parallel or _MAX_PARALLEL
    return ContextOptions(
        num_sequences=min(parallel + _NUM_PREFIXES, MAX_SEQUENCES),
        context_size=settings.ctx or default_context(model),
        max_outputs=max(128, 2 * parallel),
        num_threads=settings.threads,
        kv_type=settings.kv_type,
    )


def default_context(model: Model) -> int:
    """Return a context that many segments fit into at once, within reason.

    Half a gigabyte of KV cache at most, a power of two, and never more than the model
    was trained for.
    """
    fitting = _MAX_CACHE_BYTES // max(1, model.cache_bytes_per_token())
    size = min(_MAX_CONTEXT, max(_MIN_CONTEXT, 1 << max(0, fitting.bit_length() - 1)))
    return min(size, model.max_context or size)


def _measure(
    target: LlamaTarget,
    settings: Settings,
    report: Callable[[str], None],
    effort: Effort,
) -> StepCost:
    """Return the ladder of the target, measured at its first use here."""
    cache = LadderCache(cache_dir() / "ladders")
    known = cache.get(target) if effort is QUICK else None
    needs_probe = settings.exact and not cache.knows_exactness(target)
    if known is not None and not needs_probe:
        return known
    name = target.model.path.stem
    if known is None:
        report(f"measuring how fast {name} is here, once")
        seconds = measure_step_seconds(target, effort)
    else:
        seconds = {width: known.of(width) for width in known.measured_widths}
    exactness = None
    if settings.exact or effort is not QUICK:
        report(f"probing which steps of {name} are exact here, once")
        exactness = probe_exactness(target)
    cache.put(target, seconds, exactness)
    if exactness is None:
        return StepCost.from_samples(seconds)
    return StepCost.from_samples(seconds, exactness.widths, exactness.num_tokens)


def _device_notes(model: Model) -> Iterator[str]:
    missing = missing_gpu_note()
    if missing:
        problem, remedy = missing
        yield f"{problem}; to change that: {remedy}"
    uses_gpu = model.gpu_layers != 0 and any(
        device.kind == "gpu" for device in list_devices()
    )
    if uses_gpu and 0 < model.gpu_layers < model.num_layers:
        yield (
            f"{model.gpu_layers} of {model.num_layers} layers are on the GPU; "
            "the others are on the processor"
        )


def require_drafter(name: str) -> None:
    """Refuse a drafter that does not exist.

    Raises:
        UsageError: The name is not one of `DRAFTERS`.
    """
    if name not in DRAFTERS:
        raise UsageError(
            f"there is no drafter {name!r}",
            cause=f"the drafters are {', '.join(DRAFTERS)}",
            remedy="pass --draft auto",
        )


def make_translator(settings: Settings, loaded: Loaded) -> Translator:
    """Join a loaded model with the drafter and the policy of the settings."""
    notes = list(loaded.notes)
    drafter = _make_drafter(settings, loaded, notes)
    policy = DraftPolicy(loaded.step_cost, is_exact=settings.exact)
    drafter, tables = _add_table(settings, loaded, drafter, policy)
    parallel = settings.parallel or loaded.step_cost.best_parallel(_MAX_PARALLEL)
    parallel = min(parallel, MAX_SEQUENCES - _NUM_PREFIXES)
    if settings.exact:
        parallel = 1
        if drafter is not None:
            notes.append(
                "exact: segments go one by one, and drafts are taken while prompt and "
                f"answer have at most {loaded.step_cost.identical_tokens} tokens"
            )
    session = Session(
        loaded.target,
        loaded.model.tokenizer,
        drafter,
        policy,
        max_sequences=parallel,
    )
    name = "none" if drafter is None else settings.draft.replace("auto", "history")
    return Translator(settings, loaded, session, name, parallel, notes, tables)


def _make_drafter(
    settings: Settings, loaded: Loaded, notes: list[str]
) -> Drafter | None:
    if settings.draft == "none":
        return None
    if not loaded.target.can_trim:
        notes.append("drafting is off: this model's memory cannot drop its tail")
        return None
    if settings.exact and not loaded.step_cost.identical_widths:
        notes.append(
            "drafting is off: here no step of several tokens equals single ones bit "
            "for bit, as --exact asks"
        )
        return None
    return HistoryDrafter()


def _add_table(
    settings: Settings, loaded: Loaded, drafter: Drafter | None, policy: DraftPolicy
) -> tuple[Drafter | None, TableChoice | None]:
    """Return a drafter that uses tables as the settings ask, and who chooses them."""
    if drafter is None or settings.draft == "history":
        return drafter, None
    is_required = settings.draft == "table"
    from_table = TableDrafter()
    tables = TableChoice(
        from_table,
        lambda: tokenizer_fingerprint(loaded.model.header),
        loaded.model.path.stem,
        is_required=is_required,
    )
    if is_required:
        return from_table, tables
    return ChainDrafter((from_table, drafter), policy.feedback.trust), tables
