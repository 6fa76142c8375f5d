"""A queue of documents, translated behind whatever else is done."""

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from polyspec.errors import PolySpecError
from polyspec.languages import Language
from polyspec.tui.bindings import bind
from polyspec.tui.file_jobs import FileAdvanced, FileEnded, FileJob, name_output
from polyspec.tui.file_queue import QueuedFile, read_path
from polyspec.tui.screens.room import Room
from polyspec.tui.widgets.language_bar import describe_language
from polyspec.tui.widgets.queue.report import FileReport


class FileList(OptionList):
    """The queue, one file a line."""

    HELP = (
        "Files in the order in which they are translated. They step back while you "
        "translate something else, and nothing is written before a file is complete."
    )


class FilesScreen(Room):
    """Where a path goes in, the queue, and the report on the marked file."""

    NAME = "files"
    AUTO_FOCUS = "#path"
    BINDINGS = [
        bind("ctrl+o", "browse", "Browse", "Look for a file", "files.browse"),
        bind("ctrl+l", "pick", "Into", "Pick the target language", "files.into"),
        bind("ctrl+t", "pause", "Pause", "Pause, or go on", "files.pause"),
        bind("ctrl+r", "retry", "Retry", "Translate the file again", "files.retry"),
        bind("f8", "remove", "Remove", "Take it from the queue", "files.remove"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.items: list[QueuedFile] = []

    def compose_room(self) -> ComposeResult:
        with Container(id="desk"):
            with Vertical(id="queue") as queue:
                queue.border_title = "queue"
                yield Input(
                    placeholder="path of a document, or drop it here",
                    compact=True,
                    id="path",
                )
                yield FileList(id="file-list", compact=True)
            with VerticalScroll(id="report-side") as side:
                side.border_title = "report"
                yield FileReport(id="report")

    def on_mount(self) -> None:
        super().on_mount()
        self.watch(self.app, "files_waiting", self._take_waiting)
        self.watch(self.app, "languages", self._show_languages)

    # What the user does

    @on(Input.Submitted)
    def add_typed(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip() and self._add(event.value):
            event.input.clear()

    @on(OptionList.OptionHighlighted)
    def show_marked(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._show_report()

    def action_browse(self) -> None:
        """Walk through folders."""
        from polyspec.tui.screens.browse import BrowseScreen

        def take(path: str | None) -> None:
            if path:
                self._add(path)

        self.app.push_screen(BrowseScreen(Path.cwd()), take)

    def action_pick(self) -> None:
        """Pick the language that files added from now on are translated into."""
        self.ui.pick_language(False, self._take_language)

    def action_pause(self) -> None:
        """Pause the marked file, or go on with it."""
        item = self._marked
        if item is None:
            self.status.show("there is no file to pause")
            return
        if item.state in ("waiting", "running"):
            item.job.hold()
            item.state = "paused"
        elif item.state == "paused":
            item.job.release()
            item.state = "waiting"
            self.ui.worker.submit(item.job)
        else:
            self.status.show(f"{item.path.name} is {item.state}: nothing to pause")
        self._show()

    def action_retry(self) -> None:
        """Translate the marked file once more, into a name of its own."""
        item = self._marked
        if item is not None and item.state in ("done", "failed"):
            self._add(str(item.path))
        else:
            self.status.show("only a file that is done or failed is tried again")

    def action_remove(self) -> None:
        """Take the marked file from the queue; what is written stays."""
        item = self._marked
        if item is not None:
            item.job.hold()
            self.items.remove(item)
            self._show()

    # What the model says

    @on(FileAdvanced)
    def advance(self, event: FileAdvanced) -> None:
        event.stop()
        item = self._find(event.number)
        if item is not None and item.state != "paused":
            item.facts = event.facts
            item.state = "running"
            self._show()

    @on(FileEnded)
    def end(self, event: FileEnded) -> None:
        event.stop()
        item = self._find(event.number)
        if item is None:
            return
        item.error = event.error
        item.state = "failed" if event.error is not None else "done"
        self._show()
        if event.error is None:
            self.app.notify(f"{item.path.name} is translated: {item.job.output.name}")
        else:
            self.show_problem(event.error)

    # How it looks

    @property
    def _marked(self) -> QueuedFile | None:
        index = self.query_one(FileList).highlighted
        return self.items[index] if index is not None and self.items else None

    def _find(self, number: int) -> QueuedFile | None:
        return next((item for item in self.items if item.job.number == number), None)

    def _add(self, typed: str) -> bool:
        target = self.ui.languages.target
        if target is None:
            self.action_pick()
            return False
        try:
            path = read_path(typed)
            encoding = self.ui.settings().encoding
        except PolySpecError as error:
            self.show_problem(error)
            return False
        taken = [item.job.output for item in self.items]
        job = FileJob(
            self.post_message,
            self.ui.next_run(),
            path,
            name_output(path, target.tag, taken),
            "auto" if self.ui.languages.detects else self.ui.languages.source.tag,
            target.tag,
            encoding if encoding != "utf-8" else None,
        )
        self.items.append(QueuedFile(job))
        self.ui.worker.submit(job)
        self._show(len(self.items) - 1)
        return True

    def _take_waiting(self, paths: tuple[Path, ...]) -> None:
        if paths:
            self.ui.files_waiting = ()
            for path in paths:
                self._add(str(path))

    def _take_language(self, _language: Language) -> None:
        self.status.show("files added from now on go into this language")

    def _show_languages(self) -> None:
        languages = self.ui.languages
        target = describe_language(languages.target) if languages.target else "?"
        source = describe_language(languages.source)
        if languages.detects:
            source = "each file's own language"
        self.query_one("#queue").border_subtitle = f"{source} → {target}"

    def _show(self, marked: int | None = None) -> None:
        options = self.query_one(FileList)
        if marked is None:
            marked = options.highlighted or 0
        if options.option_count == len(self.items):
            for index, item in enumerate(self.items):
                options.replace_option_prompt_at_index(index, item.row.render())
        else:
            options.clear_options()
            options.add_options(Option(item.row.render()) for item in self.items)
        if self.items:
            options.highlighted = min(marked, len(self.items) - 1)
        self._show_report()

    def _show_report(self) -> None:
        item = self._marked
        self.query_one(FileReport).facts = item.report() if item is not None else ()
