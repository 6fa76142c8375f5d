"""The journals of jobs on the command line, and what is told of them."""

from pathlib import Path
from typing import TYPE_CHECKING

from polyspec.cli import diagnostics
from polyspec.cli.document_choice import DocumentChoice

if TYPE_CHECKING:
    from polyspec.translation.journal import Journal
    from polyspec.translator import Translator

_NAMES = {"input": "the document", "from_": "--from"}


def has_journal(output: Path) -> bool:
    """Whether a run that writes a file was stopped."""
    from polyspec.translator.job_facts import journal_path

    return journal_path(output).exists()


def open_journal(
    source: Path,
    output: Path,
    choice: DocumentChoice,
    translator: "Translator",
    *,
    is_anew: bool,
) -> "Journal":
    """Open the journal of a job and tell what is taken from it.

    Raises:
        DocumentError: Another run works at it, or it cannot be read or written.
    """
    from polyspec.translation.journal import Journal
    from polyspec.translator.job_facts import job_facts, journal_path

    facts = job_facts(source, choice.facts(), translator)
    journal = Journal(journal_path(output), facts, is_anew=is_anew)
    if journal.num_entries:
        diagnostics.note(
            f"going on with {output}: {journal.num_entries} segments are there already"
        )
    elif journal.changes and not is_anew:
        names = ", ".join(_NAMES.get(name, name) for name in journal.changes)
        diagnostics.note(f"{output} is begun anew: {names} changed since the last run")
    return journal
