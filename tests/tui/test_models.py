"""The Models screen and the first run: see, fetch, use."""

import threading
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import OptionList

from polyspec.catalog.download import PullReporter
from polyspec.catalog.manifest import ModelEntry
from polyspec.errors import DownloadError, ModelError
from polyspec.paths import models_dir
from polyspec.tui.app import PolySpecApp
from polyspec.tui.screens.models import ModelsScreen
from polyspec.tui.screens.welcome import WelcomeScreen
from polyspec.tui.widgets.models.card import ModelCard
from tests.fakes_tui import PaperMaker, drive, make_app, wait_until
from tests.gguf_files import gguf

NO_MODEL = ModelError("no model is installed", remedy="polyspec models pull")


def install(name: str) -> Path:
    path = models_dir() / f"{name}.gguf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gguf())
    return path


class PaperPull:
    """A download that waits in its middle."""

    def __init__(self, error: DownloadError | None = None) -> None:
        self.gate = threading.Event()
        self.names: list[str] = []
        self._error = error

    def __call__(self, entry: ModelEntry, reporter: PullReporter) -> None:
        self.names.append(entry.name)
        reporter.note("the licence is free")
        reporter.advance("downloading", 5, 10)
        self.gate.wait(10)
        if self._error is not None:
            raise self._error
        reporter.advance("verifying", 10, 10)
        install(entry.name)


async def open_models(pilot: Pilot[int], app: PolySpecApp) -> ModelsScreen:
    await pilot.press("f5")
    await wait_until(pilot, lambda: isinstance(app.screen, ModelsScreen))
    screen = app.screen
    assert isinstance(screen, ModelsScreen)
    options = screen.query_one(OptionList)
    await wait_until(pilot, lambda: options.option_count > 0)
    return screen


async def mark(pilot: Pilot[int], screen: ModelsScreen, name: str) -> None:
    names = [model.name for model in screen._models]
    screen.query_one(OptionList).highlighted = names.index(name)
    card = screen.query_one(ModelCard)
    await wait_until(pilot, lambda: card.row is not None and card.row.name == name)


def test_models_are_listed_with_their_state() -> None:
    install("my-own")
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_models(pilot, app)
        await mark(pilot, screen, "my-own")
        card = screen.query_one(ModelCard)
        assert card.row is not None
        assert card.row.state == "installed"
        await wait_until(pilot, lambda: card.tables is not None)
        await mark(pilot, screen, "gemma-3-270m")
        assert card.row.state == "available"

    drive(app, steps)


def test_an_installed_model_is_put_to_use() -> None:
    install("my-own")
    maker = PaperMaker()
    app = make_app(maker)

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_models(pilot, app)
        await mark(pilot, screen, "my-own")
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.model_state.text == "my-own")
        assert maker.opened[-1].model == "my-own"
        assert maker.num_closed == 1
        card = screen.query_one(ModelCard)
        await wait_until(
            pilot, lambda: card.row is not None and card.row.state == "in use"
        )
        await pilot.press("ctrl+d")
        await wait_until(pilot, lambda: maker.opened[-1].draft == "model:my-own")

    drive(app, steps)


def test_a_model_is_fetched_with_progress() -> None:
    pull = PaperPull()
    app = make_app(pull=pull)

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_models(pilot, app)
        await mark(pilot, screen, "gemma-3-270m")
        await pilot.press("enter")
        await wait_until(
            pilot,
            lambda: app.pull_state is not None and app.pull_state.done_bytes == 5,
        )
        pull.gate.set()
        await wait_until(pilot, lambda: app.pull_state is None)
        await wait_until(
            pilot,
            lambda: any(
                model.name == "gemma-3-270m" and model.is_installed
                for model in screen._models
            ),
        )

    drive(app, steps)
    assert pull.names == ["gemma-3-270m"]


def test_a_download_can_be_stopped() -> None:
    pull = PaperPull()
    app = make_app(pull=pull)

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_models(pilot, app)
        await mark(pilot, screen, "gemma-3-270m")
        await pilot.press("ctrl+n")
        await wait_until(pilot, lambda: bool(pull.names))
        await pilot.press("escape")
        pull.gate.set()
        await wait_until(pilot, lambda: app.pull_state is None)
        assert any("goes on" in note.message for note in app._notifications)

    drive(app, steps)


def test_a_failed_download_is_explained() -> None:
    pull = PaperPull(DownloadError("it broke", remedy="try again"))
    pull.gate.set()
    app = make_app(pull=pull)

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_models(pilot, app)
        await mark(pilot, screen, "gemma-3-270m")
        await pilot.press("ctrl+n")
        await wait_until(
            pilot, lambda: any("broke" in note.title for note in app._notifications)
        )
        assert screen.is_active

    drive(app, steps)


def test_the_first_run_fetches_what_suits_with_one_key() -> None:
    pull = PaperPull()
    pull.gate.set()
    maker = PaperMaker(error=NO_MODEL)
    app = make_app(maker, pull=pull)

    async def steps(pilot: Pilot[int]) -> None:
        await wait_until(pilot, lambda: isinstance(app.screen, WelcomeScreen))
        welcome = app.screen
        assert isinstance(welcome, WelcomeScreen)
        await wait_until(pilot, lambda: welcome._suggestion is not None)
        maker.error = None
        await pilot.press("enter")
        await wait_until(pilot, lambda: app.model_state.mood == "ready")
        assert pull.names == [app.model_state.text]

    drive(app, steps)


def test_the_first_run_can_be_put_off() -> None:
    app = make_app(PaperMaker(error=NO_MODEL))

    async def steps(pilot: Pilot[int]) -> None:
        await wait_until(pilot, lambda: isinstance(app.screen, WelcomeScreen))
        await pilot.press("m")
        await wait_until(pilot, lambda: isinstance(app.screen, ModelsScreen))

    drive(app, steps)
