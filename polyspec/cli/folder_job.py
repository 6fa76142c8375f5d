"""All documents of a folder translated into another folder of the same structure."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from polyspec.cli import diagnostics
from polyspec.cli.active_time import ActiveClock
from polyspec.cli.document_choice import DocumentChoice
from polyspec.cli.document_job import DocumentJob, JobProgress, run_job
from polyspec.cli.done_files import DoneFiles
from polyspec.cli.folder_files import FileFilter, Watch, find_files, stamp_files
from polyspec.cli.job_journal import has_journal
from polyspec.cli.job_tally import DocumentSize, Tally, measure
from polyspec.cli.model_choice import describe_task
from polyspec.cli.report_file import write_report
from polyspec.cli.run_stats import show_stats
from polyspec.errors import DocumentError, UsageError

if TYPE_CHECKING:
    from polyspec.settings import Settings
    from polyspec.translator import Translator

_MAX_NAMED = 20
_MANY_SEGMENTS = 10_000
"""What a folder is taken to have, before any of its files is read."""
_LOOK_S = 1.0
"""Between two looks at a folder that is watched."""


@dataclass(frozen=True, slots=True)
class FolderJob:
    """A folder to be translated into another."""

    source: Path
    target: Path
    choice: DocumentChoice = field(default_factory=DocumentChoice)
    wanted: FileFilter = field(default_factory=FileFilter)
    copies_others: bool = False
    """Whether files of no known format are copied, instead of left out."""
    is_anew: bool = False
    num_jobs: int = 1
    """So many documents share the places of the model."""


def translate_folder(
    settings: "Settings",
    job: FolderJob,
    *,
    has_stats: bool = False,
    report: Path | None = None,
) -> None:
    """Translate what is in a folder; what fails does not stop the rest.

    Raises:
        DocumentError: At least one document could not be translated.
    """
    with _open_run(settings, job) as run:
        run.take(find_files(job.source, job.wanted, job.target))
        run.tell(has_stats=has_stats, report=report)


def watch_folder(
    settings: "Settings", job: FolderJob, *, report: Path | None = None
) -> None:
    """Translate what is in a folder and what comes or changes, until Ctrl-C.

    A file is taken once it stayed as it is from one look to the next.
    """
    watch = Watch(
        lambda: stamp_files(job.source, find_files(job.source, job.wanted, job.target))
    )
    with _open_run(settings, job) as run:
        diagnostics.note(f"watching {job.source}; Ctrl-C ends it")
        while True:
            changed = watch.take_changed()
            if changed:
                run.take(changed)
                run.tell(report=report, is_watching=True)
            time.sleep(_LOOK_S)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A document that was read and waits for its translation."""

    path: Path
    """Below the folder."""
    target: Path
    job: DocumentJob
    size: DocumentSize
    facts: dict[str, str]


