"""The one thread that owns the model, and what it says of it.

Only this thread touches the translator, but for counting tokens. It posts messages and
changes no widget; those who get the messages do. A job is asked between decoding steps
whether it was cancelled.
"""

import asyncio
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from textual.message import Message

from polyspec.errors import EngineError, ModelError, PolySpecError

if TYPE_CHECKING:
    from polyspec.settings import Settings
    from polyspec.translator import Translator
    from polyspec.tui.making import Maker

Post = Callable[[Message], object]
_NICENESS = 10
_NUM_LOOKS, _LOOK_S = 12, 0.003


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What there is to say of the loaded model."""

    name: str
    device: str
    drafter: str
    num_parallel: int
    notes: tuple[str, ...] = ()
    seconds_by_width: tuple[tuple[int, float], ...] = ()
    """The step-cost ladder: tokens in a step, seconds it takes."""
    draft_setting: str = ""
    """The drafter that was asked for."""
    drafters: tuple[str, ...] = ()
    """All that can be asked for."""
    default_target: str = ""
    """The target language of the settings; may be empty."""
    only_translates: bool = False
    """Whether its stories are poor."""


@dataclass
class ModelLoading(Message):
    """A model is being loaded, or something before it."""

    note: str


@dataclass
class ModelReady(Message):
    """A model can be asked now, or another drafter drafts for it."""

    facts: ModelFacts


@dataclass
class ModelFailed(Message):
    """What was asked could not be loaded."""

    error: PolySpecError
    is_loaded: bool = False
    """Whether the model from before is still there."""


@dataclass
class WorkerCrashed(Message):
    """The program went wrong in the model's thread; the thread goes on."""

    error: Exception


class Job(Protocol):
    """Work for the loaded model."""

    is_patient: bool
    """Whether it steps back when somebody waits at the keyboard."""

    def run(self, translator: "Translator") -> None:
        """Do it, in the model's thread; post what comes of it."""

    @property
    def is_unfinished(self) -> bool:
        """Whether it stepped back and is to go on when nobody waits."""
        ...

    def fail(self, error: PolySpecError) -> None:
        """Say that it could not be done, and why."""

    def cancel(self) -> None:
        """Ask it to stop, from any thread."""


@dataclass
class _Load:
    settings: Callable[[], "Settings"]
    only_drafter: bool = False


@dataclass
class _Line:
    """What waits, guarded by the condition."""

    load: _Load | None = None
    urgent: list[Job] = field(default_factory=list)
    patient: list[Job] = field(default_factory=list)
    running: Job | None = None
    is_closing: bool = False


