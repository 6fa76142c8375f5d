"""The model in the interface: loading, switching, fetching, and what is said of it."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from textual.reactive import reactive

from polyspec.errors import ModelError, PolySpecError
from polyspec.tui.ending import EndingApp
from polyspec.tui.heap import spare_heap

if TYPE_CHECKING:
    from textual.driver import Driver

    from polyspec.settings import Settings
    from polyspec.tui.making import Maker
    from polyspec.tui.pulling import (
        PullAdvanced,
        PullEnded,
        Puller,
        PullModel,
        PullState,
    )
    from polyspec.tui.worker import (
        ModelFacts,
        ModelFailed,
        ModelLoading,
        ModelReady,
        ModelWorker,
        WorkerCrashed,
    )

_LOADING_KEYS = frozenset(
    ("model", "gpu_layers", "threads", "ctx", "kv_type", "parallel", "exact")
)
"""Settings that a model is loaded with."""
_FLAG = re.compile("--([a-z]+(-[a-z]+)*)")


@dataclass(frozen=True, slots=True)
class ModelState:
    """How the model is, for the top line."""

    text: str = "starting"
    mood: str = "busy"
    """`ready`, `busy` or `failed`."""


class ModelApp(EndingApp):
    """Owns the model's thread and the downloads, and keeps what they post.

    Both are made when they are first needed, behind the first frame.
    """

    model_state: reactive[ModelState] = reactive(ModelState())
    pull_state: "reactive[PullState | None]" = reactive(None)

    def __init__(
        self,
        maker: "Maker",
        pull: "PullModel | None",
        overrides: dict[str, Any],
        driver: "type[Driver] | None" = None,
    ) -> None:
        super().__init__(driver)
        self.overrides = overrides
        """Settings by field name that this run takes in place of others."""
        self.facts: ModelFacts | None = None
        self.rates: dict[str, float] = {}
        """Tokens a second of the latest run, by drafter setting."""
        self._maker = maker
        self._pull = pull
        self._num_runs = 0

    @cached_property
    def worker(self) -> "ModelWorker":
        """The thread that owns the model."""
        from polyspec.tui.worker import ModelWorker

        return ModelWorker(self.post_message, self._maker)

    @cached_property
    def puller(self) -> "Puller":
        """Fetches models."""
        from polyspec.tui.pulling import Puller, pull_from_catalogue

        return Puller(self.post_message, self._pull or pull_from_catalogue)

    def load_model(self, name: str | None = None) -> None:
        """Load the model of the settings, or another one for this run."""
        if name is not None:
            self.overrides["model"] = name
        self.facts = None
        self.model_state = ModelState("loading", "busy")
        self.worker.load(self.settings)

    def switch_drafter(self, name: str) -> None:
        """Let another drafter draft, for this run of the program."""
        self.overrides["draft"] = name
        self.model_state = ModelState(f"drafting: {name}", "busy")
        self.worker.switch_drafter(self.settings)

    def settings(self) -> "Settings":
        """The settings in effect; also called in the model's thread."""
        from polyspec.settings import load_settings

        return load_settings(dict(self.overrides))

    def is_private(self) -> bool:
        try:
            return self.settings().private
        except PolySpecError:
            return False

    def apply_setting(self, key: str) -> None:
        """Let a setting that was changed in its file take effect."""
        self.overrides.pop("from_" if key == "from" else key, None)
        if key in _LOADING_KEYS:
            self.load_model()
        elif self.facts is not None:
            self.worker.switch_drafter(self.settings)

    def next_run(self) -> int:
        """A number that no earlier run has."""
        self._num_runs += 1
        return self._num_runs

    def note_rate(self, rate: float) -> None:
        """Keep how fast the latest run was, by the drafter that was set."""
        if self.facts is not None and rate:
            self.rates[self.facts.draft_setting] = rate

    def memory_bytes(self) -> int:
        """Memory that the program takes."""
        import psutil

        return int(psutil.Process().memory_info().rss)

    def on_model_loading(self, event: "ModelLoading") -> None:
        self.model_state = ModelState(event.note or "loading", "busy")

    def on_model_ready(self, event: "ModelReady") -> None:
        self.facts = event.facts
        if event.facts.default_target:
            self.take_default_target(event.facts.default_target)
        self.model_state = ModelState(event.facts.name, "ready")
        spare_heap()

    def on_model_failed(self, event: "ModelFailed") -> None:
        from polyspec.tui.shelf import has_models

        if event.is_loaded:
            self.model_state = ModelState(
                self.facts.name if self.facts else "model", "ready"
            )
        else:
            self.facts = None
            self.model_state = ModelState("no model", "failed")
        if isinstance(event.error, ModelError) and not has_models():
            self.welcome()
        else:
            self.explain(event.error)

    def on_worker_crashed(self, event: "WorkerCrashed") -> None:
        from polyspec.tui.rescue import write_report

        report = write_report(event.error)
        self.explain(
            PolySpecError(
                "something went wrong inside",
                cause=type(event.error).__name__,
                remedy=f"send the report {report}, which holds no text of yours",
            )
        )

    def welcome(self) -> None:
        """Lead somebody who has no model yet."""

    def take_default_target(self, tag: str) -> None:
        """Translate into the language of the settings unless another was chosen."""

    def on_pull_advanced(self, event: "PullAdvanced") -> None:
        self.pull_state = event.state

    def on_pull_ended(self, event: "PullEnded") -> None:
        self.pull_state = None
        if event.error is not None:
            self.explain(event.error)
        elif event.is_stopped:
            self.notify(f"{event.name}: stopped; fetching it again goes on from there")
        else:
            self.notify(f"{event.name} is installed")
            if self.facts is None:
                self.load_model(event.name)

    def explain(self, error: PolySpecError) -> None:
        """Show an error with what to do about it."""
        remedy = name_settings(error.remedy)
        lines = (error.cause, f"→ {remedy}" if remedy else "")
        self.notify(
            "\n".join(filter(None, lines)),
            title=error.problem,
            severity="error",
            timeout=12,
            markup=False,
        )


def name_settings(remedy: str) -> str:
    """A remedy with settings in place of the command line's flags for them."""
    from polyspec.settings import setting_keys

    keys = setting_keys()

    def name(found: "re.Match[str]") -> str:
        key = found[1].replace("-", "_")
        return key if key in keys else found[0]

    named = _FLAG.sub(name, remedy)
    return remedy if named == remedy else f"{named} (settings: f6)"