class FolderRun:
    """The documents of a folder, one after another."""

    def __init__(
        self, translator: "Translator", job: FolderJob, clock: ActiveClock
    ) -> None:
        self._translator = translator
        self._job = job
        self._clock = clock
        self._elapsed_s = 0.0
        """Spent on documents; a folder that is watched is mostly waited for."""
        self._done = DoneFiles(job.target, is_anew=job.is_anew)
        self._tally = Tally(is_of_many=True)
        self._failed: dict[Path, DocumentError | UsageError] = {}
        self._num_done = 0
        self._num_others = 0
        self._num_before = 0

    def take(self, paths: list[Path]) -> None:
        """Translate files, given relative to the folder."""
        started_s = self._clock()
        with diagnostics.progress_if_terminal(
            "translating", len(paths), "files", self._clock
        ) as bar:
            ready: list[_Ready] = []
            for number, path in enumerate(paths, 1):
                bar.stage(str(path))
                with self._note_failure(path):
                    ready += self._prepare(path)
                if len(ready) == self._job.num_jobs or number == len(paths):
                    self._translate_all(ready)
                    ready = []
                    bar.update(number)
        self._elapsed_s += self._clock() - started_s

    def tell(
        self,
        *,
        has_stats: bool = False,
        report: Path | None = None,
        is_watching: bool = False,
    ) -> None:
        """Sum up; raises `DocumentError` where documents failed, unless watching."""
        parts = [f"{self._num_done} documents translated"]
        if self._num_before:
            parts.append(f"{self._num_before} were there from an earlier run")
        if self._num_others:
            word = "copied" if self._job.copies_others else "of no known format"
            parts.append(f"{self._num_others} files {word}")
        if self._failed:
            parts.append(f"{len(self._failed)} failed")
        diagnostics.note(", ".join(parts))
        if self._num_done:
            self._tally.tell(self._elapsed_s)
        if has_stats:
            show_stats(self._tally.stats, self._translator, self._elapsed_s)
        if report is not None:
            write_report(report, self._tally)
        if not is_watching:
            self._require_success()

    def _translate_all(self, ready: list["_Ready"]) -> None:
        """Translate documents that may share the places of the model."""
        fresh = [
            one.job.document
            for one in ready
            if one.size.num_translatable and not has_journal(one.target)
        ]
        with self._translator.side_by_side(fresh):
            for one in ready:
                with self._note_failure(one.path):
                    self._translate(one)

    def _prepare(self, path: Path) -> list["_Ready"]:
        """A document that is to be translated, if the file is one."""
        source, target = self._job.source / path, self._job.target / path
        if not self._job.choice.knows(source):
            self._num_others += 1
            if self._job.copies_others:
                _make_folder(target)
                _copy(source, target)
            return []
        from polyspec.translator.job_facts import job_facts

        facts = job_facts(source, self._job.choice.facts(), self._translator)
        if self._done.holds(path, facts):
            self._num_before += 1
            return []
        document = self._job.choice.open(source, self._translator.settings)
        for note in document.notes:
            diagnostics.note(note)
        job = DocumentJob(
            source, target, document, self._job.choice, is_anew=self._job.is_anew
        )
        return [_Ready(path, target, job, measure(document), facts)]

    def _translate(self, one: "_Ready") -> None:
        _make_folder(one.target)
        if one.size.num_translatable:
            bar = diagnostics.SILENT
            progress = JobProgress(bar, one.size, self._tally, self._clock)
            run_job(self._translator, one.job, self._tally, progress)
        else:
            _copy(one.job.source, one.target)
        self._num_done += 1
        self._failed.pop(one.path, None)
        if not self._translator.settings.private:
            self._done.add(one.path, one.facts)

    @contextmanager
    def _note_failure(self, path: Path) -> Iterator[None]:
        try:
            yield
        except (DocumentError, UsageError) as error:
            self._fail(path, error)

    def _fail(self, path: Path, error: DocumentError | UsageError) -> None:
        self._failed[path] = error
        if len(self._failed) <= _MAX_NAMED:
            cause = f": {error.cause}" if error.cause else ""
            diagnostics.note(f"{path}: {error.problem}{cause}")

    def _require_success(self) -> None:
        if self._failed:
            raise DocumentError(
                f"{len(self._failed)} documents could not be translated",
                cause=", ".join(map(str, list(self._failed)[:_MAX_NAMED])),
                remedy="run the same command again when they are mended; the others "
                "are kept",
            )
        self._done.remove()


@contextmanager
def _open_run(settings: "Settings", job: FolderJob) -> Iterator[FolderRun]:
    from polyspec.translator import open_translator

    clock = ActiveClock()
    task = describe_task(settings)
    with (
        clock.notice_pauses(),
        open_translator(
            settings, diagnostics.note, num_texts=_MANY_SEGMENTS, task=task
        ) as it,
    ):
        for note in it.notes:
            diagnostics.note(note)
        yield FolderRun(it, job, clock)


def _make_folder(target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DocumentError(
            f"cannot make the folder {target.parent}",
            cause=(error.strerror or str(error)).lower(),
            remedy="choose another folder",
        ) from error


def _copy(source: Path, target: Path) -> None:
    from polyspec.documents.output_file import open_binary_output
    from polyspec.documents.plain_text import open_bytes

    with open_bytes(source) as old, open_binary_output(target) as new:
        shutil.copyfileobj(old, new)
