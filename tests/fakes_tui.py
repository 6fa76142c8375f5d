"""The interface with a translator that needs no model."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from textual.pilot import Pilot

from polyspec.decoding.feedback import Feedback
from polyspec.decoding.step_cost import StepCost
from polyspec.drafting.compose import Drafting
from polyspec.prompting.profiles import TRANSLATEGEMMA, Profile
from polyspec.session import Session
from polyspec.settings import Settings
from polyspec.translator import Loaded, Translator
from polyspec.tui.app import PolySpecApp
from polyspec.tui.interface_file import Interface
from polyspec.tui.pulling import PullModel
from polyspec.tui.remembered import Remembered
from tests.fakes_completer import FakeCompleter
from tests.fakes_translator import FakeTranslator

LADDER = StepCost.from_samples({1: 0.02, 2: 0.026, 4: 0.034, 8: 0.056, 16: 0.09})
BOTH = Remembered("en", "fr", ("fr", "de"), detects=False)


@dataclass
class PaperMaker:
    """Makes translators that answer with a script; `error` is raised on opening."""

    completer: FakeCompleter = field(default_factory=FakeCompleter)
    error: Exception | None = None
    opened: list[Settings] = field(default_factory=list)
    num_closed: int = 0
    profile: Profile = TRANSLATEGEMMA

    @contextmanager
    def open(
        self, settings: Settings, report: Callable[[str], None]
    ) -> Iterator[Translator]:
        self.opened.append(settings)
        report("measuring how fast tiny is here, once")
        if self.error is not None:
            raise self.error
        try:
            yield self._make(settings)
        finally:
            self.num_closed += 1

    @contextmanager
    def _join(self, settings: Settings) -> Iterator[Translator]:
        yield self._make(settings)

    def rejoin(
        self, translator: Translator, settings: Settings
    ) -> AbstractContextManager[Translator]:
        self.opened.append(settings)
        return self._join(settings)

    def _make(self, settings: Settings) -> Translator:
        name = settings.model or "tiny"
        loaded = SimpleNamespace(
            profile=self.profile,
            model=SimpleNamespace(path=Path(f"{name}.gguf")),
            step_cost=LADDER,
        )
        return FakeTranslator(
            settings,
            cast(Loaded, loaded),
            cast(Session, self.completer),
            Drafting(settings.draft, Feedback()),
            self.completer.num_places,
        )


class PaperApp(PolySpecApp):
    """Takes as much memory on every machine."""

    def memory_bytes(self) -> int:
        return 712_000_000


def make_app(
    maker: PaperMaker | None = None,
    *,
    theme: str = "polyspec-dark",
    remembered: Remembered = BOTH,
    pull: PullModel | None = None,
    **overrides: Any,
) -> PolySpecApp:
    """The application, as it starts for somebody with these choices."""
    interface = Interface(theme=theme)
    return PaperApp(maker or PaperMaker(), interface, remembered, overrides, pull=pull)


def drive(
    app: PolySpecApp,
    steps: Callable[[Pilot[int]], Awaitable[None]],
    size: tuple[int, int] = (120, 40),
) -> None:
    """Run the application without a terminal and do something with it."""

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await steps(pilot)
        assert app.worker.stop(5)

    asyncio.run(run())


async def wait_until(
    pilot: Pilot[int], is_true: Callable[[], bool], limit_s: float = 10
) -> None:
    """Let the application go on until something is true."""
    clock = asyncio.get_running_loop().time
    until = clock() + limit_s
    while not is_true():
        assert clock() < until, "it did not come true in time"
        await pilot.pause(0.02)


def keep_in_history(source: str, target: str, text: str, translation: str) -> None:
    """Have a translation in the history, as if it had been asked for."""
    from polyspec.assets.database import Database, assets_path
    from polyspec.assets.history import History
    from polyspec.assets.language_pair import LanguagePair

    with Database(assets_path(), lambda _: None) as database:
        History(database, lambda: 1_800_000_000).add(
            LanguagePair(source, target), text, translation, model="tiny"
        )
