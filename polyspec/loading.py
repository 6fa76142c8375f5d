"""A model made ready: found, checked, loaded and its steps measured."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from polyspec.catalog.adapters import PROFILE_KEY, find_base, is_adapter
from polyspec.catalog.pairs import find_draft_of
from polyspec.catalog.store import default_model, find_model
from polyspec.catalog.task import ANYTHING, Task
from polyspec.decoding.interfaces import Target
from polyspec.decoding.scheduler import num_read_ahead
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.token_map import TokenMap, has_token_map, read_token_map
from polyspec.engine.devices import list_devices, missing_gpu_note
from polyspec.engine.guard import require_loadable
from polyspec.engine.ladder import (
    QUICK,
    Effort,
    LadderCache,
    make_step_cost,
    measure_step_seconds,
    probe_exactness,
)
from polyspec.engine.model import Model
from polyspec.engine.passes import MOST_ROWS
from polyspec.engine.stream_target import MIN_STREAMS, StreamTarget
from polyspec.engine.target import MAX_SEQUENCES, ContextOptions, LlamaTarget
from polyspec.errors import ModelError
from polyspec.gguf_header import (
    GgufHeader,
    count_common_tokens,
    read_gguf_header,
    tokenizer_fingerprint,
)
from polyspec.paths import cache_dir
from polyspec.prompting.detect import detect_profile
from polyspec.prompting.profiles import Profile, find_profile
from polyspec.settings import Settings

MAX_PARALLEL = MOST_ROWS
"""Most sequences side by side that nobody asked for: as one pass can take."""
MANY_PARALLEL = 96
"""The same where there are so many texts, each in a stream. A token of Qwen2.5 1.5B
took 8.8 ms with 64 of them, 8.3 with 96 and 8.1 with 112, on two cores."""
NUM_PREFIXES = 2
"""Sequence ids that shared prefixes take."""
_MANY_TEXTS = 16
"""Fewer side by side are no reason to try another layout of the weights."""
_MAX_CACHE_BYTES = 512 << 20
_MAX_CONTEXT, _MIN_CONTEXT = 16384, 2048
_NUM_SAMPLES, _SAMPLE_BYTES = 8, 4096


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory, with a context for one session."""

    model: Model
    target: LlamaTarget
    profile: Profile
    step_cost: StepCost
    notes: tuple[str, ...] = ()
    """What the user should know though the work goes on."""
    streams: StreamTarget | None = None
    """Over `target`, where that is faster for many texts."""
    max_parallel: int = MAX_PARALLEL
    """Most sequences that there is room for."""

    @property
    def writer(self) -> Target:
        """What a session writes with."""
        return self.streams or self.target

    @property
    def max_drafting(self) -> int | None:
        """Most sequences side by side to which drafts are added; None for any number.

        Streams take no drafts, and leaving them costs more than a draft saves.
        """
        return MIN_STREAMS - 1 if self.streams else None

    @property
    def best_parallel(self) -> int:
        """How many sequences to write side by side if the user does not say."""
        widest = min(self.max_parallel, MAX_PARALLEL)
        best = self.step_cost.best_parallel(widest)
        if self.max_parallel <= MAX_PARALLEL:
            return best
        # The ladder ends there; where a token still costs less, streams go on.
        cost_s = [self.step_cost.of(width) / width for width in (best, widest)]
        return self.max_parallel if cost_s[1] <= cost_s[0] else best


@dataclass(frozen=True, slots=True)
class LoadedDraft:
    """A draft model in memory, with a context for the drafter of one session."""

    model: Model
    target: LlamaTarget
    step_cost: StepCost
    vocab_size: int
    """Leading tokens that it has in common with the model it drafts for."""
    notes: tuple[str, ...] = ()
    token_map: TokenMap | None = None
    """Where the draft model was trimmed, what its tokens mean to the model."""


def silent(_text: str) -> None:
    """Report nothing."""


