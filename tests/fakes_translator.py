"""A translator without a model, for the command line and for a process of its own."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from polyspec import translator as real
from polyspec.catalog.task import ANYTHING, Task
from polyspec.decoding.feedback import Feedback
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.compose import Drafting, require_drafter
from polyspec.engine.ladder import QUICK, Effort
from polyspec.engine.model import Model
from polyspec.engine.target import LlamaTarget
from polyspec.languages import Language
from polyspec.loading import Loaded, silent
from polyspec.paths import data_dir
from polyspec.prompting.interfaces import Completed, CompletionRequest, Piece
from polyspec.prompting.profiles import TRANSLATEGEMMA, Profile
from polyspec.session import Session
from polyspec.settings import Settings
from polyspec.translator import Translator
from polyspec.translator.user_assets import UserAssets
from tests.fakes import ByteTokenizer, FakeTarget
from tests.fakes_completer import FakeCompleter, own_text

ENDLESS = "Endless"
"""What holds this word is answered for ever by an `EndlessCompleter`."""


class FakeTranslator(Translator):
    """Has no model that runs anywhere."""

    def identify_model(self) -> str:
        return "tiny.1234"

    def _check_language(self, source: Language, target: Language) -> None:
        """Capitals are in no other language."""

    def describe_devices(self) -> str:
        return "tiny on paper"


@dataclass
class FakeOpening:
    """Stands in place of `translator.open_translator` and counts its calls."""

    completer: FakeCompleter = field(default_factory=FakeCompleter)
    notes: Sequence[str] = ()
    opened: list[Settings] = field(default_factory=list)
    num_texts: list[int] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    num_closed: int = 0
    profile: Profile = TRANSLATEGEMMA
    has_assets: bool = False
    """Whether memory, glossary and history are at work."""

    @contextmanager
    def __call__(
        self,
        settings: Settings,
        report: Callable[[str], None] = silent,
        *,
        num_texts: int = 1,
        task: Task = ANYTHING,
    ) -> Iterator[Translator]:
        self.num_texts.append(num_texts)
        self.tasks.append(task)
        require_drafter(settings.draft)
        self.opened.append(settings)
        assets = UserAssets(settings, report, data_dir()) if self.has_assets else None
        model = SimpleNamespace(path=Path("tiny.gguf"))
        try:
            yield FakeTranslator(
                settings,
                cast(Loaded, SimpleNamespace(profile=self.profile, model=model)),
                cast(Session, self.completer),
                Drafting("history", Feedback()),
                self.completer.num_places,
                list(self.notes),
                assets=assets,
            )
        finally:
            if assets is not None:
                assets.close()
            self.num_closed += 1


@dataclass
class EndlessCompleter(FakeCompleter):
    """Answers one after another; says on standard error where it will never end."""

    step_s: float = 0.002

    def complete(
        self, requests: Iterable[CompletionRequest]
    ) -> Iterator[Piece | Completed]:
        try:
            for index, request in enumerate(requests):
                if ENDLESS in own_text(request):
                    yield from self._never_end(index)
                yield from self._answer(index, request)
        finally:
            sys.stderr.write("the run was closed\n")

    def _never_end(self, index: int) -> Iterator[Piece]:
        sys.stderr.write("it never ends\n")
        sys.stderr.flush()
        for number in count():
            time.sleep(self.step_s)
            yield Piece(index, f"{number} ")


def run_with(completer: FakeCompleter) -> None:
    """Be `polyspec` with this completer, in a process of its own."""
    from polyspec.cli import main

    real.open_translator = FakeOpening(completer)
    sys.exit(main.main())


@dataclass
class FakeLlamaTarget(FakeTarget):
    """A target of bytes with what measuring asks of a context besides."""

    vocab_size: int = ByteTokenizer.vocab_size
    num_threads: int = 2
    num_closed: int = 0

    def make_sibling(self) -> "FakeLlamaTarget":
        return FakeLlamaTarget(seed=self.seed)

    def close(self) -> None:
        self.num_closed += 1


def make_loaded(cost: StepCost | None = None) -> Loaded:
    """A loaded model that writes bytes at random, the same ones every time."""
    model = SimpleNamespace(
        tokenizer=ByteTokenizer(), path=Path("tiny.gguf"), is_repacked=True
    )
    return Loaded(
        model=cast(Model, model),
        target=cast(LlamaTarget, FakeLlamaTarget()),
        profile=TRANSLATEGEMMA,
        step_cost=cost or StepCost.flat(),
    )


@dataclass
class FakeLoading:
    """Stands in place of `translator.load_model` and counts its calls."""

    loaded: Loaded = field(default_factory=make_loaded)
    settings: list[Settings] = field(default_factory=list)
    num_texts: list[int] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)

    @contextmanager
    def __call__(
        self,
        settings: Settings,
        report: Callable[[str], None] = silent,
        effort: Effort = QUICK,
        num_texts: int = 1,
        task: Task = ANYTHING,
    ) -> Iterator[Loaded]:
        self.settings.append(settings)
        self.num_texts.append(num_texts)
        self.tasks.append(task)
        report("measuring how fast tiny is here, once")
        yield self.loaded
