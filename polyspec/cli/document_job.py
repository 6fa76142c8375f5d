"""A document translated from file to file for `polyspec translate`."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from polyspec.cli import diagnostics, output
from polyspec.cli.active_time import ActiveClock
from polyspec.cli.document_choice import DocumentChoice
from polyspec.cli.job_journal import open_journal
from polyspec.cli.job_tally import DocumentSize, Tally, measure
from polyspec.cli.model_choice import describe_task
from polyspec.cli.report_file import write_report
from polyspec.cli.run_stats import show_stats

if TYPE_CHECKING:
    from polyspec.documents.interfaces import Document
    from polyspec.settings import Settings
    from polyspec.translation.journal import Journal
    from polyspec.translation.units import TranslatedUnit
    from polyspec.translator import Translator


@dataclass(frozen=True, slots=True)
class DocumentJob:
    """One file to be translated into another."""

    source: Path
    output: Path | None
    """None and `-` write to standard output."""
    document: "Document"
    choice: DocumentChoice = field(default_factory=DocumentChoice)
    is_anew: bool = False
    """Whether to drop what an earlier run did."""

    @property
    def target(self) -> Path | None:
        """The file to be written; None for standard output."""
        is_file = self.output is not None and str(self.output) != "-"
        return self.output if is_file else None


def translate_document(
    settings: "Settings",
    job: DocumentJob,
    *,
    has_stats: bool = False,
    report: Path | None = None,
) -> None:
    """Translate a document into a file, or to standard output.

    What went wrong in a segment is told as it happens, and how many there were at the
    end. A job that writes a file goes on where an earlier run of it was stopped.
    """
    from polyspec.translator import open_translator, read_beginning

    for note in job.document.notes:
        diagnostics.note(note)
    # Read to its end, so that a malformed one is refused before hours of work.
    size = measure(job.document)
    tally, clock = Tally(), ActiveClock()
    if not size.num_translatable:
        diagnostics.note("there is nothing to translate in the document")
        with _open_sink(job.target, None) as sink:
            job.document.write(sink, lambda _: None)
    else:
        task = describe_task(settings, read_beginning(job.document))
        with (
            clock.notice_pauses(),
            open_translator(
                settings,
                diagnostics.note,
                num_texts=size.num_translatable,
                task=task,
            ) as it,
        ):
            for note in it.notes:
                diagnostics.note(note)
            started_s = clock()
            with _show_progress(job.target, size, clock) as bar:
                run_job(it, job, tally, JobProgress(bar, size, tally, clock))
            if has_stats:
                show_stats(tally.stats, it, clock() - started_s)
        tally.tell(clock() - started_s)
    if report is not None:
        write_report(report, tally)


class JobProgress:
    """Says how far a run is: segments, words, tokens a second, flags."""

    def __init__(
        self,
        bar: diagnostics.Progress,
        size: DocumentSize,
        tally: Tally,
        clock: ActiveClock,
    ) -> None:
        self._bar = bar
        self._size = size
        self._tally = tally
        self._clock = clock
        self._started_s = clock()

    def advance(self, unit: "TranslatedUnit") -> None:
        """Tell that a segment was counted."""
        tally = self._tally
        if unit.is_replayed:
            # Not part of how fast it goes.
            self._bar.resume(tally.num_words)
            self._started_s = self._clock()
            return
        elapsed_s = self._clock() - self._started_s
        rate = tally.stats.num_tokens / elapsed_s if elapsed_s > 0 else 0.0
        self._bar.stage(
            f"segment {tally.num_segments}/{self._size.num_segments}, "
            f"{rate:.0f} tokens/s, {len(tally.flags)} flagged"
        )
        self._bar.update(tally.num_words)


def run_job(
    translator: "Translator", job: DocumentJob, tally: Tally, progress: JobProgress
) -> None:
    """Translate one document with an open translator.

    Raises:
        DocumentError: The document is malformed or was changed meanwhile, the output
            cannot be written, or another run works at it.
    """
    journal = None
    is_kept = not translator.settings.private
    if job.target is not None and is_kept and _is_file_or_new(job.target):
        journal = open_journal(
            job.source, job.target, job.choice, translator, is_anew=job.is_anew
        )
        if _is_written(job, journal):
            diagnostics.note(f"{job.target} was written by an earlier run")
            journal.remove()
            return
    number = 0

    def report(unit: "TranslatedUnit") -> None:
        nonlocal number
        number += 1
        tally.note(unit, job.source, number)
        progress.advance(unit)

    with ExitStack() as stack:
        if journal is not None:
            stack.enter_context(_keep_work(journal, lambda: number))
        sink = stack.enter_context(_open_sink(job.target, journal))
        translator.translate_document(job.document, sink, report, journal)
        if journal is not None:
            journal.complete()
    translator.add_to_history("", "", job.source.name)


def _is_written(job: DocumentJob, journal: "Journal") -> bool:
    """Whether a killed run had put the translation in the place of its source."""
    assert job.target is not None
    return (
        journal.was_complete
        and journal.changes == ("input",)
        and os.path.realpath(job.source) == os.path.realpath(job.target)
    )


@contextmanager
def _keep_work(journal: "Journal", count: Callable[[], int]) -> Iterator[None]:
    """Delete the journal when all is done; otherwise say that the work is kept."""
    try:
        with journal:
            yield
    except BaseException:
        if count():
            diagnostics.note(
                f"{count()} segments are kept; run the same command to go on"
            )
        raise


def _is_file_or_new(path: Path) -> bool:
    """Whether a path is none of a pipe or a device, where no work can go on."""
    return path.is_file() or not path.exists()


@contextmanager
def _open_sink(path: Path | None, journal: "Journal | None") -> Iterator[BinaryIO]:
    """Where the bytes of the document go; to standard output only when complete."""
    if path is not None:
        from polyspec.documents.output_file import open_binary_output
        from polyspec.translator.job_facts import job_name

        beside = None if journal is None else f".polyspec-{job_name(path)}"
        with open_binary_output(path, beside) as file:
            yield file
        return
    from tempfile import TemporaryFile

    with TemporaryFile() as file:
        yield file
        file.seek(0)
        while data := file.read(1 << 16):
            output.write_bytes(data)


def _show_progress(
    path: Path | None, size: DocumentSize, clock: ActiveClock
) -> AbstractContextManager[diagnostics.Progress]:
    """Count words on a terminal, unless the document itself may go there."""
    if path is None:
        return nullcontext(diagnostics.SILENT)
    return diagnostics.progress_if_terminal(
        "translating", size.num_words, "words", clock
    )