@contextmanager
def load_model(
    settings: Settings,
    report: Callable[[str], None] = silent,
    effort: Effort = QUICK,
    num_texts: int = 1,
    task: Task = ANYTHING,
) -> Iterator[Loaded]:
    """Load a model, measure its steps if that was never done, and free it at the end.

    Args:
        settings: What the user chose.
        report: Told what takes long, before it begins.
        effort: How long measuring may take.
        num_texts: About how many texts there are to be written side by side. For many,
            weights are arranged as wide steps are fastest.
        task: What it is for, by which a model is chosen where the settings name none.

    Raises:
        ModelError: The model is missing, damaged or unsuitable.
        EngineError: There is not enough memory.
    """
    path = find_model(settings.model) if settings.model else default_model(task)
    header = read_gguf_header(path)
    adapter = path if is_adapter(header) else None
    base = find_base(header) if adapter else path
    require_loadable(base, cache_dir() / "loadable", adapter)

    def open_model(stack: ExitStack, *, is_repacked: bool) -> _Opened:
        model = stack.enter_context(
            Model(
                base,
                adapter=adapter,
                gpu_layers=settings.gpu_layers,
                is_repacked=is_repacked,
            )
        )
        target = stack.enter_context(
            closing(LlamaTarget(model, _context_options(model, settings, num_texts)))
        )
        return _Opened(model, target, _measure(target, settings, report, effort))

    with ExitStack() as stack:
        opened = (
            _open_faster(stack, open_model, _num_side_by_side(settings, num_texts))
            if _may_choose_layout(settings, num_texts)
            else open_model(stack, is_repacked=True)
        )
        if not settings.exact:
            opened.target.govern(opened.step_cost)
        max_parallel = _max_parallel(opened.model, settings, num_texts)
        yield Loaded(
            opened.model,
            opened.target,
            _choose_profile(header),
            opened.step_cost,
            tuple(_device_notes(opened.model)),
            _add_streams(stack, opened, settings, max_parallel),
            max_parallel,
        )


@dataclass(frozen=True, slots=True)
class _Opened:
    model: Model
    target: LlamaTarget
    step_cost: StepCost


class _Open(Protocol):
    def __call__(self, stack: ExitStack, *, is_repacked: bool) -> _Opened: ...


def _add_streams(
    stack: ExitStack, opened: _Opened, settings: Settings, max_parallel: int
) -> StreamTarget | None:
    if max_parallel < MIN_STREAMS or not _may_use_streams(opened.model, settings):
        return None
    return stack.enter_context(closing(StreamTarget(opened.target, max_parallel)))


def _num_side_by_side(settings: Settings, num_texts: int) -> int:
    return min(num_texts, settings.parallel or MAX_PARALLEL)


def _may_choose_layout(settings: Settings, num_texts: int) -> bool:
    """Whether the weights' layout may matter: on a processor, to many texts.

    What is exact is so to the text of single tokens in the usual layout.
    """
    is_wide = _num_side_by_side(settings, num_texts) >= _MANY_TEXTS
    uses_gpu = settings.gpu_layers != 0 and any(
        device.kind == "gpu" for device in list_devices()
    )
    return is_wide and not settings.exact and not uses_gpu


def _open_faster(stack: ExitStack, open_model: _Open, num_texts: int) -> _Opened:
    """Open a model in the layout in which so many texts side by side are faster.

    The weights as they are in the file come first: that takes no time.
    """
    with ExitStack() as trial:
        as_it_is = open_model(trial, is_repacked=False)
        own_s = as_it_is.step_cost.of_texts(num_texts)
        other = LadderCache(cache_dir() / "ladders").get_repacked(as_it_is.target)
        if other is not None and own_s < other.of_texts(num_texts):
            stack.push(trial.pop_all())
            return as_it_is
    with ExitStack() as trial:
        repacked = open_model(trial, is_repacked=True)
        if repacked.step_cost.of_texts(num_texts) <= own_s:
            stack.push(trial.pop_all())
            return repacked
    return open_model(stack, is_repacked=False)


@contextmanager
def load_draft(
    settings: Settings,
    loaded: Loaded,
    name: str = "",
    report: Callable[[str], None] = silent,
) -> Iterator[LoadedDraft]:
    """Load the draft model of a loaded model, and free it at the end.

    Args:
        settings: What the user chose.
        loaded: The model that decides.
        name: Name or path of the draft model; without it the catalogue's pair.
        report: Told what takes long, before it begins.

    Raises:
        UsageError: The catalogue knows no draft model for this one.
        ModelError: The draft is missing, damaged, has another tokenizer, or a memory
            that cannot be rolled back.
        EngineError: There is not enough memory.
    """
    path = find_model(name) if name else find_draft_of(loaded.model.path)
    vocab_size, token_map = _match_tokenizers(
        loaded.model.header, read_gguf_header(path)
    )
    require_loadable(path, cache_dir() / "loadable")
    with ExitStack() as stack:
        model = stack.enter_context(Model(path, gpu_layers=settings.draft_gpu_layers))
        if not model.can_trim:
            raise ModelError(
                f"{path.stem} cannot draft",
                cause="its memory cannot drop the tokens that are rejected",
                remedy="pass another draft model, or --draft auto",
            )
        # The same sequences are in both contexts.
        target = stack.enter_context(closing(LlamaTarget(model, loaded.target.options)))
        plain = settings.model_copy(update={"exact": False})
        cost = _measure(target, plain, report, QUICK)
        target.govern(cost)
        notes = tuple(_draft_notes(loaded.model.header, model.header))
        yield LoadedDraft(model, target, cost, vocab_size, notes, token_map)


