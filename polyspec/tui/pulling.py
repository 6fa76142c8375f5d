"""Downloads, one at a time, on a thread that only posts how far it has come."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual.message import Message

from polyspec.errors import PolySpecError

if TYPE_CHECKING:
    from polyspec.catalog.download import PullReporter
    from polyspec.catalog.manifest import ModelEntry

_FRAME_S = 0.1
PullModel = Callable[["ModelEntry", "PullReporter"], object]


@dataclass(frozen=True, slots=True)
class PullState:
    """How far a download is."""

    name: str
    stage: str = "starting"
    done_bytes: int = 0
    total_bytes: int | None = None
    note: str = ""


@dataclass
class PullAdvanced(Message):
    """A download got on."""

    state: PullState


@dataclass
class PullEnded(Message):
    """A download is over: installed, stopped, or failed."""

    name: str
    is_stopped: bool = False
    error: PolySpecError | None = None


class _Stopped(Exception):  # nothing went wrong
    """The user stopped the download."""


class Puller:
    """Fetches one model; what was fetched stays when it is stopped."""

    def __init__(self, post: Callable[[Message], object], pull: PullModel) -> None:
        self._post = post
        self._pull = pull
        self._is_stopped = threading.Event()
        self._state: PullState | None = None
        self._told_s = 0.0

    @property
    def is_running(self) -> bool:
        """Whether a download is under way."""
        return self._state is not None

    def start(self, name: str) -> None:
        """Begin to fetch a model of the catalogue, unless another is on its way."""
        if self._state is None:
            self._is_stopped.clear()
            self._state = PullState(name)
            self._post(PullAdvanced(self._state))
            # A daemon: leaving the program does not wait for the network.
            threading.Thread(
                target=self._run, args=(name,), name="pull", daemon=True
            ).start()

    def stop(self) -> None:
        """Stop; a later start goes on from there."""
        self._is_stopped.set()

    def note(self, text: str) -> None:
        """Something that the user should know, told by the download."""
        if self._state is not None:
            self._tell(replace(self._state, note=text))

    def advance(self, stage: str, done_bytes: int, total_bytes: int | None) -> None:
        """How far a stage has come, told by the download."""
        if self._is_stopped.is_set():
            raise _Stopped
        state = self._state
        if state is None:
            return
        if state.stage != stage or time.monotonic() - self._told_s >= _FRAME_S:
            self._tell(
                replace(
                    state, stage=stage, done_bytes=done_bytes, total_bytes=total_bytes
                )
            )

    def _tell(self, state: PullState) -> None:
        self._state = state
        self._told_s = time.monotonic()
        self._post(PullAdvanced(state))

    def _run(self, name: str) -> None:
        from polyspec.catalog.store import catalogued_model

        ended = PullEnded(name)
        try:
            self._pull(catalogued_model(name), self)
        except _Stopped:
            ended.is_stopped = True
        except PolySpecError as error:
            ended.error = error
        finally:
            self._state = None
            self._post(ended)


def pull_from_catalogue(entry: "ModelEntry", reporter: "PullReporter") -> object:
    """Fetch for real; the only thing in the interface that uses the network."""
    from polyspec.catalog.download import pull_model

    return pull_model(entry, reporter)
