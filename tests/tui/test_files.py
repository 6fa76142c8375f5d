"""The Files screen: a queue that steps back for whoever types."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import DirectoryTree, Input

from polyspec.cli.main import main
from polyspec.prompting.interfaces import Completed, CompletionRequest, Piece
from polyspec.tui.app import PolySpecApp
from polyspec.tui.file_jobs import name_output
from polyspec.tui.remembered import Remembered
from polyspec.tui.screens.browse import BrowseScreen
from polyspec.tui.screens.files import FilesScreen
from polyspec.tui.screens.translate import TranslateScreen
from polyspec.tui.widgets.queue.report import FileReport
from tests.fakes_completer import FakeCompleter, own_text
from tests.fakes_translator import FakeOpening
from tests.fakes_tui import PaperMaker, drive, make_app, wait_until

SLOW = "slow"


class SlowCompleter(FakeCompleter):
    """Waits in the middle of what holds the word `slow`."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.begun = threading.Event()

    def _answer(
        self, index: int, request: CompletionRequest
    ) -> Iterator[Piece | Completed]:
        for event in super()._answer(index, request):
            yield event
            if SLOW in own_text(request):
                self.begun.set()
                self.gate.wait(0.02)


async def open_files(pilot: Pilot[int], app: PolySpecApp) -> FilesScreen:
    await pilot.press("f4")
    await wait_until(pilot, lambda: isinstance(app.screen, FilesScreen))
    screen = app.screen
    assert isinstance(screen, FilesScreen)
    return screen


async def add(pilot: Pilot[int], screen: FilesScreen, path: Path | str) -> None:
    screen.query_one("#path", Input).value = str(path)
    screen.query_one("#path", Input).focus()
    await pilot.press("enter")


def states(screen: FilesScreen) -> list[str]:
    return [item.state for item in screen.items]


def test_a_file_is_translated_beside_itself(tmp_path: Path) -> None:
    source = tmp_path / "letter.txt"
    source.write_text("good morning\n\ngood night\n" * 200, "utf-8")
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_files(pilot, app)
        await add(pilot, screen, f"'{source}'")
        await wait_until(pilot, lambda: states(screen) == ["done"])
        report = dict(screen.query_one(FileReport).facts)
        assert report["state"] == "done"
        assert screen.items[0].row.share == 1.0

    drive(app, steps)
    written = (tmp_path / "letter.fr.txt").read_text("utf-8")
    assert written == source.read_text("utf-8").upper()


def test_a_file_steps_back_for_whoever_types(tmp_path: Path) -> None:
    source = tmp_path / "long.txt"
    source.write_text(f"this one is {SLOW}\n" * 6, "utf-8")
    completer = SlowCompleter()
    app = make_app(PaperMaker(completer))

    async def steps(pilot: Pilot[int]) -> None:
        files = await open_files(pilot, app)
        await add(pilot, files, source)
        await wait_until(pilot, completer.begun.is_set)
        await pilot.press("f2")
        screen = app.screen
        assert isinstance(screen, TranslateScreen)
        screen.source.put_in("quick")
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: screen.target.text == "QUICK")
        assert states(files) != ["done"]
        completer.gate.set()
        await wait_until(pilot, lambda: states(files) == ["done"])

    drive(app, steps)
    written = (tmp_path / "long.fr.txt").read_text("utf-8")
    assert written == source.read_text("utf-8").upper()


def test_a_file_can_be_paused_resumed_and_removed(tmp_path: Path) -> None:
    source = tmp_path / "long.txt"
    source.write_text(f"this one is {SLOW}\n" * 6, "utf-8")
    completer = SlowCompleter()
    app = make_app(PaperMaker(completer))

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_files(pilot, app)
        await add(pilot, screen, source)
        await wait_until(pilot, completer.begun.is_set)
        await pilot.press("ctrl+t")
        assert states(screen) == ["paused"]
        await wait_until(pilot, lambda: completer.num_closed == 1)
        completer.gate.set()
        await pilot.press("ctrl+t")
        await wait_until(pilot, lambda: states(screen) == ["done"])
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: states(screen) == ["done", "done"])
        await pilot.press("f8")
        assert states(screen) == ["done"]

    drive(app, steps)
    assert (tmp_path / "long.fr-2.txt").is_file()


def test_a_binary_file_fails_and_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "picture.txt"
    source.write_bytes(b"\x89PNG\0\0" * 50)
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_files(pilot, app)
        await add(pilot, screen, source)
        await wait_until(pilot, lambda: states(screen) == ["failed"])
        report = dict(screen.query_one(FileReport).facts)
        assert "encoding" in report["cause"]

    drive(app, steps)
    assert sorted(tmp_path.iterdir()) == [source]


def test_a_path_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_files(pilot, app)
        await add(pilot, screen, tmp_path / "missing.txt")
        await wait_until(pilot, lambda: "no file" in screen.status.message)
        assert not screen.items

    drive(app, steps)