class ModelWorker:
    """Runs jobs one after another on a thread that owns the translator."""

    def __init__(self, post: Post, maker: "Maker") -> None:
        self._post = post
        self._maker = maker
        self._line = _Line()
        self._changed = threading.Condition()
        self._rest_until_s = 0.0
        self._is_resting = False
        self._translator: Translator | None = None
        self._counting = threading.Lock()
        """Held while tokens are counted, and when a model is about to be freed."""
        self._error: PolySpecError | None = None
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def load(self, settings: Callable[[], "Settings"]) -> None:
        """Load what the settings name in place of what is loaded."""
        self._ask_to_load(_Load(settings))

    def switch_drafter(self, settings: Callable[[], "Settings"]) -> None:
        """Let another drafter draft for the loaded model."""
        self._ask_to_load(_Load(settings, only_drafter=True))

    def submit(self, job: Job) -> None:
        """Do a job when those before it are done; a patient one steps back."""
        with self._changed:
            line = self._line
            (line.patient if job.is_patient else line.urgent).append(job)
            if line.running is not None and line.running.is_patient:
                line.running.cancel()
            self._changed.notify()

    @property
    def is_busy(self) -> bool:
        """Whether the model is at work, or something waits for it."""
        line = self._line
        with self._changed:
            return bool(line.running or line.load or line.urgent or line.patient)

    async def rest(self, seconds: float) -> None:
        """Leave the processors to the interface for so long, from the next step on.

        While a model decodes, all else takes two to three times as long, so this waits
        for the step to end, if that is soon.
        """
        self._rest_until_s = time.monotonic() + seconds
        for _ in range(_NUM_LOOKS):
            if self._line.running is None or self._is_resting:
                return
            await asyncio.sleep(_LOOK_S)

    def stop(self, wait_s: float) -> bool:
        """End the thread; returns whether it ended within `wait_s` seconds."""
        with self._changed:
            self._line.is_closing = True
            if self._line.running is not None:
                self._line.running.cancel()
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(wait_s)
        return not self._thread.is_alive()

    def count_tokens(self, texts: Sequence[str]) -> list[int] | None:
        """How many tokens texts have; None without a model. Takes a moment.

        Called from any thread, also while the model decodes: its vocabulary does not
        change.
        """
        with self._counting:
            if self._translator is None:
                return None
            count = self._translator.session.count_tokens
            try:
                return [count(text) for text in texts]
            except PolySpecError:  # told where the text is translated
                return None

    def _rest(self) -> None:
        """Called in the model's thread, between two steps."""
        while (left_s := self._rest_until_s - time.monotonic()) > 0:
            self._is_resting = True
            time.sleep(left_s)
        self._is_resting = False

    def _ask_to_load(self, load: _Load) -> None:
        with self._changed:
            waiting = self._line.load
            if waiting is not None and not waiting.only_drafter:
                load.only_drafter = False
            self._line.load = load
            if self._line.running is not None:
                self._line.running.cancel()
            self._changed.notify()

    def _work(self) -> None:
        _step_behind_the_interface()
        with ExitStack() as stack:
            while (task := self._next()) is not None:
                try:
                    if isinstance(task, _Load):
                        self._do_load(stack, task)
                    else:
                        self._do_job(task)
                except Exception as error:
                    self._post(WorkerCrashed(error))
            self._forget_translator()

    def _next(self) -> "_Load | Job | None":
        """The next thing to do; None at the end."""
        with self._changed:
            line = self._line
            line.running = None
            self._changed.wait_for(
                lambda: line.is_closing or line.load or line.urgent or line.patient
            )
            if line.is_closing:
                return None
            if line.load is not None:
                load, line.load = line.load, None
                return load
            line.running = (line.urgent or line.patient).pop(0)
            return line.running

    def _do_load(self, stack: ExitStack, load: _Load) -> None:
        try:
            self._translator = self._make(stack, load)
        except PolySpecError as error:
            self._fail(error)
        except MemoryError:
            self._fail(_out_of_memory())
        else:
            self._error = None
            self._translator.session.give_way = self._rest
            self._post(ModelReady(_describe(self._translator)))

    def _make(self, stack: ExitStack, load: _Load) -> "Translator":
        settings = load.settings()
        if load.only_drafter and self._translator is not None:
            rejoined = self._maker.rejoin(self._translator, settings)
            if rejoined is not None:
                return stack.enter_context(rejoined)
        self._forget_translator()
        stack.close()
        self._tell(settings.model or "")
        return stack.enter_context(self._maker.open(settings, self._tell))

    def _forget_translator(self) -> None:
        with self._counting:
            self._translator = None

    def _fail(self, error: PolySpecError) -> None:
        self._error = error
        self._post(ModelFailed(error, is_loaded=self._translator is not None))

    def _tell(self, note: str) -> None:
        self._post(ModelLoading(note))

    def _do_job(self, job: Job) -> None:
        try:
            if self._translator is None:
                raise self._error or ModelError(
                    "no model is loaded", remedy="choose one under Models"
                )
            job.run(self._translator)
            if job.is_unfinished:
                with self._changed:
                    self._line.patient.insert(0, job)
        except PolySpecError as error:
            job.fail(error)
        except MemoryError:
            job.fail(_out_of_memory())


def _step_behind_the_interface() -> None:
    """Let keys and drawing come first where processors are scarce.

    On Linux each thread has its own niceness, which llama.cpp's threads inherit.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            thread = threading.get_native_id()
            nice = os.getpriority(os.PRIO_PROCESS, thread)
            os.setpriority(os.PRIO_PROCESS, thread, min(19, nice + _NICENESS))


def _describe(translator: "Translator") -> ModelFacts:
    from polyspec.drafting.compose import DRAFTERS

    cost = translator.loaded.step_cost
    return ModelFacts(
        name=translator.loaded.model.path.stem,
        device=translator.describe_devices(),
        drafter=translator.drafter_name,
        num_parallel=translator.num_parallel,
        notes=tuple(translator.notes),
        seconds_by_width=tuple(
            (width, cost.of(width)) for width in cost.measured_widths
        ),
        draft_setting=translator.settings.draft,
        drafters=tuple(DRAFTERS),
        default_target=translator.settings.to or "",
        only_translates=translator.loaded.profile.only_translates,
    )


def _out_of_memory() -> EngineError:
    return EngineError(
        "there is not enough memory",
        cause="the system refused to give more",
        remedy="close programs, choose a smaller model, or lower ctx in the settings",
    )