def _choose_profile(header: GgufHeader) -> Profile:
    trained_for = header.text(PROFILE_KEY)
    return find_profile(trained_for) if trained_for else detect_profile(header.metadata)


def _match_tokenizers(
    target: GgufHeader, draft: GgufHeader
) -> tuple[int, TokenMap | None]:
    """How many tokens of the draft serve, and what they mean if it was trimmed."""
    if has_token_map(draft):
        token_map = read_token_map(draft, target)
        return len(token_map), token_map
    vocab_size = count_common_tokens(target, draft)
    if not vocab_size:
        raise ModelError(
            f"{draft.path.stem} cannot draft for {target.path.stem}: "
            "their tokenizers differ",
            cause=f"{draft.path.stem} has {tokenizer_fingerprint(draft)}, "
            f"{target.path.stem} has {tokenizer_fingerprint(target)}",
            remedy="pass a draft model of the same family, or --draft auto",
        )
    return vocab_size, None


def _draft_notes(target: GgufHeader, draft: GgufHeader) -> Iterator[str]:
    if draft.file_size > target.file_size:
        yield (
            f"the draft model {draft.path.stem} is larger than {target.path.stem} "
            f"({draft.file_size / 1e9:.2f} GB against {target.file_size / 1e9:.2f} GB) "
            "and will hardly pay"
        )


def _context_options(
    model: Model, settings: Settings, num_texts: int
) -> ContextOptions:
    parallel = _max_parallel(model, settings, num_texts)
    num_ahead = num_read_ahead(parallel)
    has_wide_drafts = not _may_use_streams(model, settings)
    return ContextOptions(
        num_sequences=min(parallel + num_ahead + NUM_PREFIXES, MAX_SEQUENCES),
        context_size=settings.ctx or default_context(model),
        # What is read ahead is to fit beside the answers.
        max_batch=max(512, 9 * parallel),
        max_outputs=max(128, parallel + (parallel if has_wide_drafts else num_ahead)),
        num_threads=settings.threads,
        kv_type=settings.kv_type,
    )


def _max_parallel(model: Model, settings: Settings, num_texts: int) -> int:
    """How many sequences there may be side by side."""
    if settings.parallel:
        return settings.parallel
    if not _may_use_streams(model, settings):
        return MAX_PARALLEL
    return min(max(num_texts, MAX_PARALLEL), MANY_PARALLEL)


def _may_use_streams(model: Model, settings: Settings) -> bool:
    """Whether many texts are written faster in streams: on a processor, inexactly.

    A text is exact to one that was written alone, in the common cache.
    """
    return not settings.exact and not model.uses_gpu and model.can_trim


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
    # A step that is filled up takes another width, which rounds in another way.
    is_filled_up = not settings.exact
    known = cache.get(target, is_filled_up=is_filled_up) if effort is QUICK else None
    needs_probe = settings.exact and not cache.knows_exactness(target)
    if known is not None and not needs_probe:
        return known
    name = target.model.path.stem
    seconds = cache.samples(target) if known is not None else None
    if seconds is None:
        report(f"measuring how fast {name} is here, once")
        seconds = measure_step_seconds(target, effort)
    exactness = None
    if settings.exact or effort is not QUICK:
        report(f"probing which steps of {name} are exact here, once")
        exactness = probe_exactness(target)
    cache.put(target, seconds, exactness)
    return make_step_cost(seconds, exactness, is_filled_up=is_filled_up)


def _device_notes(model: Model) -> Iterator[str]:
    missing = missing_gpu_note()
    if missing:
        problem, remedy = missing
        yield f"{problem}; to change that: {remedy}"
    if model.uses_gpu and 0 < model.gpu_layers < model.num_layers:
        yield (
            f"{model.gpu_layers} of {model.num_layers} layers are on the GPU; "
            "the others are on the processor"
        )


def identify_model(model: Model) -> str:
    """Name a model and where it runs, for what is learned about it and kept.

    The digest is over size, tensors and a sample of the bytes, since two trainings of
    one model differ in nothing else, and over the devices. An adapter's bytes count as
    well.
    """
    digest = hashlib.sha256()
    header = model.header
    devices = [device.description for device in list_devices()]
    facts = (header.file_size, header.tensors, model.gpu_layers, devices)
    digest.update(repr(facts).encode())
    for path in model.files:
        with suppress(OSError), path.open("rb") as file:
            size = path.stat().st_size
            for place in range(_NUM_SAMPLES):
                file.seek(size * place // _NUM_SAMPLES)
                digest.update(file.read(_SAMPLE_BYTES))
    return f"{model.path.stem}.{digest.hexdigest()[:16]}"