def test_a_file_is_found_by_browsing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "letter.txt").write_text("good\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_files(pilot, app)
        await pilot.press("ctrl+o")
        await wait_until(pilot, lambda: isinstance(app.screen, BrowseScreen))
        tree = app.screen.query_one(DirectoryTree)
        await wait_until(pilot, lambda: len(tree.root.children) == 1)
        await pilot.press("down", "enter")
        await wait_until(pilot, lambda: states(screen) == ["done"])

    drive(app, steps)


def test_outputs_never_take_the_place_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    assert name_output(path, "fr").name == "a.fr.txt"
    (tmp_path / "a.fr.txt").touch()
    second = name_output(path, "fr")
    assert second.name == "a.fr-2.txt"
    assert name_output(path, "fr", [second]).name == "a.fr-3.txt"


@pytest.mark.parametrize(
    ("name", "content", "translated", "title"),
    [
        (
            "a.md",
            "# Good day\n\nSee `this`.\n",
            "# GOOD DAY\n\nSEE `this`.\n",
            "Markdown",
        ),
        (
            "a.srt",
            "1\n00:00:01,000 --> 00:00:02,000\nGood day\n",
            "1\n00:00:01,000 --> 00:00:02,000\nGOOD DAY\n",
            "SubRip",
        ),
        ("a.json", '{"greeting": "Good day"}\n', '{"greeting": "GOOD DAY"}\n', "JSON"),
    ],
)
def test_documents_keep_their_form(
    tmp_path: Path, name: str, content: str, translated: str, title: str
) -> None:
    source = tmp_path / name
    source.write_text(content, "utf-8")
    app = make_app()

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_files(pilot, app)
        await add(pilot, screen, source)
        await wait_until(pilot, lambda: states(screen) == ["done"])
        report = dict(screen.query_one(FileReport).facts)
        assert title in report["format"]

    drive(app, steps)
    (output,) = (path for path in tmp_path.iterdir() if path != source)
    assert output.read_text("utf-8") == translated


def test_a_later_run_of_the_program_goes_on_where_a_file_was(tmp_path: Path) -> None:
    source = tmp_path / "long.txt"
    source.write_text(f"done at once\nthis one is {SLOW}\n" * 3, "utf-8")
    completer = SlowCompleter()
    app = make_app(PaperMaker(completer))

    async def leave_half_way(pilot: Pilot[int]) -> None:
        screen = await open_files(pilot, app)
        await add(pilot, screen, source)
        await wait_until(
            pilot, lambda: any(item.facts.num_segments for item in screen.items)
        )

    drive(app, leave_half_way)
    num_asked = len(completer.requests)
    assert sorted(tmp_path.iterdir()) == [source]
    second = FakeCompleter()
    again = make_app(PaperMaker(second))

    async def go_on(pilot: Pilot[int]) -> None:
        screen = await open_files(pilot, again)
        await add(pilot, screen, source)
        await wait_until(pilot, lambda: states(screen) == ["done"])

    drive(again, go_on)
    assert num_asked > 0
    assert len(second.requests) < 6
    written = (tmp_path / "long.fr.txt").read_text("utf-8")
    assert written == source.read_text("utf-8").upper()


def test_the_command_line_goes_on_where_the_interface_was(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = tmp_path / "long.txt"
    source.write_text(f"done at once\nthis one is {SLOW}\n" * 3, "utf-8")
    app = make_app(PaperMaker(SlowCompleter()))

    async def leave_half_way(pilot: Pilot[int]) -> None:
        screen = await open_files(pilot, app)
        await add(pilot, screen, source)
        await wait_until(
            pilot, lambda: any(item.facts.num_segments for item in screen.items)
        )

    drive(app, leave_half_way)
    second = FakeCompleter()
    monkeypatch.setattr("polyspec.translator.open_translator", FakeOpening(second))
    output = tmp_path / "long.fr.txt"
    command = ["translate", "--in", source, "-o", output, "--from", "eng", "--to", "fr"]
    assert main([str(word) for word in command]) == 0
    assert "going on with" in capsys.readouterr().err
    assert 0 < len(second.requests) < 6
    assert output.read_text("utf-8") == source.read_text("utf-8").upper()


def test_a_document_tells_its_own_language(tmp_path: Path) -> None:
    source = tmp_path / "brief.txt"
    source.write_text("Die Bibliothek ist am Sonntag leider geschlossen.\n", "utf-8")
    app = make_app(remembered=Remembered("en", "fr"))

    async def steps(pilot: Pilot[int]) -> None:
        screen = await open_files(pilot, app)
        await add(pilot, screen, source)
        await wait_until(pilot, lambda: states(screen) == ["done"])
        report = screen.query_one(FileReport).facts
        assert ("languages", "auto → fr") in report
        assert any("German" in value for _, value in report)
        assert app.model_state.mood == "ready"

    drive(app, steps)
